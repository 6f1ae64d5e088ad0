"""Burst network with a U-Net base (Aittala & Durand 2018, DOI 10.1007/978-3-030-01237-3_45).

Frames share all weights; after each level every frame is told the maximum over the frames. Wieslander et
al. 2021 (DOI 10.1371/journal.pone.0246336) use it as "BU". Order of a layer: convolution, ELU, batch
normalisation. Its transposed convolutions are known to leave a grid pattern in flat areas.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional as F

from napari_emrestore.models.architectures.frame_axis import PooledPointwise, fold_frames, strongest

if TYPE_CHECKING:
    from torch import Tensor


class Layer(nn.Module):
    """Convolution (its size kept, or halved with `stride` 2), ELU, batch normalisation."""

    def __init__(self, channels_in: int, channels: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels_in, channels, kernel, stride, (kernel - 1) // 2)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        """Return the layer's output for `x` (B, C, Y, X)."""
        normal: Tensor = self.norm(F.elu(self.conv(x)))
        return normal


class ToldLayer(nn.Module):
    """A 1x1 layer on a frame's features and the maximum over the frames."""

    def __init__(self, own: int, pooled: int, channels: int) -> None:
        super().__init__()
        self.mix = PooledPointwise(own, pooled, channels)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, own: Tensor, highest: Tensor) -> Tensor:
        """Return features (B*N, C, Y, X) from `own` (B*N, C', Y, X) and `highest` (B, C'', Y, X)."""
        normal: Tensor = self.norm(F.elu(self.mix(own, highest)))
        return normal


class Down(nn.Module):
    """One level down: tell each frame of the others, then halve."""

    def __init__(self, channels_in: int, channels: int) -> None:
        super().__init__()
        self.told = ToldLayer(channels_in, channels_in, channels)
        self.halving = Layer(channels, channels, 4, 2)

    def forward(self, z: Tensor, frames: int) -> Tensor:
        """Return the features of the next level."""
        halved: Tensor = self.halving(self.told(z, strongest(z, frames)))
        return halved


class Up(nn.Module):
    """One level up: features from below, their maximum and the frame's own skip, then double."""

    def __init__(self, below: int, skip: int, channels: int, above: int, *, pools: bool) -> None:
        super().__init__()
        self.pools = pools
        self.told: nn.Module = (
            ToldLayer(below + skip, below, channels) if pools else Layer(below + skip, channels, 1)
        )
        self.conv = Layer(channels, channels, 3)
        self.doubling = nn.ConvTranspose2d(channels, above, 4, 2, 1)

    def forward(self, z: Tensor, skip: Tensor, frames: int) -> Tensor:
        """Return the features of the finer level."""
        own = torch.cat([z, skip], 1)
        told = self.told(own, strongest(z, frames)) if self.pools else self.told(own)
        doubled: Tensor = self.doubling(self.conv(told))
        return doubled


class BurstUNet(nn.Module):
    """Encoder and decoder per frame with a maximum over frames at each level; the last one collapses them.

    Parameters
    ----------
    width, pools_in_decoder, adds_frame_mean
        See `build`.
    """

    def __init__(self, width: int, *, pools_in_decoder: bool, adds_frame_mean: bool = False) -> None:
        super().__init__()
        self.adds_frame_mean = adds_frame_mean
        downs = [width, 2 * width, 4 * width, 6 * width]
        ups = [6 * width, 4 * width, 3 * width, 3 * width // 2]
        self.entry = Layer(1, width, 3)
        self.downs = nn.ModuleList(Down(a, b) for a, b in pairwise(downs))
        self.bottom = nn.Sequential(
            Layer(6 * width, 6 * width, 3), nn.ConvTranspose2d(6 * width, ups[0], 4, 2, 1)
        )
        self.down_to_bottom = Down(downs[-1], 6 * width)
        self.ups = nn.ModuleList(
            Up(below, skip, below, above, pools=pools_in_decoder)
            for (below, above), skip in zip(pairwise(ups), reversed(downs[1:]), strict=True)
        )
        self.pools_last = pools_in_decoder
        joined = ups[-1] * (1 + pools_in_decoder) + width
        self.last = Layer(joined, ups[-1], 3)
        self.exit = nn.Sequential(Layer(ups[-1], width, 3), nn.Conv2d(width, 1, 3, padding=1))

    def forward(self, frames: Tensor) -> Tensor:
        """Return the restoration (B, Y, X) of `frames` (B, N, Y, X); Y and X are multiples of 16."""
        count = frames.shape[1]
        z = self.entry(fold_frames(frames))
        skips = [z]
        for down in self.downs:
            skips.append(down(skips[-1], count))
        z = self.bottom(self.down_to_bottom(skips[-1], count))
        for up in self.ups:
            z = up(z, skips.pop(), count)
        highest = [strongest(z, count).repeat_interleave(count, 0)] if self.pools_last else []
        z = self.last(torch.cat([z, *highest, skips.pop()], 1))
        output: Tensor = self.exit(strongest(z, count))[:, 0]
        return output + frames.mean(1) if self.adds_frame_mean else output
