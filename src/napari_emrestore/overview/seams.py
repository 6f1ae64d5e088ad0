"""How visible the rims of frames are in a mosaic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_emrestore.overview.layout import Layout

_AWAY_PX = 4


def seam_score(difference: NDArray[Any], layout: Layout) -> float:
    """Return how much steeper a difference image is across the rims of frames than a few pixels beside them.

    Parameters
    ----------
    difference : ndarray, shape (Y, X)
        A mosaic less its ground truth, so that the specimen has no edges of its own. NaN is left out.
    layout : Layout
        Of the mosaic.

    Returns
    -------
    float
        Ratio of the root mean square steps from pixel to pixel; 1 where rims cannot be told from their
        surroundings. NaN if no rim lies within the mosaic.
    """
    at: list[NDArray[Any]] = []
    beside: list[NDArray[Any]] = []
    h, w = layout.frame_shape
    for y, x in layout.places_px[layout.placed]:
        for rim, low, high in ((y, x, x + w), (y + h, x, x + w)):
            _collect(difference, round(rim), (round(low), round(high)), at, beside)
        for rim, low, high in ((x, y, y + h), (x + w, y, y + h)):
            _collect(difference.T, round(rim), (round(low), round(high)), at, beside)
    if not at:
        return float("nan")
    steps, usual = (float(np.nanmean(np.concatenate(found) ** 2)) for found in (at, beside))
    return float(np.sqrt(steps / usual)) if usual > 0 else float("nan")


def _collect(
    image: NDArray[Any],
    rim: int,
    along: tuple[int, int],
    at: list[NDArray[Any]],
    beside: list[NDArray[Any]],
) -> None:
    """Add the steps across a rim, and those a few rows before and behind it."""
    low, high = max(along[0], 0), min(along[1], image.shape[1])
    if not _AWAY_PX < rim < image.shape[0] - _AWAY_PX - 1 or high <= low:
        return
    columns = slice(low, high)
    at += [image[row + 1, columns] - image[row, columns] for row in (rim - 1, rim)]
    beside += [image[rim + k + 1, columns] - image[rim + k, columns] for k in (-_AWAY_PX, _AWAY_PX - 1)]
