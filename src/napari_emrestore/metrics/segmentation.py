"""Does restoring help labels? A fixed segmentation of dark membranes, and how far labels agree.

No network is trained here, on purpose: the same classical filter and watershed run on every image, so that
a difference between two images of one field is a difference between the images. Only such differences
mean something; the error itself is that of a simple segmentation.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.core.errors import InputError
from napari_emrestore.metrics.pairs import check_image

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_STRONGEST_PERCENT = 99
_DEPTH = 0.2


@dataclass(frozen=True, slots=True)
class AdaptedRand:
    """How far labels agree with true labels, over all pairs of pixels of the true foreground.

    Attributes
    ----------
    error : float
        1 minus the F-score of precision and recall; 0 is perfect.
    precision, recall : float
        Low precision: regions were merged. Low recall: regions were split.
    """

    error: float
    precision: float
    recall: float


def segment_membranes(image: ArrayLike, *, width_px: float = 4.0) -> NDArray[np.int32]:
    """Return the regions between dark membranes.

    Parameters
    ----------
    image : array_like, shape (Y, X)
        Any units; the result does not change with offset or positive scale.
    width_px : float
        Scale at which a membrane is a ridge and grain is none, in pixels: about 16 nm.

    Returns
    -------
    ndarray, shape (Y, X), int32
        Labels from 1; every pixel belongs to a region.

    Raises
    ------
    InputError
        If `image` is no image or the width is not positive.

    Notes
    -----
    The larger curvature of the Gaussian-smoothed image (Hessian eigenvalue), scaled by its 99th percentile
    and smoothed, is flooded from its minima deeper than 0.2 (watershed; Beucher & Meyer 1993).
    """
    from scipy.ndimage import gaussian_filter

    skimage: Any = import_module("skimage")
    pixels = check_image(image).astype(np.float64)
    if not width_px > 0:
        raise InputError("The width of a membrane is positive", came=f"{width_px} px came")
    ridges = np.clip(_largest_curvature(pixels, width_px), 0, None)
    strongest = float(np.percentile(ridges, _STRONGEST_PERCENT))
    if strongest <= np.finfo(np.float32).eps * float(np.abs(pixels).max()):
        return np.ones(pixels.shape, np.int32)
    height = gaussian_filter(np.clip(ridges / strongest, 0, 1), width_px)
    basins = skimage.measure.label(skimage.morphology.h_minima(height, _DEPTH))
    return np.asarray(skimage.segmentation.watershed(height, basins), np.int32)


def _largest_curvature(image: NDArray[np.float64], sigma_px: float) -> NDArray[np.float64]:
    """Return the larger eigenvalue of the Hessian of the smoothed image; high on dark lines."""
    from scipy.ndimage import gaussian_filter

    yy, xx, yx = (gaussian_filter(image, sigma_px, order=order) for order in ((2, 0), (0, 2), (1, 1)))
    return np.asarray((yy + xx) / 2 + np.hypot((yy - xx) / 2, yx))


def adapted_rand(labels: ArrayLike, truth: ArrayLike) -> AdaptedRand:
    """Return the adapted Rand error of labels, restricted to the true foreground.

    Parameters
    ----------
    labels : array_like of int, shape (Y, X)
        What a segmentation gave. 0 is no region: each of its pixels counts as a region of its own, so
        leaving pixels out costs recall and never joins what lies on either side.
    truth : array_like of int, shape (Y, X)
        0 is background (membranes) and does not count.

    Raises
    ------
    InputError
        If the shapes differ, or the truth has no foreground.

    Notes
    -----
    Arganda-Carreras et al. 2015, DOI 10.3389/fnana.2015.00142, as scikit-image computes it; pixels of no
    region as in Nunez-Iglesias et al. 2013, DOI 10.1371/journal.pone.0071715.
    """
    skimage: Any = import_module("skimage")
    given, true = np.asarray(labels), np.asarray(truth)
    if given.shape != true.shape or not true.any():
        raise InputError(
            "True labels have the shape of the labels and a foreground",
            came=f"labels {given.shape} and true labels {true.shape} with {int((true != 0).sum())} "
            "foreground pixels came",
        )
    measured = skimage.metrics.adapted_rand_error(
        true.astype(np.int64), _without_gaps(given, true != 0), ignore_labels=(0,)
    )
    # what scikit-image calls precision is the share of truly joined pairs that the labels join: the recall
    error, recall, precision = (float(value) for value in measured)
    return AdaptedRand(error, precision, recall)


def _without_gaps(labels: NDArray[Any], counted: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return labels in which every counted pixel of no region is a region of its own."""
    filled = labels.astype(np.int64)
    gaps = counted & (filled == 0)
    filled[gaps] = filled.max(initial=0) + 1 + np.arange(np.count_nonzero(gaps))
    return filled
