"""Bursts as batches: frames share weights on the batch axis and meet by their maximum or mean.

The maximum over frames is that of Aittala & Durand 2018 (DOI 10.1007/978-3-030-01237-3_45): the order of
frames and their repetition change nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:
    from torch import Tensor


def fold_frames(frames: Tensor) -> Tensor:
    """Return `frames` (B, N, Y, X) as single-channel images (B*N, 1, Y, X), channels last in memory."""
    return frames.flatten(0, 1)[:, None].contiguous(memory_format=torch.channels_last)


def unfold_frames(z: Tensor, frames: int) -> Tensor:
    """Return `z` (B*N, C, Y, X) as (B, N, C, Y, X)."""
    return z.reshape(z.shape[0] // frames, frames, *z.shape[1:])


def pool_frames(z: Tensor, frames: int) -> tuple[Tensor, Tensor]:
    """Return maximum and mean over the frames of `z` (B*N, C, Y, X), each (B, C, Y, X)."""
    stacked = unfold_frames(z, frames)
    return stacked.amax(1), stacked.mean(1)


def strongest(z: Tensor, frames: int) -> Tensor:
    """Return the maximum over the frames of `z` (B*N, C, Y, X), (B, C, Y, X)."""
    return unfold_frames(z, frames).amax(1)


class PooledPointwise(nn.Module):
    """A 1x1 convolution of ``[own..., max over frames of own]``.

    It is split in two, so that the burst's part is computed once per burst and not once per frame.

    Parameters
    ----------
    own : int
        Channels of a frame's features that are not pooled.
    pooled : int
        Channels of the features whose maximum over frames joins them.
    channels : int
        Channels that come out.
    """

    def __init__(self, own: int, pooled: int, channels: int) -> None:
        super().__init__()
        self.own = nn.Conv2d(own, channels, 1)
        self.shared = nn.Conv2d(pooled, channels, 1, bias=False)

    def forward(self, own: Tensor, highest: Tensor) -> Tensor:
        """Return the result (B*N, channels, Y, X) for `own` (B*N, C, Y, X) and `highest` (B, C', Y, X)."""
        frames = own.shape[0] // highest.shape[0]
        told = self.shared(highest)
        mixed: Tensor = self.own(own) + told.repeat_interleave(frames, 0)
        return mixed
