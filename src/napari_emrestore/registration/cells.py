"""Which pixels take part in a comparison: whole cells of one row, chosen once per pyramid level.

A cell is a few neighbouring pixels of one row, counted from its second pixel on (the first has no
gradient). Whole cells are quick to choose, keep SIMD lanes full, and the torch passes sum the template over
them once instead of for every frame.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SLACK_PX = 0.5
"""How far a warp may move at the corners before its cells must be chosen anew."""
EDGE = 1.0 + SLACK_PX
"""Distance a compared position keeps from the moving image's rim: the spline's support and the slack."""
_CELLS_PER_ROW = 128
_SOME_ROWS = 128


def cell_width(columns: int) -> int:
    """Return the width of cells in images of so many columns: 4, and more where there would be too many."""
    width = 4
    while columns // width > _CELLS_PER_ROW:
        width *= 2
    return width


def row_step(rows: int) -> int:
    """Return every how many rows are enough where accuracy is not decided: they leave 128 or more."""
    return max(1, rows // _SOME_ROWS)


def some_rows(cells: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return cells (Y, cells) without those of other rows than every `row_step`-th."""
    step = row_step(len(cells))
    kept = np.zeros_like(cells)
    kept[step // 2 :: step] = cells[step // 2 :: step]
    return kept


def usable_cells(shape: tuple[int, int], mask: NDArray[np.bool_] | None = None) -> NDArray[np.bool_]:
    """Return which cells of a template may be compared, shape (Y, cells).

    A cell is usable when it, the pixel to its left and right and the rows above and below (for the
    gradients) are in the mask and in the image.

    Parameters
    ----------
    shape : tuple of int
        ``(Y, X)`` of the template.
    mask : ndarray, shape (Y, X), bool, optional
        Pixels that show the specimen; all without it.
    """
    h, w = shape
    cell = cell_width(w)
    number = (w - 2) // cell
    usable = np.zeros((h, number), dtype=np.bool_)
    usable[1:-1] = True
    if mask is not None:
        inner = mask[1:-1, 1:-1] & mask[:-2, 1:-1] & mask[2:, 1:-1] & mask[1:-1, :-2] & mask[1:-1, 2:]
        usable[1:-1] = inner[:, : number * cell].reshape(h - 2, number, cell).all(axis=2)
    return usable


def cell_pixels(cells: NDArray[np.bool_], columns: int) -> NDArray[np.float32]:
    """Return cells (B, Y, cells) as weights of the pixels of images of so many columns, (B, Y, X)."""
    weights = np.zeros((*cells.shape[:2], columns), dtype=np.float32)
    wide = np.repeat(cells, cell_width(columns), axis=2)
    weights[:, :, 1 : 1 + wide.shape[2]] = wide
    return weights


def choose_cells(
    warps: NDArray[np.float64],
    usable: NDArray[np.bool_],
    moving_usable: NDArray[np.bool_] | None,
    shape: tuple[int, int],
) -> NDArray[np.bool_]:
    """Return which usable cells land inside the moving image and on its usable pixels, shape (B, Y, cells).

    The first, middle and last position of a cell are tested; a warp takes straight stretches to straight
    ones, so what lies between them is inside as well.

    Parameters
    ----------
    warps : ndarray, shape (B, 3, 3)
        Reference to moving, on ``(y, x, 1)`` in pixels.
    usable : ndarray, shape (Y, cells), bool
        From `usable_cells`.
    moving_usable : ndarray, shape (B, Y, X), bool, or None
        Pixels of the moving images that show the specimen, worn down by the interpolation's support.
    shape : tuple of int
        ``(Y, X)`` of the images.
    """
    h, w = shape
    cell = cell_width(w)
    y = np.arange(h, dtype=np.float64)[:, None]
    chosen = np.repeat(usable[None], len(warps), axis=0)
    for part in range(3):
        x = 1 + np.arange(usable.shape[1], dtype=np.float64) * cell + part * (cell - 1) / 2
        for b, m in enumerate(warps):
            depth = m[2, 0] * y + m[2, 1] * x + m[2, 2]
            safe = np.where(depth > 0.1, depth, 1.0)
            py = (m[0, 0] * y + m[0, 1] * x + m[0, 2]) / safe
            px = (m[1, 0] * y + m[1, 1] * x + m[1, 2]) / safe
            inside = (depth > 0.1) & (py >= EDGE) & (py <= h - 1 - EDGE) & (px >= EDGE) & (px <= w - 1 - EDGE)
            if moving_usable is not None:
                rows, columns = (np.where(inside, p + 0.5, 0).astype(np.intp) for p in (py, px))
                inside &= moving_usable[b][rows, columns]
            chosen[b] &= inside
    return chosen
