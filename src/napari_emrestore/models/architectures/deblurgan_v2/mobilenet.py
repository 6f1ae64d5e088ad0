"""The part of MobileNet-v2 that DeblurGAN-v2 uses, with torchvision's names.

Sandler et al. 2018, DOI 10.1109/CVPR.2018.00474. The last two blocks and the classifier are left out: the
pyramid never asks for them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

from napari_emrestore.models.architectures.backbone_file import BackboneFile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

# expansion, channels, blocks, stride of the first block
_STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 2, 2))
# where features of the five scales are taken: after these many entries of `features`
_TAPS = (2, 4, 7, 11, 16)


def conv_norm(
    channels_in: int, channels: int, kernel: int, stride: int = 1, groups: int = 1
) -> nn.Sequential:
    """Return convolution, batch normalisation, ReLU6."""
    return nn.Sequential(
        nn.Conv2d(channels_in, channels, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(channels),
        nn.ReLU6(inplace=True),
    )


class InvertedResidual(nn.Module):
    """Widen, filter each channel, narrow; the input is added where shapes allow."""

    def __init__(self, channels_in: int, channels: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = channels_in * expansion
        widen = [conv_norm(channels_in, wide, 1)] if expansion != 1 else []
        self.conv = nn.Sequential(
            *widen,
            conv_norm(wide, wide, 3, stride, groups=wide),
            nn.Conv2d(wide, channels, 1, bias=False),
            nn.BatchNorm2d(channels),
        )
        self.adds_input = stride == 1 and channels_in == channels

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output for `x` (B, C, Y, X)."""
        made: Tensor = self.conv(x)
        return x + made if self.adds_input else made


class MobileNetFeatures(nn.Module):
    """Features of an image at five scales.

    Parameters
    ----------
    channels : int
        Channels of the input.
    """

    widths = (16, 24, 32, 64, 160)
    least_px = 1
    pads = ((0, 0),) * 5
    file = BackboneFile(
        "pyramid.backbone",
        "features.0.0.weight",
        ("features.16.", "features.17.", "features.18.", "classifier."),
    )

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.features = nn.Sequential(conv_norm(channels, 32, 3, 2), *_blocks())

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return features of `x` (B, C, Y, X) at 1/2, 1/4, 1/8, 1/16 and 1/32."""
        found = []
        for number, layer in enumerate(self.features, 1):
            x = layer(x)
            if number in _TAPS:
                found.append(x)
        return found


def _blocks() -> Iterator[InvertedResidual]:
    before = 32
    for expansion, channels, count, stride in _STAGES:
        for number in range(count):
            yield InvertedResidual(before, channels, stride if number == 0 else 1, expansion)
            before = channels
