"""Where an image shows sample and not a grid bar, and where tiles and crops may lie in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SMALLEST_HOLE_PX = 64
_SMALLEST_ISLAND_PX = 1000


def sample_mask(scaled: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return where a scaled image shows sample: above 0, pinholes filled, small islands dropped."""
    bars = _without_small(scaled <= 0, _SMALLEST_HOLE_PX)
    return _without_small(~bars, _SMALLEST_ISLAND_PX)


def eroded(mask: NDArray[np.bool_], radius_px: float) -> NDArray[np.bool_]:
    """Return the pixels of `mask` farther than `radius_px` from every pixel outside of it.

    The same as erosion by a disc. The image's rim is no bar: what lies beyond it is unknown, not masked.
    """
    from scipy.ndimage import distance_transform_edt

    if mask.all():
        return mask.copy()
    return np.asarray(distance_transform_edt(mask) > radius_px)


def regular_tiles(mask: NDArray[np.bool_], tile_px: int) -> tuple[tuple[int, int], ...]:
    """Return the first pixels ``(y, x)`` of the regular tiles that lie in `mask` as a whole."""
    rows, columns = mask.shape[0] // tile_px, mask.shape[1] // tile_px
    tiles = mask[: rows * tile_px, : columns * tile_px].reshape(rows, tile_px, columns, tile_px)
    free = np.argwhere(tiles.all(axis=(1, 3))) * tile_px
    return tuple((int(y), int(x)) for y, x in free)


def _without_small(mask: NDArray[np.bool_], smallest_px: int) -> NDArray[np.bool_]:
    """Return `mask` without its 4-connected parts of fewer than `smallest_px` pixels."""
    from scipy.ndimage import label

    labels, _ = label(mask)
    kept = np.bincount(labels.ravel()) >= smallest_px
    kept[0] = False
    return np.asarray(kept[labels])
