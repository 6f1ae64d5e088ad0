"""U-Net with a ResNet-18 encoder (Katsuno et al. 2022, DOI 10.1017/S1431927621013799).

Encoder names equal torchvision's ``resnet18``, so that a weights file trained elsewhere fits by name.
The paper repeats a grey image into three channels; one channel with summed first kernels gives the same
output for a third of the work.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from napari_emrestore.models.architectures.backbone_file import BackboneFile

Widths = tuple[int, int, int, int, int]

# mean and standard deviation of ImageNet's grey values, which weights trained there expect to be taken off
_GREY_MEAN, _GREY_DEVIATION = 0.449, 0.226

WIDTHS: dict[str, tuple[Widths, Widths]] = {
    "full": ((64, 64, 128, 256, 512), (256, 128, 64, 32, 16)),
    "half": ((32, 32, 64, 128, 256), (128, 64, 32, 16, 8)),
    "quarter": ((16, 16, 32, 64, 128), (64, 32, 16, 16, 8)),
}


class BasicBlock(nn.Module):
    """Residual block of two 3x3 convolutions (He et al. 2016)."""

    def __init__(self, channels_in: int, channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.downsample: nn.Sequential | None = None
        if stride != 1 or channels_in != channels:
            self.downsample = nn.Sequential(
                nn.Conv2d(channels_in, channels, 1, stride, bias=False), nn.BatchNorm2d(channels)
            )

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output for `x` (B, C, Y, X)."""
        shortcut = x if self.downsample is None else self.downsample(x)
        inner = F.relu(self.bn1(self.conv1(x)), inplace=True)
        return F.relu(self.bn2(self.conv2(inner)) + shortcut, inplace=True)


def layer(channels_in: int, channels: int, stride: int) -> nn.Sequential:
    """Return one ResNet-18 layer: two basic blocks, the first with `stride`."""
    return nn.Sequential(BasicBlock(channels_in, channels, stride), BasicBlock(channels, channels, 1))


class Encoder(nn.Module):
    """ResNet-18 without its classifier; returns the features of all five scales."""

    def __init__(self, widths: Widths) -> None:
        super().__init__()
        stem, *rest = widths
        self.conv1 = nn.Conv2d(1, stem, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(stem)
        self.layer1 = layer(stem, rest[0], 1)
        self.layer2 = layer(rest[0], rest[1], 2)
        self.layer3 = layer(rest[1], rest[2], 2)
        self.layer4 = layer(rest[2], rest[3], 2)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return features at 1/2, 1/4, 1/8, 1/16 and 1/32 of `x` (B, 1, Y, X)."""
        s1 = F.relu(self.bn1(self.conv1(x)), inplace=True)
        s2 = self.layer1(F.max_pool2d(s1, 3, 2, 1))
        s3 = self.layer2(s2)
        s4 = self.layer3(s3)
        return [s1, s2, s3, s4, self.layer4(s4)]


def double_conv(channels_in: int, channels: int) -> nn.Sequential:
    """Return two convolutions, each followed by batch normalisation and ReLU."""
    return nn.Sequential(
        nn.Conv2d(channels_in, channels, 3, padding=1, bias=False),
        nn.BatchNorm2d(channels),
        nn.ReLU(inplace=True),
        nn.Conv2d(channels, channels, 3, padding=1, bias=False),
        nn.BatchNorm2d(channels),
        nn.ReLU(inplace=True),
    )


class KatsunoUNet(nn.Module):
    """ResNet-18 encoder, nearest-neighbour upsampling decoder with skips, linear head.

    Parameters
    ----------
    encoder_widths, decoder_widths : tuple of int
        Channels per scale, finest first for the encoder, coarsest first for the decoder.
    imagenet_statistics : bool
        See `build`.
    """

    backbone_file = BackboneFile("encoder", "conv1.weight", ("fc.",))

    def __init__(
        self, encoder_widths: Widths, decoder_widths: Widths, *, imagenet_statistics: bool = False
    ) -> None:
        super().__init__()
        self.imagenet_statistics = imagenet_statistics
        self.encoder = Encoder(encoder_widths)
        skips = (*reversed(encoder_widths[:-1]), 0)
        below = (encoder_widths[-1], *decoder_widths[:-1])
        self.decoder = nn.ModuleList(
            double_conv(b + s, d) for b, s, d in zip(below, skips, decoder_widths, strict=True)
        )
        self.head = nn.Conv2d(decoder_widths[-1], 1, 3, padding=1)
        self.decoder.apply(_he_uniform)
        nn.init.xavier_uniform_(self.head.weight)

    def forward(self, frames: Tensor) -> Tensor:
        """Return the restoration (B, Y, X) of `frames` (B, 1, Y, X); Y and X are multiples of 32."""
        if self.imagenet_statistics:
            frames = (frames - _GREY_MEAN) / _GREY_DEVIATION
        *skips, z = self.encoder(frames.contiguous(memory_format=torch.channels_last))
        for step in self.decoder:
            z = F.interpolate(z, scale_factor=2.0, mode="nearest")
            z = step(torch.cat([z, skips.pop()], 1) if skips else z)
        output: Tensor = self.head(z)
        return output[:, 0]


def _he_uniform(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_uniform_(module.weight, nonlinearity="relu")
