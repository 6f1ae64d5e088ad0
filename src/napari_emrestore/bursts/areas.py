"""Which rectangle of the reference grid to keep: planned from the warps, no pixel touched."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_emrestore.core import RegistrationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_emrestore.core import Warp


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


def common_area(warps: Sequence[Warp], shape: tuple[int, int]) -> Area:
    """Return the largest rectangle all frames of `shape` ``(Y, X)`` hold data in.

    Raises
    ------
    RegistrationError
        If they share no pixel.
    """
    from napari_emrestore.registration import overlap

    top, bottom, left, right = overlap(shape, warps)
    if top == bottom:
        raise RegistrationError(
            "Frames need an area they all show",
            item=f"{len(warps)} frames",
            came="share none",
            remedy="Leave out the frames that moved farthest, or use fewer.",
        )
    return Area(top, left, bottom - top, right - left)


def joint_area(warps: Sequence[Warp], shape: tuple[int, int]) -> Area:
    """Return the smallest rectangle on the reference grid around all frames of `shape` ``(Y, X)``."""
    bottom, end = shape[0] - 1, shape[1] - 1
    corners = [[0, 0], [0, end], [bottom, 0], [bottom, end]]
    points = np.concatenate([warp.inverse().apply(corners) for warp in warps])
    # a corner on a pixel but for rounding must not open a new row of pixels
    low_y, low_x = (math.floor(value + 1e-6) for value in points.min(axis=0))
    high_y, high_x = (math.ceil(value - 1e-6) for value in points.max(axis=0))
    return Area(low_y, low_x, high_y - low_y + 1, high_x - low_x + 1)
