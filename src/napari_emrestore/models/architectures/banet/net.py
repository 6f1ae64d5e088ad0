"""Dilated convolutions gated by strips of the whole image (Tsai et al. 2022, arXiv:2101.07518).

Strips reach across the whole image, so every pixel depends on all others and the network cannot be tiled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional as F

if TYPE_CHECKING:
    from torch import Tensor

_WIDE_STRIPS = (3, 5, 7)
_RATES = (1, 3, 5)
_SLOPE = 0.2


class StripAttention(nn.Module):
    """Two gates: one from means over strips of 1 to 7 widths along both axes, one from the neighbourhood."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        inner = channels // 2
        self.rows = nn.Conv2d(channels, inner, (3, 1), padding=(1, 0), bias=False)
        self.columns = nn.Conv2d(channels, inner, (1, 3), padding=(0, 1), bias=False)
        self.wide = nn.ModuleList(nn.Conv2d(channels, inner, 3, padding=1, bias=False) for _ in _WIDE_STRIPS)
        self.join = nn.Conv2d((1 + len(_WIDE_STRIPS)) * inner, inner, 1, bias=False)
        self.gate = nn.Conv2d(inner, channels, 1)
        self.refine = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return gated features for `x` (B, C, Y, X), same shape."""
        strips = [self.rows(x.mean(3, keepdim=True)) + self.columns(x.mean(2, keepdim=True))]
        strips += [_wide(x, conv, count) for conv, count in zip(self.wide, _WIDE_STRIPS, strict=True)]
        gated = x * torch.sigmoid(self.gate(F.relu(self.join(torch.cat(strips, 1)))))
        refined: Tensor = gated * self.refine(gated)
        return refined


def _wide(x: Tensor, conv: nn.Module, count: int) -> Tensor:
    """Return the sum over both axes of `count` strips of `x`, convolved and stretched to its size."""
    size = x.shape[-2:]
    columns = F.interpolate(conv(F.adaptive_avg_pool2d(x, (size[0], count))), size)
    rows = F.interpolate(conv(F.adaptive_avg_pool2d(x, (count, size[1]))), size)
    return columns + rows


class ParallelDilated(nn.Module):
    """Three dilated convolutions side by side, half as wide each as the input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            nn.Conv2d(channels, channels // 2, 3, padding=rate, dilation=rate) for rate in _RATES
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, 3C/2, Y, X) for `x` (B, C, Y, X)."""
        return torch.cat([branch(x) for branch in self.branches], 1)


class BlurAwareModule(nn.Module):
    """Dilated convolutions twice in a row beside the attention, joined and added to the input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.entry = nn.Conv2d(channels, channels, 3, padding=1)
        self.dilated1 = ParallelDilated(channels)
        self.bridge = nn.Conv2d(3 * (channels // 2), channels, 3, padding=1)
        self.dilated2 = ParallelDilated(channels)
        self.attention = StripAttention(channels)
        self.exit = nn.Conv2d(3 * (channels // 2) + channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Return the module's output for `x` (B, C, Y, X), same shape."""
        z = F.leaky_relu(self.entry(x), _SLOPE)
        content = self.dilated2(F.leaky_relu(self.bridge(self.dilated1(z)), _SLOPE))
        joined = self.exit(torch.cat([content, self.attention(z)], 1))
        return F.leaky_relu(joined + x, _SLOPE)


class BANet(nn.Module):
    """One level down, a row of blur-aware modules, one level up, residual to the input.

    Parameters
    ----------
    width, modules
        See `build`.
    """

    def __init__(self, width: int, modules: int) -> None:
        super().__init__()
        self.entry = nn.Conv2d(1, width, 3, padding=1)
        self.down = nn.Conv2d(width, 2 * width, 3, 2, 1)
        self.middle = nn.Sequential(*(BlurAwareModule(2 * width) for _ in range(modules)))
        self.up = nn.ConvTranspose2d(2 * width, width, 4, 2, 1)
        self.join = nn.Conv2d(2 * width, width, 3, padding=1)
        self.exit = nn.Conv2d(width, 1, 3, padding=1)

    def forward(self, frames: Tensor) -> Tensor:
        """Return the restoration (B, Y, X) of `frames` (B, 1, Y, X); Y and X are even."""
        first = F.leaky_relu(self.entry(frames.contiguous(memory_format=torch.channels_last)), _SLOPE)
        z = self.middle(F.leaky_relu(self.down(first), _SLOPE))
        z = torch.cat([F.leaky_relu(self.up(z), _SLOPE), first], 1)
        correction: Tensor = self.exit(F.leaky_relu(self.join(z), _SLOPE))
        return frames[:, 0] + correction[:, 0]
