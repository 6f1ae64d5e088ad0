"""Blocks that several of the papers' networks share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn
from torch.nn import functional as F

if TYPE_CHECKING:
    from torch import Tensor


class ResidualBlock(nn.Module):
    """Two convolutions with a ReLU between them, added to the input; no normalisation."""

    def __init__(self, channels: int, kernel: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, kernel, padding=kernel // 2)
        self.conv2 = nn.Conv2d(channels, channels, kernel, padding=kernel // 2)

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output for `x` (B, C, Y, X), same shape."""
        refined: Tensor = x + self.conv2(F.relu(self.conv1(x)))
        return refined


def normalised_conv(
    channels_in: int, channels: int, *, stride: int = 1, affine: bool = False
) -> nn.Sequential:
    """Return a 3x3 convolution, instance normalisation and ReLU; its output depends on the whole image."""
    return nn.Sequential(
        nn.Conv2d(channels_in, channels, 3, stride, 1),
        nn.InstanceNorm2d(channels, affine=affine),
        nn.ReLU(inplace=True),
    )


def enlarge(x: Tensor, factor: int) -> Tensor:
    """Return `x` (B, C, Y, X) with each pixel repeated `factor` times along both axes."""
    return F.interpolate(x, scale_factor=float(factor), mode="nearest")
