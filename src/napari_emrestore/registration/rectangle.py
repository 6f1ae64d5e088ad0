"""The largest rectangle of the reference that all moving images cover: planned as data, no pixel touched."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_emrestore.core import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_emrestore.core import Warp

_SNAP_PX = 1e-6
_LINES = 256


def overlap(shape: tuple[int, int], warps: Sequence[Warp]) -> tuple[int, int, int, int]:
    """Return the largest rectangle ``(y0, y1, x0, x1)`` of the reference that is valid in every image.

    Every pixel ``[y0:y1, x0:x1]`` of `resample` through any of the warps is valid (images without NaN).

    Parameters
    ----------
    shape : tuple of int
        ``(Y, X)`` of the reference and of the moving images.
    warps : sequence of Warp
        Reference to moving.

    Returns
    -------
    tuple of int
        Half-open ranges; all zero when no pixel is covered by all.

    Raises
    ------
    InputError
        If `shape` is not two positive numbers.

    Notes
    -----
    What a warp leaves valid is convex, so in the valid part of each row the ends bound any rectangle; the
    area is unimodal in its first and last row, and those are sought from coarse to fine.
    """
    h, w = shape
    if h < 1 or w < 1:
        raise InputError("A frame has at least one row and column", came=f"shape {shape} came")
    left, right = np.zeros(h), np.full(h, w - 1.0)
    for warp in warps:
        low, high = _row_ranges(shape, warp.matrix)
        left, right = np.maximum(left, low), np.minimum(right, high)
    first = np.ceil(left - _SNAP_PX).clip(0, w).astype(np.int64)
    last = np.floor(right + _SNAP_PX).clip(-1, w - 1).astype(np.int64)
    rows = np.flatnonzero(last >= first)
    if not len(rows):
        return 0, 0, 0, 0
    top, bottom = _best_rows(first, last, int(rows[0]), int(rows[-1]))
    x0, x1 = max(first[top], first[bottom]), min(last[top], last[bottom]) + 1
    return top, bottom + 1, int(x0), int(x1)


def _row_ranges(
    shape: tuple[int, int], m: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the first and last valid x of every row, as real numbers; first > last where there is none."""
    y = np.arange(shape[0], dtype=np.float64)
    low, high = np.full(shape[0], -np.inf), np.full(shape[0], np.inf)
    bounds = [(m[2], 1e-9, np.inf)]  # in front of the camera
    for axis, side in enumerate(shape):
        # The cubic's support is inside from 1 to side - 2; a whole shift along an axis needs no neighbours.
        rim = 0.0 if _whole_shift(m, axis) else 1.0
        bounds += [(m[axis] - (rim - _SNAP_PX) * m[2], 0.0, np.inf)]
        bounds += [((side - 1 - rim + _SNAP_PX) * m[2] - m[axis], 0.0, np.inf)]
    for (a, b, c), least, _ in bounds:
        rest = least - (a * y + c)  # b x >= rest
        if abs(b) < 1e-12:
            high = np.where(rest > 1e-9, -np.inf, high)
        elif b > 0:
            low = np.maximum(low, rest / b)
        else:
            high = np.minimum(high, rest / b)
    return low, high


def _whole_shift(m: NDArray[np.float64], axis: int) -> bool:
    straight = np.eye(3)[axis]
    still = np.abs(m[axis, :2] - straight[:2]).max() < 1e-12 and np.abs(m[2] - np.eye(3)[2]).max() < 1e-12
    return bool(still and abs(m[axis, 2] - round(m[axis, 2])) < _SNAP_PX)


def _best_rows(first: NDArray[np.int64], last: NDArray[np.int64], low: int, high: int) -> tuple[int, int]:
    """Return the first and last row of the rectangle of largest area."""
    step = max(1, (high - low) // _LINES)
    tops = bottoms = np.unique(np.r_[np.arange(low, high + 1, step), high])
    while True:
        a, b = tops[:, None], bottoms[None]
        width = np.minimum(last[a], last[b]) - np.maximum(first[a], first[b]) + 1
        area = np.where(b >= a, (b - a + 1) * np.maximum(width, 0), -1)
        i, j = np.unravel_index(int(area.argmax()), area.shape)
        top, bottom = int(tops[i]), int(bottoms[j])
        if step == 1:
            return top, bottom
        reach, step = 2 * step, max(1, step // 8)
        tops, bottoms = (_near(row, reach, step, low, high) for row in (top, bottom))


def _near(row: int, reach: int, step: int, low: int, high: int) -> NDArray[np.int64]:
    lines = np.arange(max(low, row - reach), min(high, row + reach) + 1, step)
    return np.unique(np.r_[lines, row])
