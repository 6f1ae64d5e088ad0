"""Changes to what a discriminator sees, open to gradients (Zhao et al. 2020, arXiv:2006.10738).

Put before the discriminator for real and restored images alike, they keep it from learning few real images by
heart; the restorer itself never sees them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

_SHIFT = 0.125
_CUTOUT = 0.5


def diff_augment(images: Tensor, rng: np.random.Generator) -> Tensor:
    """Return images with another brightness and contrast, shifted, with a rectangle cut out.

    Parameters
    ----------
    images : Tensor, shape (B, Y, X)
        From -1 to 1. Each image has a draw of its own.
    rng : Generator
        Draws.

    Returns
    -------
    Tensor, shape (B, Y, X)
        What is shifted in and what is cut out is 0.
    """
    return cut_out(shift(recolour(images, rng), rng), rng)


def recolour(images: Tensor, rng: np.random.Generator) -> Tensor:
    """Return `images` brighter by -0.5 to 0.5, with 0.5 to 1.5 times the contrast about their means."""
    brighter = images + _per_image(images, rng.uniform(-0.5, 0.5, len(images)))
    mean = brighter.mean((1, 2), keepdim=True)
    return (brighter - mean) * _per_image(images, rng.uniform(0.5, 1.5, len(images))) + mean


def shift(images: Tensor, rng: np.random.Generator) -> Tensor:
    """Return `images` moved by whole pixels, at most an eighth of their sides."""
    import torch
    from torch.nn import functional as F

    height, width = images.shape[1:]
    far_y, far_x = round(height * _SHIFT), round(width * _SHIFT)
    padded = F.pad(images, (far_x, far_x, far_y, far_y))
    moves = [
        (int(rng.integers(0, 2 * far_y + 1)), int(rng.integers(0, 2 * far_x + 1))) for _ in range(len(images))
    ]
    moved = [image[y : y + height, x : x + width] for image, (y, x) in zip(padded, moves, strict=True)]
    return torch.stack(moved)


def cut_out(images: Tensor, rng: np.random.Generator) -> Tensor:
    """Return `images` with 0 in a rectangle of half their sides, which may reach beyond a rim."""
    import torch

    height, width = images.shape[1:]
    keep = torch.ones_like(images)
    tall, wide = round(height * _CUTOUT), round(width * _CUTOUT)
    for mask in keep:
        y, x = int(rng.integers(0, height + 1)) - tall // 2, int(rng.integers(0, width + 1)) - wide // 2
        mask[max(y, 0) : max(y + tall, 0), max(x, 0) : max(x + wide, 0)] = 0
    return images * keep


def _per_image(images: Tensor, values: np.ndarray) -> Tensor:
    import torch

    return torch.as_tensor(values, dtype=images.dtype, device=images.device)[:, None, None]
