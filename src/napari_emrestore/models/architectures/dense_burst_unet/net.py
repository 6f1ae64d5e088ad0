"""Dense U-Net for bursts (Wieslander et al. 2021, DOI 10.1371/journal.pone.0246336).

Blocks follow FC-DenseNet (Jegou et al. 2017, DOI 10.1109/CVPRW.2017.156): batch normalisation, ReLU,
convolution, dropout, each on everything before it. After each encoder block a frame is told the maximum
over the frames and both are compressed by a 1x1; without it, channels would double at each level.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import torch
from torch import nn
from torch.nn import functional as F

from napari_emrestore.models.architectures.blocks import enlarge
from napari_emrestore.models.architectures.frame_axis import PooledPointwise, fold_frames, strongest

if TYPE_CHECKING:
    from torch import Tensor

Upsampling = Literal["transposed", "nearest"]

_LAYERS_PER_BLOCK = 4


class DenseLayer(nn.Module):
    """Batch normalisation, ReLU, 3x3 convolution, dropout."""

    def __init__(self, channels_in: int, channels: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels_in)
        self.conv = nn.Conv2d(channels_in, channels, 3, padding=1)
        self.dropout = dropout

    def forward(self, x: Tensor) -> Tensor:
        """Return the new features for `x` (B, C, Y, X)."""
        made: Tensor = self.conv(F.relu(self.norm(x), inplace=True))
        return F.dropout(made, self.dropout, self.training) if self.dropout else made


class DenseBlock(nn.Module):
    """Four dense layers; each sees the input and everything made before it.

    Parameters
    ----------
    channels_in, growth : int
        Channels that come in and channels that each layer makes.
    keeps_input : bool
        Whether the input is part of the output.
    dropout : float
        Share of new features dropped in training.
    """

    def __init__(self, channels_in: int, growth: int, *, keeps_input: bool, dropout: float) -> None:
        super().__init__()
        self.keeps_input = keeps_input
        self.layers = nn.ModuleList(
            DenseLayer(channels_in + i * growth, growth, dropout) for i in range(_LAYERS_PER_BLOCK)
        )
        self.channels = _LAYERS_PER_BLOCK * growth + keeps_input * channels_in

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, `channels`, Y, X) for `x` (B, C, Y, X)."""
        all_of_it = x
        for layer in self.layers:
            all_of_it = torch.cat([all_of_it, layer(all_of_it)], 1)
        return all_of_it if self.keeps_input else all_of_it[:, x.shape[1] :]


class Compress(nn.Module):
    """Batch normalisation, ReLU and 1x1 convolution of a frame's features beside the maximum over frames."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm_own = nn.BatchNorm2d(channels)
        self.norm_highest = nn.BatchNorm2d(channels)
        self.mix = PooledPointwise(channels, channels, channels)

    def forward(self, z: Tensor, frames: int) -> Tensor:
        """Return features (B*N, C, Y, X) of the same shape as `z`."""
        highest = F.relu(self.norm_highest(strongest(z, frames)))
        told: Tensor = self.mix(F.relu(self.norm_own(z)), highest)
        return told


class UpNearest(nn.Module):
    """Repeats pixels, then convolves: leaves no grid pattern."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Return `x` (B, C, Y, X) at twice the size."""
        doubled: Tensor = self.conv(enlarge(x, 2))
        return doubled


class UpTransposed(nn.Module):
    """Transposed convolution, as FC-DenseNet doubles."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.transposed = nn.ConvTranspose2d(channels, channels, 3, 2, 1, output_padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Return `x` (B, C, Y, X) at twice the size."""
        doubled: Tensor = self.transposed(x)
        return doubled


class DenseBurstUNet(nn.Module):
    """Dense encoder with maxima over frames, dense decoder per frame, collapse at the end.

    Parameters
    ----------
    growth, first_width, levels, upsampling, head_width, dropout, adds_frame_mean
        See `build`.
    """

    def __init__(
        self,
        growth: int,
        first_width: int,
        levels: int,
        upsampling: Upsampling,
        head_width: int,
        dropout: float,
        *,
        adds_frame_mean: bool,
    ) -> None:
        super().__init__()
        self.adds_frame_mean = adds_frame_mean
        new = _LAYERS_PER_BLOCK * growth
        skips = [first_width + (level + 1) * new for level in range(levels)]
        self.entry = nn.Conv2d(1, first_width, 3, padding=1)
        self.encoder = nn.ModuleList(
            DenseBlock(width - new, growth, keeps_input=True, dropout=dropout) for width in skips
        )
        self.compress = nn.ModuleList(Compress(width) for width in skips)
        self.bottom = DenseBlock(skips[-1], growth, keeps_input=False, dropout=dropout)
        doubling = UpTransposed if upsampling == "transposed" else UpNearest
        self.ups = nn.ModuleList(doubling(new) for _ in skips)
        self.decoder = nn.ModuleList(
            DenseBlock(new + skips[level], growth, keeps_input=level == 0, dropout=dropout)
            for level in reversed(range(levels))
        )
        self.head = nn.Sequential(DenseLayer(2 * new + skips[0], head_width), DenseLayer(head_width, 1))

    def forward(self, frames: Tensor) -> Tensor:
        """Return the restoration (B, Y, X) of `frames` (B, N, Y, X); Y and X are multiples of 2**levels."""
        count = frames.shape[1]
        z = self.entry(fold_frames(frames))
        skips = []
        for block, compress in zip(self.encoder, self.compress, strict=True):
            skips.append(compress(block(z), count))
            z = F.max_pool2d(skips[-1], 2)
        z = self.bottom(z)
        for up, block in zip(self.ups, self.decoder, strict=True):
            z = block(torch.cat([up(z), skips.pop()], 1))
        output: Tensor = self.head(strongest(z, count))[:, 0]
        return output + frames.mean(1) if self.adds_frame_mean else output
