"""One encoder-decoder run over three scales with a memory (Tao et al. 2018, DOI 10.1109/CVPR.2018.00853).

Weights are shared over scales; a convolutional LSTM carries what was found at one scale to the next, which is
shown the image and the enlarged result. Gradients do not pass from a scale to the one before it through the
result.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional as F

from napari_emrestore.models.architectures.blocks import ResidualBlock
from napari_emrestore.models.architectures.coarse_to_fine import pyramid

if TYPE_CHECKING:
    from torch import Tensor

State = tuple["Tensor", "Tensor"]

_BLOCKS = 3


class ConvLSTM(nn.Module):
    """Long short-term memory with 3x3 convolutions; it forgets little at first (bias 1)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gates = nn.Conv2d(2 * channels, 4 * channels, 3, padding=1)

    def forward(self, x: Tensor, state: State | None) -> State:
        """Return output and cell (B, C, Y, X) for `x` (B, C, Y, X) and the state before, None at first."""
        hidden, cell = (torch.zeros_like(x), torch.zeros_like(x)) if state is None else state
        take, candidate, forget, give = self.gates(torch.cat([x, hidden], 1)).chunk(4, 1)
        cell = cell * torch.sigmoid(forget + 1.0) + torch.sigmoid(take) * torch.tanh(candidate)
        return torch.tanh(cell) * torch.sigmoid(give), cell


def residual_row(channels: int) -> list[nn.Module]:
    """Return three residual blocks."""
    return [ResidualBlock(channels, 5) for _ in range(_BLOCKS)]


def encoder_level(channels_in: int, channels: int, stride: int) -> nn.Sequential:
    """Return a convolution with ReLU and three residual blocks."""
    return nn.Sequential(
        nn.Conv2d(channels_in, channels, 5, stride, 2), nn.ReLU(inplace=True), *residual_row(channels)
    )


def doubled(channels_in: int, channels: int) -> nn.Sequential:
    """Return a transposed convolution that doubles the size, with ReLU."""
    return nn.Sequential(nn.ConvTranspose2d(channels_in, channels, 4, 2, 1), nn.ReLU(inplace=True))


class SRN(nn.Module):
    """Encoder-decoder shared by three scales, with or without memory between them.

    Parameters
    ----------
    width, remembers
        See `build`.
    """

    def __init__(self, width: int, *, remembers: bool) -> None:
        super().__init__()
        self.encoder1 = encoder_level(2, width, 1)
        self.encoder2 = encoder_level(width, 2 * width, 2)
        self.encoder3 = encoder_level(2 * width, 4 * width, 2)
        self.memory = ConvLSTM(4 * width) if remembers else None
        self.decoder3 = nn.Sequential(*residual_row(4 * width), doubled(4 * width, 2 * width))
        self.decoder2 = nn.Sequential(*residual_row(2 * width), doubled(2 * width, width))
        self.decoder1 = nn.Sequential(*residual_row(width), nn.Conv2d(width, 1, 5, padding=2))

    def forward(self, frames: Tensor) -> Tensor:
        """Return the restoration (B, Y, X) of `frames` (B, 1, Y, X); Y and X are multiples of 16."""
        return self.forward_scales(frames)[-1]

    def forward_scales(self, frames: Tensor) -> list[Tensor]:
        """Return the restorations (B, y, x) at 1/4, 1/2 and full size, for the loss over all scales."""
        images = pyramid(frames.contiguous(memory_format=torch.channels_last))
        made: list[Tensor] = []
        before, state = images[0], None
        for image in images:
            if made:
                before = _doubled(made[-1].detach())
                state = None if state is None else (_doubled(state[0]), _doubled(state[1]))
            restored, state = self._one_scale(torch.cat([image, before], 1), state)
            made.append(restored)
        return [image[:, 0] for image in made]

    def _one_scale(self, x: Tensor, state: State | None) -> tuple[Tensor, State | None]:
        first = self.encoder1(x)
        second = self.encoder2(first)
        deep = self.encoder3(second)
        if self.memory is not None:
            state = self.memory(deep, state)
            deep = state[0]
        restored = self.decoder1(self.decoder2(self.decoder3(deep) + second) + first)
        return restored, state


def _doubled(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)
