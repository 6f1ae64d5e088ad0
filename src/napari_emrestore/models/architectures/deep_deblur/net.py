"""Three residual networks from coarse to fine (Nah et al. 2017, DOI 10.1109/CVPR.2017.35).

Each scale's result is enlarged by pixel shuffling and shown to the next. No normalisation, and no residual
around the whole. The pyramid is of area means.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional as F

from napari_emrestore.models.architectures.blocks import ResidualBlock
from napari_emrestore.models.architectures.coarse_to_fine import SCALES, pyramid

if TYPE_CHECKING:
    from torch import Tensor

_MIDDLE = 0.5


def residual_network(channels_in: int, width: int, blocks: int) -> nn.Sequential:
    """Return the network of one scale."""
    return nn.Sequential(
        nn.Conv2d(channels_in, width, 5, padding=2),
        *(ResidualBlock(width, 5) for _ in range(blocks)),
        nn.Conv2d(width, 1, 5, padding=2),
    )


class DeepDeblur(nn.Module):
    """Three scales, each restored with the result of the one before it at hand.

    Parameters
    ----------
    width, blocks
        See `build`.
    """

    def __init__(self, width: int, blocks: int) -> None:
        super().__init__()
        self.scales = nn.ModuleList(residual_network(1 + (i > 0), width, blocks) for i in range(SCALES))
        self.rises = nn.ModuleList(nn.Conv2d(1, 4, 5, padding=2) for _ in range(SCALES - 1))

    def forward(self, frames: Tensor) -> Tensor:
        """Return the restoration (B, Y, X) of `frames` (B, 1, Y, X); Y and X are multiples of 4."""
        return self.forward_scales(frames)[-1]

    def forward_scales(self, frames: Tensor) -> list[Tensor]:
        """Return the restorations (B, y, x) at 1/4, 1/2 and full size, for the loss over all scales."""
        coarse, *finer = pyramid((frames - _MIDDLE).contiguous(memory_format=torch.channels_last))
        made = [self.scales[0](coarse)]
        for image, rise, restore in zip(finer, self.rises, self.scales[1:], strict=True):
            told = F.pixel_shuffle(rise(made[-1]), 2)
            made.append(restore(torch.cat([image, told], 1)))
        return [image[:, 0] + _MIDDLE for image in made]
