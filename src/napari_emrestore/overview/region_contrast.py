"""A region against what surrounds it: the ring around it, and how well both are told apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_GAP_PX = 1.0  # the rim of a region is blurred into its surroundings
_NARROWEST_PX = 3.0
_RING_SHARE = 0.25  # of the side of a square of the region's area


def ring_width_px(area_px: float) -> int:
    """Return how far around a region its surroundings are looked at: a quarter of its side, 3 px or more."""
    return int(np.ceil(max(_NARROWEST_PX, _RING_SHARE * np.sqrt(area_px)) + _GAP_PX))


def ring_around(inside: NDArray[np.bool_], width_px: float) -> NDArray[np.bool_]:
    """Return the pixels around a region, but for the one next to it.

    Parameters
    ----------
    inside : ndarray of bool, shape (Y, X)
        True in the region; the array reaches as far as the ring shall.
    width_px : float
        Distance from the region up to which a pixel belongs to the ring.
    """
    from scipy.ndimage import distance_transform_edt

    if not inside.any():
        return np.zeros_like(inside)
    distance = np.asarray(distance_transform_edt(~inside))
    return (distance > _GAP_PX) & (distance <= width_px)


def separation(inside: NDArray[Any], around: NDArray[Any]) -> float:
    """Return which share of the variance of two sets of values, weighted alike, lies between them.

    Returns
    -------
    float
        From 0 (equal means) to 1 (no scatter within either); NaN where a set is empty or nothing varies.

    Notes
    -----
    The separability of Otsu's threshold for two classes of one weight.

    References
    ----------
    Otsu 1979, DOI 10.1109/TSMC.1979.4310076.
    """
    if min(np.size(inside), np.size(around)) == 0:
        return float("nan")
    between = ((float(np.mean(inside)) - float(np.mean(around))) / 2) ** 2
    within = (float(np.var(inside)) + float(np.var(around))) / 2
    return between / (between + within) if between + within > 0 else float("nan")
