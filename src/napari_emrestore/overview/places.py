"""Which frames make which place of a mosaic: decided cell by cell on one grid, so that tiles agree.

The choice for a cell depends on the layout alone and never on the tile it is made for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_emrestore.restoration.plan import Rect

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_emrestore.overview.layout import Layout

CELL_PX = 32
MARGIN_PX = 2
"""Rim of a frame whose pixels cannot be interpolated from all their neighbours."""
_PARTIAL, _OUTSIDE = 1e3, 1e6


@dataclass(frozen=True, slots=True, eq=False)
class Patch:
    """One frame's share of one cell.

    Attributes
    ----------
    frame : int
        Its number.
    cell : tuple of int
        Row and column of the cell in the area.
    slot : int
        Which of the burst's frames it fills there, if it fills the whole cell; -1 if pixels differ.
    slots : ndarray, shape (CELL_PX, CELL_PX), int8, optional
        Which it fills pixel by pixel, -1 for none.
    """

    frame: int
    cell: tuple[int, int]
    slot: int
    slots: NDArray[np.int8] | None = None


def cell_area(area: Rect) -> Rect:
    """Return the smallest rectangle of whole cells around another."""

    def down(n: int) -> int:
        return n // CELL_PX * CELL_PX

    return Rect(down(area.y0), down(area.y1 - 1) + CELL_PX, down(area.x0), down(area.x1 - 1) + CELL_PX)


def plan_bursts(layout: Layout, area: Rect, most: int) -> list[Patch]:
    """Return which frame fills which slot where.

    Parameters
    ----------
    layout : Layout
        Where frames lie.
    area : Rect
        Of whole cells.
    most : int
        Frames of a burst. Each cell takes those whose centre is nearest; where a frame ends within the cell,
        the next one takes its slot.

    Returns
    -------
    list of Patch
        By frame.
    """
    frames = layout.frames_in(area)
    if not frames.size:
        return []
    order, near = _order(layout, frames, area)
    patches: list[Patch] = []
    for row, column in np.ndindex(order.shape[1:]):
        ranked = frames[order[:, row, column]]
        cost = near[order[:, row, column], row, column]
        if len(cost) >= most and cost[most - 1] < _PARTIAL:
            patches += [Patch(int(k), (row, column), slot) for slot, k in enumerate(ranked[:most])]
        else:
            patches += _shared(layout, ranked[cost < _OUTSIDE], area, (row, column), most)
    return sorted(patches, key=lambda patch: patch.frame)


def _order(
    layout: Layout, frames: NDArray[np.int64], area: Rect
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return for each cell the frames from the nearest on, (K, rows, columns), and how far off each is."""
    far = np.zeros((len(frames), *(n // CELL_PX for n in area.shape)))
    outside = np.zeros(far.shape, np.bool_)
    partial = np.zeros(far.shape, np.bool_)
    for axis, (low, count) in enumerate(((area.y0, far.shape[1]), (area.x0, far.shape[2]))):
        first = low + CELL_PX * np.arange(count)
        corner, side = layout.places_px[frames, axis][:, None], layout.frame_shape[axis]
        lead, tail = first - corner - MARGIN_PX, corner + side - MARGIN_PX - (first + CELL_PX)
        middle = np.abs(first + (CELL_PX - 1) / 2 - corner - (side - 1) / 2) / side
        where = (slice(None), slice(None), None) if axis == 0 else (slice(None), None, slice(None))
        far = np.maximum(far, middle[where])
        partial |= ((lead < 0) | (tail < 0))[where]
        outside |= ((lead <= -CELL_PX) | (tail <= -CELL_PX))[where]
    cost = far + _PARTIAL * partial + _OUTSIDE * outside
    return np.argsort(cost, axis=0, kind="stable"), cost


def _shared(
    layout: Layout, ranked: NDArray[np.int64], area: Rect, cell: tuple[int, int], most: int
) -> list[Patch]:
    """Return the patches of a cell that some frames show in part: each pixel takes the first that have it."""
    count = np.zeros((CELL_PX, CELL_PX), np.int8)
    y = area.y0 + cell[0] * CELL_PX + np.arange(CELL_PX)
    x = area.x0 + cell[1] * CELL_PX + np.arange(CELL_PX)
    patches = []
    for k in ranked:
        inside = np.outer(*(covered(layout, int(k), axis, at) for axis, at in ((0, y), (1, x))))
        takes = inside & (count < most)
        if takes.any():
            patches.append(Patch(int(k), cell, -1, np.where(takes, count, np.int8(-1)).astype(np.int8)))
            count[takes] += 1
        if (count == most).all():
            break
    return patches


def covered(layout: Layout, frame: int, axis: int, at: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which rows (axis 0) or columns (axis 1) of the mosaic a frame shows, rim left out."""
    corner, side = layout.places_px[frame, axis], layout.frame_shape[axis]
    return np.asarray((at >= corner + MARGIN_PX) & (at <= corner + side - 1 - MARGIN_PX))
