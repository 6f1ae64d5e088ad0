"""The judge of adversarial training: rows of strided 4x4 convolutions that rate patches of an image.

The form is that of Isola et al. 2017 (PatchGAN, DOI 10.1109/CVPR.2017.632); DeblurGAN-v2 uses two of
different depth, SGPN one. A discriminator is needed for training only and is no restorer.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from torch import nn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor


class PatchDiscriminator(nn.Module):
    """Rates patches of an image: images ``(B, Y, X)`` to ``(B, y, x)``, linear output.

    Parameters
    ----------
    widths : tuple of int
        Channels of the normalised layers.
    strides : tuple of int
        Stride of each of them.
    affine : bool
        Learn scale and shift in instance normalisation.
    normalise_first : bool
        Whether the first layer is normalised too.
    padding : int
        Zeros around each layer's input.
    """

    def __init__(
        self,
        widths: tuple[int, ...],
        strides: tuple[int, ...],
        *,
        affine: bool,
        normalise_first: bool,
        padding: int,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for number, ((wide_in, wide), stride) in enumerate(zip(pairwise((1, *widths)), strides, strict=True)):
            normalised = number > 0 or normalise_first
            layers += _layer(wide_in, wide, stride, padding, normalised=normalised, affine=affine)
        self.layers = nn.Sequential(*layers, nn.Conv2d(widths[-1], 1, 4, 1, padding))

    def forward(self, images: Tensor) -> Tensor:
        """Return the ratings (B, y, x) of `images` (B, Y, X)."""
        ratings: Tensor = self.layers(images[:, None])
        return ratings[:, 0]


def _layer(
    channels_in: int, channels: int, stride: int, padding: int, *, normalised: bool, affine: bool
) -> Iterator[nn.Module]:
    yield nn.Conv2d(channels_in, channels, 4, stride, padding)
    if normalised:
        yield nn.InstanceNorm2d(channels, affine=affine)
    yield nn.LeakyReLU(0.2, inplace=True)
