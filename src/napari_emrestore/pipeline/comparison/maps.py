"""Where two images differ: signed difference, absolute error and structural similarity as images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from napari_emrestore.core import InputError
from napari_emrestore.metrics import ssim_map

if TYPE_CHECKING:
    from numpy.typing import NDArray

MapKind = Literal["difference", "error", "similarity"]
_KINDS = ("difference", "error", "similarity")


@dataclass(frozen=True, slots=True, eq=False)
class DifferenceMap:
    """An image of differences and the limits that show it well.

    Attributes
    ----------
    kind : {"difference", "error", "similarity"}
        Signed difference, its absolute value, or SSIM of the window around each pixel.
    image : ndarray, shape (Y, X), float32
        Input units, or SSIM; NaN where nothing can be told.
    contrast_limits : tuple of float
        About 0 for the difference; from 0 for the error; up to 1 for the similarity.
    """

    kind: MapKind
    image: NDArray[np.float32]
    contrast_limits: tuple[float, float]


def difference_map(
    kind: MapKind,
    image: NDArray[Any],
    against: NDArray[Any],
    *,
    data_range: float,
    stretch: float = 0.995,
) -> DifferenceMap:
    """Return where an image differs from another.

    Parameters
    ----------
    kind : {"difference", "error", "similarity"}
        ``image - against``, its absolute value, or the map of SSIM.
    image, against : ndarray, shape (Y, X)
        In the same units; NaN gives NaN.
    data_range : float
        For SSIM; see `metrics.ssim`.
    stretch : float
        Share of the pixels within the contrast limits, above 0 and up to 1; the rest saturates. Less
        shows fainter differences.

    Raises
    ------
    InputError
        If there is no such kind, the share is out of range, or the images do not fit.
    """
    if kind not in _KINDS or not 0 < stretch <= 1:
        raise InputError(
            f"A map is one of {', '.join(_KINDS)} with a stretch above 0 and up to 1",
            came=f"{kind!r} with {stretch!r} came",
        )
    if kind == "similarity":
        finite = np.isfinite(image) & np.isfinite(against)
        scores = ssim_map(image, against, data_range=data_range, mask=None if finite.all() else finite)
        low = _quantile(scores, 1 - stretch)
        return DifferenceMap(kind, scores, (low if low < 1 else 0.0, 1.0))
    signed = image.astype(np.float32) - against.astype(np.float32)
    size = np.abs(signed)
    high = _quantile(size, stretch) or 1.0  # equal images still need limits that differ
    if kind == "error":
        return DifferenceMap(kind, size, (0.0, high))
    return DifferenceMap(kind, signed, (-high, high))


def _quantile(values: NDArray[np.float32], share: float) -> float:
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        raise InputError("A map needs pixels that are finite in both images", came="there is none")
    return float(np.quantile(finite, share))
