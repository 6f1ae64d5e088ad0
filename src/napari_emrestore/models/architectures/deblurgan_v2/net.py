"""DeblurGAN-v2's generator for registered frames (Kupyn et al. 2019, DOI 10.1109/ICCV.2019.00897).

A feature pyramid on an ImageNet backbone. Wieslander et al. 2021 (DOI 10.1371/journal.pone.0246336) give it
three registered frames as the three colour channels. The original adds its correction to the whole input;
with one image to make, it is added to the centre frame or to the mean. Instance normalisation makes a pixel
depend on the whole image, so tiles are an approximation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import torch
from torch import nn
from torch.nn import functional as F

from napari_emrestore.models.architectures.blocks import enlarge, normalised_conv

if TYPE_CHECKING:
    from torch import Tensor

    from napari_emrestore.models.architectures.deblurgan_v2.inception import InceptionFeatures
    from napari_emrestore.models.architectures.deblurgan_v2.mobilenet import MobileNetFeatures

Start = Literal["centre", "mean"]


class Pyramid(nn.Module):
    """Features of a backbone, refined from coarse to fine.

    Parameters
    ----------
    backbone : MobileNetFeatures or InceptionFeatures
        Gives five maps.
    width : int
        Channels of the refined maps.
    """

    def __init__(self, backbone: MobileNetFeatures | InceptionFeatures, width: int) -> None:
        super().__init__()
        self.backbone = backbone
        outs = (width // 2, *(width,) * 4)
        self.laterals = nn.ModuleList(
            nn.Conv2d(c, out, 1, bias=False) for c, out in zip(backbone.widths, outs, strict=True)
        )
        self.top_down = nn.ModuleList(normalised_conv(width, width) for _ in range(3))

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return maps of `x` (B, C, Y, X) at 1/2 to 1/32, finest first; the finest is not refined."""
        found = zip(self.laterals, self.backbone(x), self.backbone.pads, strict=True)
        finest, *maps = (
            F.pad(lateral(features), (*pad, *pad), mode="reflect") if any(pad) else lateral(features)
            for lateral, features, pad in found
        )
        refined = [maps.pop()]
        for step in self.top_down:
            refined.insert(0, step(maps.pop() + enlarge(refined[0], 2)))
        return [finest, *refined]


def head(width: int, channels: int) -> nn.Sequential:
    """Return two 3x3 convolutions, each followed by ReLU."""
    return nn.Sequential(
        nn.Conv2d(width, channels, 3, padding=1, bias=False),
        nn.ReLU(inplace=True),
        nn.Conv2d(channels, channels, 3, padding=1, bias=False),
        nn.ReLU(inplace=True),
    )


class DeblurGANv2(nn.Module):
    """Pyramid, one head per scale, a bounded correction of one frame.

    Parameters
    ----------
    backbone : MobileNetFeatures or InceptionFeatures
        Takes as many channels as there are frames.
    pyramid_width, head_width, start
        See `build`.
    """

    def __init__(
        self,
        backbone: MobileNetFeatures | InceptionFeatures,
        pyramid_width: int,
        head_width: int,
        start: Start,
    ) -> None:
        super().__init__()
        self.start = start
        self.least_px = backbone.least_px
        self.backbone_file = backbone.file
        self.pyramid = Pyramid(backbone, pyramid_width)
        self.heads = nn.ModuleList(head(pyramid_width, head_width) for _ in range(4))
        self.smooth1 = normalised_conv(4 * head_width, head_width)
        self.smooth2 = normalised_conv(head_width, head_width // 2)
        self.exit = nn.Conv2d(head_width // 2, 1, 3, padding=1)

    def forward(self, frames: Tensor) -> Tensor:
        """Return the restoration (B, Y, X) of `frames` (B, N, Y, X) for the N it was built with.

        Y and X are multiples of 32. Values in and out are in model range; inside they run from -1 to 1, and
        what the result exceeds of that is cut, as the paper does.
        """
        height, width = frames.shape[-2:]
        missing = (0, max(0, self.least_px - width), 0, max(0, self.least_px - height))
        x = 2 * F.pad(frames, missing, mode="replicate") - 1
        start = x[:, x.shape[1] // 2] if self.start == "centre" else x.mean(1)
        restored = (start + torch.tanh(self._correct(x))).clamp(-1, 1)
        return (0.5 * restored + 0.5)[:, :height, :width]

    def _correct(self, x: Tensor) -> Tensor:
        finest, *maps = self.pyramid(x.contiguous(memory_format=torch.channels_last))
        quarter = [
            enlarge(h(m), 2**i) if i else h(m) for i, (h, m) in enumerate(zip(self.heads, maps, strict=True))
        ]
        z = self.smooth1(torch.cat(quarter[::-1], 1))
        z = self.smooth2(enlarge(z, 2) + finest)
        correction: Tensor = self.exit(enlarge(z, 2))
        return correction[:, 0]
