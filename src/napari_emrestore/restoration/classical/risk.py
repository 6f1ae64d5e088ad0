"""Choosing a filter's strength without ground truth: Stein's unbiased risk estimate, by one random probe."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Image = NDArray[Any]

_CROP_PX = 128
_CROPS_PER_SIDE = 2
_PROBE = 0.1


def least_risk(
    candidates: Sequence[Callable[[Image], Image]], image: Image, sigma: float, rng: np.random.Generator
) -> Callable[[Image], Image]:
    """Return the candidate with the least estimated mean squared error to the noise-free image.

    Judged on a few regular crops, so that the choice costs little on large images.

    Parameters
    ----------
    candidates : sequence of callable
        Filters of one image.
    image : ndarray, shape (Y, X)
        With white Gaussian noise.
    sigma : float
        Its deviation. Noise that neighbouring pixels share is taken for signal, so too little is smoothed.
    rng : Generator
        Draws the probe.

    References
    ----------
    Ramani, Blu & Unser 2008, DOI 10.1109/TIP.2008.2001404.
    """
    crops = _regular_crops(image)
    probes = [rng.choice([-1.0, 1.0], crop.shape).astype(crop.dtype) for crop in crops]
    risks = [
        sum(_risk(candidate, crop, probe, sigma) for crop, probe in zip(crops, probes, strict=True))
        for candidate in candidates
    ]
    return candidates[int(np.argmin(risks))]


def _risk(candidate: Callable[[Image], Image], crop: Image, probe: Image, sigma: float) -> float:
    """Return the estimated sum of squared errors, but for a constant."""
    step = _PROBE * sigma
    filtered = candidate(crop)
    divergence = float(np.vdot(probe, candidate(crop + step * probe) - filtered)) / step
    return float(np.vdot(filtered - crop, filtered - crop)) + 2 * sigma**2 * divergence


def _regular_crops(image: Image) -> list[Image]:
    rows, columns = (_regular_starts(side) for side in image.shape)
    return [image[y : y + _CROP_PX, x : x + _CROP_PX] for y in rows for x in columns]


def _regular_starts(side: int) -> list[int]:
    """Return where the crops begin along one side: evenly spread, never overlapping the end."""
    count = min(_CROPS_PER_SIDE, max(side // _CROP_PX, 1))
    gap = (side - count * _CROP_PX) / (count + 1)
    return [max(round(gap + index * (gap + _CROP_PX)), 0) for index in range(count)]
