"""The part of Inception-ResNet-v2 that DeblurGAN-v2 uses, with the names of its public PyTorch weights.

Szegedy et al. 2017, DOI 10.1609/aaai.v31i1.11231. Convolutions without padding shrink the maps; `pads` says
what the pyramid must add. The last blocks and the classifier, 25 million parameters that papers count, are
left out: the pyramid never asks for them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional as F

from napari_emrestore.models.architectures.backbone_file import BackboneFile

if TYPE_CHECKING:
    from torch import Tensor

Pair = tuple[int, int]


class ConvNorm(nn.Module):
    """Convolution, batch normalisation, ReLU."""

    def __init__(
        self, channels_in: int, channels: int, kernel: int | Pair, stride: int = 1, padding: int | Pair = 0
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels_in, channels, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(channels, eps=1e-3)

    def forward(self, x: Tensor) -> Tensor:
        """Return the layer's output for `x` (B, C, Y, X)."""
        return F.relu(self.bn(self.conv(x)), inplace=True)


class Branches(nn.Module):
    """Branches named ``branch0`` and so on, side by side; their results are concatenated."""

    def __init__(self, *branches: nn.Module) -> None:
        super().__init__()
        for number, branch in enumerate(branches):
            self.add_module(f"branch{number}", branch)

    def forward(self, x: Tensor) -> Tensor:
        """Return the concatenated results for `x` (B, C, Y, X)."""
        return torch.cat([branch(x) for name, branch in self.named_children() if name[:6] == "branch"], 1)


class ScaledResidual(Branches):
    """Branches, projected by a 1x1, added to the input at a small scale."""

    def __init__(self, channels: int, inner: int, scale: float, *branches: nn.Module) -> None:
        super().__init__(*branches)
        self.conv2d = nn.Conv2d(inner, channels, 1)
        self.scale = scale

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output for `x` (B, C, Y, X), same shape."""
        return F.relu(x + self.scale * self.conv2d(super().forward(x)))


def mixed_5b() -> Branches:
    """Return the first mixed layer, 192 to 320 channels."""
    return Branches(
        ConvNorm(192, 96, 1),
        nn.Sequential(ConvNorm(192, 48, 1), ConvNorm(48, 64, 5, padding=2)),
        nn.Sequential(ConvNorm(192, 64, 1), ConvNorm(64, 96, 3, padding=1), ConvNorm(96, 96, 3, padding=1)),
        nn.Sequential(nn.AvgPool2d(3, 1, 1, count_include_pad=False), ConvNorm(192, 64, 1)),
    )


def block_35() -> ScaledResidual:
    """Return a residual block of 320 channels."""
    return ScaledResidual(
        320,
        128,
        0.17,
        ConvNorm(320, 32, 1),
        nn.Sequential(ConvNorm(320, 32, 1), ConvNorm(32, 32, 3, padding=1)),
        nn.Sequential(ConvNorm(320, 32, 1), ConvNorm(32, 48, 3, padding=1), ConvNorm(48, 64, 3, padding=1)),
    )


def mixed_6a() -> Branches:
    """Return the layer that halves and widens from 320 to 1088 channels."""
    return Branches(
        ConvNorm(320, 384, 3, 2),
        nn.Sequential(ConvNorm(320, 256, 1), ConvNorm(256, 256, 3, padding=1), ConvNorm(256, 384, 3, 2)),
        nn.MaxPool2d(3, 2),
    )


def block_17() -> ScaledResidual:
    """Return a residual block of 1088 channels with row and column kernels."""
    return ScaledResidual(
        1088,
        384,
        0.10,
        ConvNorm(1088, 192, 1),
        nn.Sequential(
            ConvNorm(1088, 128, 1),
            ConvNorm(128, 160, (1, 7), padding=(0, 3)),
            ConvNorm(160, 192, (7, 1), padding=(3, 0)),
        ),
    )


def mixed_7a() -> Branches:
    """Return the layer that halves and widens from 1088 to 2080 channels."""
    return Branches(
        nn.Sequential(ConvNorm(1088, 256, 1), ConvNorm(256, 384, 3, 2)),
        nn.Sequential(ConvNorm(1088, 256, 1), ConvNorm(256, 288, 3, 2)),
        nn.Sequential(ConvNorm(1088, 256, 1), ConvNorm(256, 288, 3, padding=1), ConvNorm(288, 320, 3, 2)),
        nn.MaxPool2d(3, 2),
    )


class InceptionFeatures(nn.Module):
    """Features of an image at five scales.

    Parameters
    ----------
    channels : int
        Channels of the input.
    """

    widths = (32, 64, 192, 1088, 2080)
    least_px = 128  # below, a map would be smaller than the rim that is mirrored around it
    pads = ((0, 1), (1, 1), (1, 2), (1, 1), (1, 1))
    file = BackboneFile(
        "pyramid.backbone",
        "conv2d_1a.conv.weight",
        ("repeat_2.", "block8.", "conv2d_7b.", "last_linear."),
    )

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv2d_1a = ConvNorm(channels, 32, 3, 2)
        self.conv2d_2a = ConvNorm(32, 32, 3)
        self.conv2d_2b = ConvNorm(32, 64, 3, padding=1)
        self.conv2d_3b = ConvNorm(64, 80, 1)
        self.conv2d_4a = ConvNorm(80, 192, 3)
        self.mixed_5b = mixed_5b()
        self.repeat = nn.Sequential(*(block_35() for _ in range(10)))
        self.mixed_6a = mixed_6a()
        self.repeat_1 = nn.Sequential(*(block_17() for _ in range(20)))
        self.mixed_7a = mixed_7a()

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return features of `x` (B, C, Y, X) at 1/2 to 1/32, smaller than these by the sums of `pads`."""
        half = self.conv2d_1a(x)
        quarter = F.max_pool2d(self.conv2d_2b(self.conv2d_2a(half)), 3, 2)
        eighth = F.max_pool2d(self.conv2d_4a(self.conv2d_3b(quarter)), 3, 2)
        sixteenth = self.mixed_6a(self.repeat(self.mixed_5b(eighth)))
        return [half, quarter, eighth, sixteenth, self.mixed_7a(self.repeat_1(sixteenth))]
