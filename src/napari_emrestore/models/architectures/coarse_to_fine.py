"""What the networks that restore an image first small and then large share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch.nn import functional as F

if TYPE_CHECKING:
    from torch import Tensor

SCALES = 3


def pyramid(images: Tensor) -> list[Tensor]:
    """Return `images` (B, C, Y, X) at 1/4, 1/2 and 1 of their size: area means, coarsest first."""
    return [F.avg_pool2d(images, 2**level) if level else images for level in reversed(range(SCALES))]
