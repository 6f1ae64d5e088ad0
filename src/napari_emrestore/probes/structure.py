"""What a restorer leaves undone: motion blur and lost contrast."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

from napari_emrestore.probes.scores import Case, Finding

if TYPE_CHECKING:
    from numpy.typing import NDArray

_REACH_PX = 4
_LEAST_PX = 12
_LEAST_VARIANCE = 1e-4
_LOCAL_PX = 6.0


def left_over_motion(case: Case) -> Finding | None:
    """Return how much gradient energy is kept along the motion, over that kept across it.

    Only gradients that follow the pattern's count, so noise does not. 1 for no left-over motion, or for a
    restorer that blurs all directions alike. ``None`` without motion, or where nothing is kept across it.
    """
    if case.motion_px == 0:
        return None
    kept = [_kept_gradient(case, axis) for axis in (0, 1)]
    if not kept[1] > 0:
        return None
    along = kept[0] / kept[1]
    true, made = (np.diff(image, axis=0, append=image[-1:]) for image in (case.probe.pattern, case.restored))
    missing = ndimage.gaussian_filter(true * (true - made), _LOCAL_PX)
    return Finding(float(along * abs(along)), missing.astype(np.float32))


def _kept_gradient(case: Case, axis: int) -> float:
    true, made = (np.diff(image, axis=axis) for image in (case.probe.pattern, case.restored))
    energy = float((true.astype(np.float64) ** 2).sum())
    return float((true * made).sum()) / energy if energy > 0 else 0.0


def median_contrast(case: Case) -> Finding | None:
    """Return the median share of its contrast that a part keeps; ``None`` without parts."""
    shares, lost = kept_contrast(case)
    return Finding(float(np.median(shares)), lost) if shares.size else None


def weakest_contrast(case: Case) -> Finding | None:
    """Return the 10th percentile of the share of contrast that parts keep; ``None`` without parts."""
    shares, lost = kept_contrast(case)
    return Finding(float(np.percentile(shares, 10)), lost) if shares.size else None


def kept_contrast(case: Case) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Return the share of its contrast that each part keeps, and an image of what is lost.

    The share is the slope from pattern to restoration within 4 px of a part, beside the slope of the ground
    under it. Noise does not change it on average. Below 0 a part came out with the wrong polarity.

    Returns
    -------
    shares : ndarray, shape (P,)
        Of the parts large and strong enough to be measured.
    lost : ndarray, shape (Y, X), float32
        1 minus the share on each part, 0 elsewhere.
    """
    probe = case.probe
    if probe.parts is None:
        return np.empty(0), np.zeros(probe.pattern.shape, np.float32)
    ground = np.zeros_like(probe.pattern) if probe.ground is None else probe.ground
    near = _grown(probe.parts)
    slopes, measured = _slopes(near, probe.pattern - ground, ground, case.restored)
    lost = np.where(measured, 1 - slopes, 0.0)[probe.parts]
    return slopes[measured], lost.astype(np.float32)


def _grown(parts: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return the numbers of parts, each grown into the unnumbered pixels near it."""
    far, (rows, columns) = ndimage.distance_transform_edt(parts == 0, return_indices=True)
    return np.where(far <= _REACH_PX, parts[rows, columns], 0).astype(np.int32)


def _slopes(
    near: NDArray[np.int32], part: NDArray[Any], ground: NDArray[Any], made: NDArray[Any]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the slope of `made` on `part` for each number, fitted with the ground and a constant.

    Returns
    -------
    slopes : ndarray, shape (numbers + 1,)
        The first is that of no part.
    measured : ndarray, shape (numbers + 1,), bool
        Whether there was enough to fit.
    """
    columns = [part, ground, np.ones_like(part), made]
    count = int(near.max()) + 1
    flat = [np.asarray(column, np.float64).ravel() for column in columns]
    moments = np.array(
        [[np.bincount(near.ravel(), a * b, minlength=count) for b in flat] for a in flat[:3]]
    ).transpose(2, 0, 1)
    slopes = (np.linalg.pinv(moments[:, :, :3], rcond=1e-6, hermitian=True) @ moments[:, :, 3:])[:, 0, 0]
    pixels = np.maximum(moments[:, 2, 2], 1)
    variance = moments[:, 0, 0] / pixels - (moments[:, 0, 2] / pixels) ** 2
    measured = (pixels >= _LEAST_PX) & (variance >= _LEAST_VARIANCE)
    measured[0] = False
    return slopes, measured
