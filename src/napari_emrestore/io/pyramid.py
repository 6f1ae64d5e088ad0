"""Smaller copies of an image for viewers: each level is the mean over 2 x 2 pixels of the one before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SMALLEST_PX = 512


def level_shapes(height: int, width: int) -> list[tuple[int, int]]:
    """Return the ``(Y, X)`` of every level, the full image first, down to at most 512 pixels a side."""
    shapes = [(height, width)]
    while max(shapes[-1]) > SMALLEST_PX:
        y, x = shapes[-1]
        shapes.append(((y + 1) // 2, (x + 1) // 2))
    return shapes


def halve(band: NDArray[Any]) -> NDArray[Any]:
    """Return the 2 x 2 mean of a band of rows ``(Y, X)``; an odd last row or column is averaged alone.

    The mean of integers is rounded. Bands that start on even rows give the same as the whole image.
    """
    y, x = band.shape
    padded = np.pad(band, ((0, y % 2), (0, x % 2)), mode="edge") if y % 2 or x % 2 else band
    is_small = band.dtype.kind in "bui" and band.dtype.itemsize <= 2
    work = np.float32 if is_small or band.dtype in (np.float16, np.float32) else np.float64
    pairs = padded.reshape((y + 1) // 2, 2, (x + 1) // 2, 2)
    mean = pairs.mean(axis=(1, 3), dtype=work)
    whole: NDArray[Any] = np.rint(mean) if band.dtype.kind in "bui" else mean
    return whole.astype(band.dtype)


def halve_measured(piece: NDArray[Any]) -> NDArray[Any]:
    """Return the 2 x 2 mean of a piece ``(Y, X)`` over those pixels that hold a number.

    Like `halve`, but one missing pixel does not blot out its neighbours: what stays not-a-number has none.
    """
    if piece.dtype.kind != "f" or np.isfinite(piece.sum(dtype=np.float64)):
        return halve(piece)
    held = np.isfinite(piece)
    share = halve(held.astype(piece.dtype))
    total = halve(np.where(held, piece, piece.dtype.type(0)))
    return np.asarray(total / np.where(share > 0, share, piece.dtype.type(np.nan)), piece.dtype)
