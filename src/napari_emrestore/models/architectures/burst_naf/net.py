"""A NAFNet-style U-Net with permutation-invariant fusion of frames.

The block is that of Chen et al. 2022, "Simple Baselines for Image Restoration" (DOI
10.1007/978-3-031-20071-7_2), without its channel attention: a global mean would make a tile depend on
the rest of the image. Fusion by maximum over frames follows Aittala & Durand 2018 (DOI
10.1007/978-3-030-01237-3_45); the mean beside it keeps the averaging of noise linear.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from napari_emrestore.core import ModelError
from napari_emrestore.models.architectures.frame_axis import pool_frames, unfold_frames

PaddingMode = Literal["zeros", "replicate"]

_LEAST_DEVIATION = 1e-3
_USUAL_ERROR = 0.05  # of the model range; where an untrained error head starts


class PixelNorm(nn.Module):
    """Layer normalisation over the channels of each pixel, so that tiles normalise like the whole."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Return `x` (B, C, Y, X) with zero mean and unit variance over C, then scaled and shifted."""
        last = x.permute(0, 2, 3, 1)
        normal = F.layer_norm(last, tuple(self.weight.shape), self.weight, self.bias, 1e-6)
        return normal.permute(0, 3, 1, 2)


def simple_gate(x: Tensor) -> Tensor:
    """Return the product of the two halves of the channels of `x` (B, 2C, Y, X)."""
    a, b = x.chunk(2, dim=1)
    return a * b


class NafBlock(nn.Module):
    """Gated depthwise convolution, then a gated pointwise one, each with a learnt residual weight."""

    def __init__(self, channels: int, padding_mode: PaddingMode = "zeros") -> None:
        super().__init__()
        self.norm1 = PixelNorm(channels)
        self.expand1 = nn.Conv2d(channels, 2 * channels, 1)
        self.depthwise = nn.Conv2d(
            2 * channels, 2 * channels, 3, padding=1, groups=2 * channels, padding_mode=padding_mode
        )
        self.project1 = nn.Conv2d(channels, channels, 1)
        self.beta = nn.Parameter(torch.zeros(1, channels, 1, 1))
        self.norm2 = PixelNorm(channels)
        self.expand2 = nn.Conv2d(channels, 2 * channels, 1)
        self.project2 = nn.Conv2d(channels, channels, 1)
        self.gamma = nn.Parameter(torch.zeros(1, channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output for `x` (B, C, Y, X), same shape."""
        gated = simple_gate(self.depthwise(self.expand1(self.norm1(x))))
        x = x + self.project1(gated) * self.beta
        gated = simple_gate(self.expand2(self.norm2(x)))
        refined: Tensor = x + self.project2(gated) * self.gamma
        return refined


class FrameFusion(nn.Module):
    """Tells every frame what the burst saw: ``z_t + W [z_t, max_t z, mean_t z]``."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.own = nn.Conv2d(channels, channels, 1)
        self.shared = nn.Conv2d(2 * channels, channels, 1, bias=False)

    def forward(self, z: Tensor, frames: int) -> tuple[Tensor, Tensor]:
        """Return fused features (B*N, C, Y, X) and the skip ½(max + mean) (B, C, Y, X)."""
        highest, mean = pool_frames(z, frames)
        # The 1x1 of the concat is split so that the burst's part is computed once, not per frame.
        told = self.shared(torch.cat([highest, mean], 1))
        fused = unfold_frames(z + self.own(z), frames) + told[:, None]
        skip_max, skip_mean = fused.amax(1), fused.mean(1)
        return fused.flatten(0, 1), 0.5 * (skip_max + skip_mean)


def blocks(count: int, channels: int, padding_mode: PaddingMode) -> nn.Sequential:
    """Return `count` NAF blocks in a row."""
    return nn.Sequential(*(NafBlock(channels, padding_mode) for _ in range(count)))


class ErrorHead(nn.Module):
    """Reads off the decoder's last features how far the restoration is probably off.

    It looks no further than the convolution that makes the restoration, so tiles need no larger halo.
    """

    def __init__(self, channels: int, folded: int, padding_mode: PaddingMode = "zeros") -> None:
        super().__init__()
        self.look = nn.Conv2d(channels, 2 * channels, 3, padding=1, padding_mode=padding_mode)
        self.weigh = nn.Conv2d(2 * channels + folded + 1, 2 * channels, 1)
        self.tell = nn.Conv2d(2 * channels, folded, 1)
        nn.init.zeros_(self.tell.weight)
        nn.init.constant_(self.tell.bias, math.log(_USUAL_ERROR**2))  # type: ignore[arg-type]

    def forward(self, features: Tensor, correction: Tensor, level: Tensor) -> Tensor:
        """Return the folded log variance (B, folded, y, x).

        Parameters
        ----------
        features : Tensor, shape (B, channels, y, x)
            What the restoration is made from.
        correction : Tensor, shape (B, folded, y, x)
            What was made from it.
        level : Tensor, shape (B, 1, y, x)
            Logarithm to base 10 of the noise of the frame mean, its standard deviation.
        """
        seen = F.gelu(self.look(features))
        known = torch.cat([seen, correction.abs(), level], 1)
        told: Tensor = self.tell(F.gelu(self.weigh(known)))
        return told


class BurstNAF(nn.Module):
    """Encoder per frame with fusion at each level, decoder once per burst, residual to the frame mean.

    Parameters
    ----------
    width, encoder_blocks, middle_blocks, decoder_blocks, unshuffle, noise_input, padding_mode, error_head
        See `build`.
    """

    def __init__(
        self,
        width: int,
        encoder_blocks: tuple[int, ...],
        middle_blocks: int,
        decoder_blocks: tuple[int, ...],
        unshuffle: int,
        *,
        noise_input: bool = False,
        padding_mode: PaddingMode = "zeros",
        error_head: bool = False,
    ) -> None:
        super().__init__()
        self.unshuffle = unshuffle
        self.noise_input = noise_input
        folded = unshuffle**2
        widths = [width * 2**level for level in range(len(encoder_blocks) + 1)]
        self.entry = nn.Conv2d(folded + noise_input, width, 3, padding=1, padding_mode=padding_mode)
        self.encoders = nn.ModuleList(
            blocks(n, c, padding_mode) for n, c in zip(encoder_blocks, widths, strict=False)
        )
        self.fusions = nn.ModuleList(FrameFusion(c) for c in widths[:-1])
        self.downs = nn.ModuleList(nn.Conv2d(c, 2 * c, 2, stride=2) for c in widths[:-1])
        self.collapse = nn.Conv2d(2 * widths[-1], widths[-1], 1)
        self.middle = blocks(middle_blocks, widths[-1], padding_mode)
        self.ups = nn.ModuleList(nn.Conv2d(c, 2 * c, 1, bias=False) for c in reversed(widths[1:]))
        self.decoders = nn.ModuleList(
            blocks(n, c, padding_mode) for n, c in zip(decoder_blocks, reversed(widths[:-1]), strict=True)
        )
        self.exit = nn.Conv2d(width, folded, 3, padding=1, padding_mode=padding_mode)
        self.error_head = ErrorHead(width, folded, padding_mode) if error_head else None

    def forward(self, frames: Tensor, noise: Tensor | None = None) -> Tensor:
        """Return the restoration (B, Y, X) of `frames` (B, N, Y, X).

        Y and X are multiples of ``unshuffle * 2**levels``; values are in model range, unclamped.

        Parameters
        ----------
        frames : Tensor, shape (B, N, Y, X)
            Registered frames.
        noise : Tensor, shape (B, 2), optional
            Slope and height of the line from intensity to the noise variance of one frame, both in model
            range; ``None`` takes the frames as noise-free. Without effect unless built with `noise_input`.
        """
        mean = frames.mean(1)
        correction: Tensor = self.exit(self._features(frames, self._noise_level(mean, noise)))
        return mean + F.pixel_shuffle(correction, self.unshuffle)[:, 0]

    def forward_with_error(self, frames: Tensor, noise: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return what `forward` does, and the log of the variance expected of its error, both (B, Y, X).

        Only built with `error_head`; parameters as for `forward`.
        """
        if self.error_head is None:
            raise ModelError(
                "Only a network with an error head tells how far it is probably off", came="this one has none"
            )
        mean = frames.mean(1)
        level = self._noise_level(mean, noise)
        features = self._features(frames, level)
        correction = self.exit(features)
        log_variance = self.error_head(features, correction, level - 0.5 * math.log10(frames.shape[1]))
        restored: Tensor = mean + F.pixel_shuffle(correction, self.unshuffle)[:, 0]
        return restored, F.pixel_shuffle(log_variance, self.unshuffle)[:, 0]

    def _noise_level(self, mean: Tensor, noise: Tensor | None) -> Tensor:
        """Return the log of one frame's noise, folded (B, 1, y, x)."""
        return F.avg_pool2d(torch.log10(noise_deviation(mean, noise))[:, None], self.unshuffle)

    def _features(self, frames: Tensor, level: Tensor) -> Tensor:
        """Return the decoder's last features (B, width, y, x) of `frames` (B, N, Y, X)."""
        count = frames.shape[1]
        z = F.pixel_unshuffle(frames.flatten(0, 1)[:, None], self.unshuffle)
        if self.noise_input:
            z = torch.cat([z, level.repeat_interleave(count, 0)], 1)
        z = self.entry(z.contiguous(memory_format=torch.channels_last))
        skips = []
        for encoder, fusion, down in zip(self.encoders, self.fusions, self.downs, strict=True):
            z, skip = fusion(encoder(z), count)
            skips.append(skip)
            z = down(z)
        z = self.middle(self.collapse(torch.cat(pool_frames(z, count), 1)))
        for up, decoder, skip in zip(self.ups, self.decoders, reversed(skips), strict=True):
            z = decoder(F.pixel_shuffle(up(z), 2) + skip)
        features: Tensor = z
        return features


def noise_deviation(mean: Tensor, noise: Tensor | None) -> Tensor:
    """Return the standard deviation of one frame's noise at each pixel of `mean` (B, Y, X).

    Read off the noise line (B, 2) at the local mean over 5 x 5 pixels, at least 1e-3 of the model range.
    """
    if noise is None:
        return torch.full_like(mean, _LEAST_DEVIATION)
    local = F.avg_pool2d(F.pad(mean[:, None], (2, 2, 2, 2), mode="replicate"), 5, 1)[:, 0]
    variance = noise[:, 0, None, None] * local + noise[:, 1, None, None]
    return variance.clamp(min=_LEAST_DEVIATION**2).sqrt()
