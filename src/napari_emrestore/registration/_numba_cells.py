"""Compiled choice of the cells of a row that a warp keeps inside the moving image; see `cells`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_emrestore.registration._compile import compiled
from napari_emrestore.registration.cells import EDGE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Matrix = NDArray[np.float64]


@compiled
def choose_cells(
    warps: Matrix,
    usable: NDArray[np.bool_],
    moving_usable: NDArray[np.bool_],
    shape: tuple[int, int],
    cell: int,
    out: NDArray[np.bool_],
) -> None:
    """Write which cells of each row lie inside the moving image and on usable pixels; see `cells`."""
    masked = moving_usable.shape[1] > 1
    last = out.shape[2] - 1
    for b in range(warps.shape[0]):
        m = warps[b]
        first, final = 0, last
        for y in range(out.shape[1]):
            # Inside the moving image lies one stretch of the row, with ends near those of the row before.
            while first > 0 and _inside(m, y, 1 + (first - 1) * cell, cell, shape):
                first -= 1
            while first <= last and not _inside(m, y, 1 + first * cell, cell, shape):
                first += 1
            final = max(final, first)
            while final < last and _inside(m, y, 1 + (final + 1) * cell, cell, shape):
                final += 1
            while final > first and not _inside(m, y, 1 + final * cell, cell, shape):
                final -= 1
            line = out[b, y]
            line[:] = False
            if first <= last:
                line[first : final + 1] = usable[y, first : final + 1]
            else:
                first = 0
            if masked:
                for c in range(last + 1):
                    line[c] = line[c] and _shown(m, y, 1 + c * cell, cell, moving_usable[b])


@compiled
def _inside(m: Matrix, y: int, start: int, cell: int, shape: tuple[int, int]) -> bool:
    for end in range(2):
        x = start + end * (cell - 1)
        depth = m[2, 0] * y + m[2, 1] * x + m[2, 2]
        if not depth > 0.1:
            return False
        py = (m[0, 0] * y + m[0, 1] * x + m[0, 2]) / depth
        px = (m[1, 0] * y + m[1, 1] * x + m[1, 2]) / depth
        if not (EDGE <= py <= shape[0] - 1 - EDGE and EDGE <= px <= shape[1] - 1 - EDGE):
            return False
    return True


@compiled
def _shown(m: Matrix, y: int, start: int, cell: int, usable: NDArray[np.bool_]) -> bool:
    for part in range(3):
        x = start + part * (cell - 1) / 2
        depth = m[2, 0] * y + m[2, 1] * x + m[2, 2]
        py = (m[0, 0] * y + m[0, 1] * x + m[0, 2]) / depth
        px = (m[1, 0] * y + m[1, 1] * x + m[1, 2]) / depth
        if not usable[int(py + 0.5), int(px + 0.5)]:
            return False
    return True
