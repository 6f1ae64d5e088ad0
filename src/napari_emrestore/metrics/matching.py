"""The scale-and-offset twin of an image: what is left to score when brightness and contrast do not count."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.metrics.deviations import mean_errors
from napari_emrestore.metrics.pairs import Pair, check_pair

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def match_intensity(
    image: ArrayLike, truth: ArrayLike, *, mask: ArrayLike | None = None
) -> NDArray[np.float32]:
    """Return ``scale * image + offset``, the least-squares closest such image to the truth.

    Any score of the result is the scale-and-offset-matched twin of that score, for example
    ``ssim(match_intensity(image, truth), truth, data_range=1.0)``. It forgives a restorer that changes
    brightness and contrast, so give it beside the plain score and under another name.

    Parameters
    ----------
    image, truth : array_like, shape (Y, X)
        Image and ground truth, real numbers of any dtype; units may differ.
    mask : array_like of bool, shape (Y, X), optional
        True where pixels take part in the fit; all pixels of the image are mapped.

    Returns
    -------
    ndarray, shape (Y, X), float32
        In units of the truth. A constant image becomes the mean of the truth.

    Raises
    ------
    InputError
        If the shapes differ, the mask is empty, or a pixel of the fit is not finite.
    """
    pair = check_pair(image, truth, mask)
    mean_errors(pair)  # refuses what is not finite
    scale, offset = _fit(pair)
    return (pair.image.astype(np.float64) * scale + offset).astype(np.float32)


def _fit(pair: Pair) -> tuple[float, float]:
    """Return scale and offset of the least-squares line from image to truth."""
    image, truth = _scored(pair.image, pair), _scored(pair.truth, pair)
    image_mean, truth_mean = image.mean(), truth.mean()
    image, truth = image - image_mean, truth - truth_mean
    energy = float(np.dot(image, image))
    scale = float(np.dot(image, truth)) / energy if energy > 0 else 0.0
    return scale, float(truth_mean - scale * image_mean)


def _scored(values: NDArray[Any], pair: Pair) -> NDArray[np.float64]:
    kept: NDArray[Any] = values.ravel() if pair.mask is None else values[pair.mask]
    return kept.astype(np.float64)
