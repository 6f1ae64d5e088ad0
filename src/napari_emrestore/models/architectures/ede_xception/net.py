"""Xception with atrous pyramid and decoder (Ede & Beanland 2019, DOI 10.1016/j.ultramic.2019.03.017).

Where paper and public code differ, the paper is followed: batch normalisation between the depthwise and the
pointwise half of a separable convolution, a pooled branch that is used, no bias before a normalisation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import nn
from torch.nn import functional as F

if TYPE_CHECKING:
    from torch import Tensor

_RATES = (6, 12, 18)


class Widths(NamedTuple):
    """Channels: of the first layer, the two skips, the third and the middle flow, the pyramid's result."""

    first: int
    skip: int
    third: int
    middle: int
    pyramid: int


def norm(channels: int) -> nn.BatchNorm2d:
    """Return batch normalisation with the paper's constants."""
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=1e-3)


def conv(channels_in: int, channels: int, stride: int = 1) -> nn.Sequential:
    """Return a pointwise convolution, batch normalisation, ReLU6."""
    return nn.Sequential(
        nn.Conv2d(channels_in, channels, 1, stride, bias=False), norm(channels), nn.ReLU6(inplace=True)
    )


def separable(channels_in: int, channels: int, stride: int = 1, rate: int = 1) -> nn.Sequential:
    """Return depthwise and pointwise convolution, each normalised, then ReLU6."""
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_in, 3, stride, rate, rate, groups=channels_in, bias=False),
        norm(channels_in),
        *conv(channels_in, channels),
    )


class EntryBlock(nn.Module):
    """Three separable convolutions, the last strided, beside a strided pointwise one."""

    def __init__(self, channels_in: int, inner: int, channels: int) -> None:
        super().__init__()
        self.path = nn.Sequential(
            separable(channels_in, inner), separable(inner, inner), separable(inner, channels, 2)
        )
        self.shortcut = conv(channels_in, channels, 2)

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output for `x` (B, C, Y, X), half the size."""
        made: Tensor = self.path(x) + self.shortcut(x)
        return made


class MiddleBlock(nn.Module):
    """Three separable convolutions, added to the input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.path = nn.Sequential(*(separable(channels, channels) for _ in range(3)))

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output for `x` (B, C, Y, X), same shape."""
        made: Tensor = x + self.path(x)
        return made


class AtrousPyramid(nn.Module):
    """Looks at several distances at once: pointwise, three dilated convolutions and a pooled branch."""

    def __init__(self, channels_in: int, channels: int) -> None:
        super().__init__()
        self.near = conv(channels_in, channels_in)
        self.far = nn.ModuleList(separable(channels_in, channels_in, rate=rate) for rate in _RATES)
        self.pooled = nn.Sequential(norm(channels_in), nn.ReLU6(inplace=True))
        self.join = conv((2 + len(_RATES)) * channels_in, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, channels, Y, X) for `x` (B, C, Y, X); Y and X are even."""
        pooled = self.pooled(enlarged(F.avg_pool2d(x, 2), 2))
        joined: Tensor = self.join(torch.cat([self.near(x), *(far(x) for far in self.far), pooled], 1))
        return joined


class DecoderBlock(nn.Module):
    """Two separable convolutions beside a pointwise one."""

    def __init__(self, channels_in: int, channels: int) -> None:
        super().__init__()
        self.path = nn.Sequential(separable(channels_in, channels), separable(channels, channels))
        self.shortcut = conv(channels_in, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output for `x` (B, C, Y, X)."""
        made: Tensor = self.path(x) + self.shortcut(x)
        return made


def doubled(channels: int) -> nn.Sequential:
    """Return a transposed convolution that doubles the size, batch normalisation, ReLU6."""
    return nn.Sequential(
        nn.ConvTranspose2d(channels, channels, 3, 2, 1, output_padding=1, bias=False),
        norm(channels),
        nn.ReLU6(inplace=True),
    )


def enlarged(x: Tensor, factor: int) -> Tensor:
    """Return `x` (B, C, Y, X) enlarged by linear interpolation."""
    return F.interpolate(x, scale_factor=float(factor), mode="bilinear", align_corners=False)


class EdeXception(nn.Module):
    """Entry, middle flow, atrous pyramid, decoder with two skips.

    Parameters
    ----------
    widths : Widths
        Channels.
    middle_blocks, ends_in_relu6
        See `build`.
    """

    def __init__(self, widths: Widths, middle_blocks: int, *, ends_in_relu6: bool) -> None:
        super().__init__()
        first, skip, third, middle, pyramid = widths
        self.entry1 = EntryBlock(1, first, skip)
        self.entry2 = EntryBlock(skip, skip, skip)
        self.deep = nn.Sequential(
            EntryBlock(skip, third, third),
            EntryBlock(third, middle, middle),
            *(MiddleBlock(middle) for _ in range(middle_blocks)),
            AtrousPyramid(middle, pyramid),
        )
        self.decode1 = nn.Sequential(DecoderBlock(pyramid + skip, pyramid), doubled(pyramid))
        self.decode2 = nn.Sequential(DecoderBlock(pyramid + skip, skip), doubled(skip))
        ending = [norm(1), nn.ReLU6()] if ends_in_relu6 else []
        self.decode3 = nn.Sequential(
            DecoderBlock(skip, first),
            nn.Conv2d(first, 1, 3, padding=1, bias=not ends_in_relu6),
            *ending,
        )
        self.apply(_xavier)

    def forward(self, frames: Tensor) -> Tensor:
        """Return the restoration (B, Y, X) of `frames` (B, 1, Y, X); Y and X are multiples of 32."""
        low1 = self.entry1(frames.contiguous(memory_format=torch.channels_last))
        low2 = self.entry2(low1)
        z = self.decode1(torch.cat([enlarged(self.deep(low2), 4), low2], 1))
        output: Tensor = self.decode3(self.decode2(torch.cat([z, low1], 1)))
        return output[:, 0]


def _xavier(module: nn.Module) -> None:
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
