"""Which rectangle of the reference grid to keep: pure planning on masks and warps."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from napari_emrestore.core import Warp

# Rows tried as top and bottom; more would find a rectangle larger by less than one part in as many.
_ROWS_TRIED = 1024


@dataclass(frozen=True, slots=True)
class Area:
    """A rectangle of pixels: first pixel ``(y, x)`` and size, which may reach outside the reference frame."""

    y: int
    x: int
    height: int
    width: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """Index of the rectangle in an array ``(Y, X)``; only for rectangles inside of it."""
        return slice(self.y, self.y + self.height), slice(self.x, self.x + self.width)


def common_area(masks: Iterable[NDArray[np.bool_]]) -> Area | None:
    """Return the largest rectangle in which all masks hold, ``None`` if there is none.

    Parameters
    ----------
    masks : iterable of ndarray, shape (Y, X), bool
        Each true on a convex area, as the valid area of a warped frame is.
    """
    left: NDArray[np.int64] | int = 0
    right: NDArray[np.int64] | int = np.iinfo(np.int64).max
    for mask in masks:
        width = mask.shape[1]
        filled = mask.any(axis=1)
        left = np.maximum(left, np.where(filled, mask.argmax(axis=1), width))
        right = np.minimum(right, np.where(filled, width - 1 - mask[:, ::-1].argmax(axis=1), -1))
    return _largest(np.atleast_1d(left), np.atleast_1d(right))


def _largest(left: NDArray[np.int64], right: NDArray[np.int64]) -> Area | None:
    """Return the largest rectangle in a convex area given by its first and last column per row."""
    rows = np.flatnonzero(left <= right)
    if rows.size == 0:
        return None
    tried = rows[np.unique(np.linspace(0, rows.size - 1, _ROWS_TRIED).round().astype(int))]
    # In a convex area the rows between two rows reach at least as far as the nearer of these two.
    first = np.maximum(left[tried][:, None], left[tried][None])
    last = np.minimum(right[tried][:, None], right[tried][None])
    heights = tried[None] - tried[:, None] + 1
    sizes = np.where((heights > 0) & (last >= first), heights * (last - first + 1), 0)
    top, bottom = np.unravel_index(int(sizes.argmax()), sizes.shape)
    x, width = int(first[top, bottom]), int(last[top, bottom] - first[top, bottom] + 1)
    return Area(int(tried[top]), x, int(heights[top, bottom]), width)


def joint_area(warps: Iterable[Warp], shape: tuple[int, int]) -> Area:
    """Return the smallest rectangle on the reference grid around all frames of `shape` ``(Y, X)``."""
    bottom, end = shape[0] - 1, shape[1] - 1
    corners = [[0, 0], [0, end], [bottom, 0], [bottom, end]]
    points = np.concatenate([warp.inverse().apply(corners) for warp in warps])
    # a corner on a pixel but for rounding must not open a new row of pixels
    low_y, low_x = (math.floor(value + 1e-6) for value in points.min(axis=0))
    high_y, high_x = (math.ceil(value - 1e-6) for value in points.max(axis=0))
    return Area(low_y, low_x, high_y - low_y + 1, high_x - low_x + 1)
