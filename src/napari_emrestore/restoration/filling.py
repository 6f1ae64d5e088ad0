"""What a network sees where nothing was measured: a guess from the other frames, else from neighbours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_RADII_PX = (1, 2, 4, 8, 16)
REACH_PX = _RADII_PX[-1]
_MIDDLE = 0.5  # of the model range


def fill_gaps(frames: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Replace pixels that are not finite, in place, and return where no frame had a finite one.

    A pixel measured in some frames takes their mean in the others. A pixel measured in none takes, in each
    frame, the mean of the smallest surrounding square (3 to 33 px) that holds measured pixels, else the
    middle of the model range. What is filled in depends on at most `REACH_PX` pixels around it, so that a
    tile read with that margin is filled like the whole image.

    Parameters
    ----------
    frames : ndarray, shape (N, Y, X), float32
        In model range; NaN or infinite where a frame holds no measurement.

    Returns
    -------
    ndarray, shape (Y, X), bool
        Where all frames miss.
    """
    missing = ~np.isfinite(frames)
    frames[missing] = 0
    seen = len(frames) - missing.sum(axis=0)
    mean = frames.sum(axis=0) / np.maximum(seen, 1)
    np.copyto(frames, mean, where=missing)
    gaps: NDArray[np.bool_] = seen == 0
    if gaps.any():
        for frame in frames:
            _fill_from_neighbours(frame, gaps)
    return gaps


def _fill_from_neighbours(frame: NDArray[np.float32], gaps: NDArray[np.bool_]) -> None:
    from scipy.ndimage import uniform_filter

    known = np.where(gaps, 0.0, frame.astype(np.float64))
    weight = (~gaps).astype(np.float64)
    frame[gaps] = _MIDDLE
    left = gaps.copy()
    for radius in _RADII_PX:
        side = 2 * radius + 1
        share = uniform_filter(weight, side, mode="constant")
        found = left & (share > 0.5 / side**2)
        total = uniform_filter(known, side, mode="constant")
        frame[found] = (total[found] / share[found]).astype(np.float32)
        left &= ~found
        if not left.any():
            break
