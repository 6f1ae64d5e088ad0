"""The kernels of the metrics without a compiler: same calls and numbers as `_numba_kernels`, slower."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_emrestore.metrics.windows import Window


def window_scores(
    image: NDArray[Any],
    truth: NDArray[Any],
    mask: NDArray[np.bool_] | None,
    window: Window,
    data_range: float,
    out: NDArray[np.float32] | None = None,
) -> tuple[float, int]:
    """Return the sum and number of the structural similarities of all whole windows of a tile."""
    inside = _inside(mask, image.shape, window.width)
    scores = _scores(image, truth, mask, window, data_range)
    if out is not None:
        out[:] = np.where(inside, scores, np.nan)
    return float(scores.sum(where=inside)), int(np.count_nonzero(inside))


def error_sums(
    image: NDArray[Any], truth: NDArray[Any], mask: NDArray[np.bool_] | None
) -> tuple[float, float, int]:
    """Return the sums of squared and of absolute differences and the number of pixels in them."""
    difference = np.subtract(image, truth, dtype=np.float64)
    kept = difference.ravel() if mask is None else difference[mask]
    return float(np.dot(kept, kept)), float(np.abs(kept).sum()), kept.size


def _scores(
    image: NDArray[Any],
    truth: NDArray[Any],
    mask: NDArray[np.bool_] | None,
    window: Window,
    data_range: float,
) -> NDArray[np.float64]:
    """Return the score of each whole window, shape (Y - width + 1, X - width + 1), float64."""
    x, x0 = _centred(image, mask, data_range)
    y, y0 = _centred(truth, mask, data_range)
    mx, my, squares, product = (_smooth(z, window) for z in (x, y, x * x + y * y, x * y))
    spread = window.covariance_scale * (squares - mx * mx - my * my)
    covariance = window.covariance_scale * (product - mx * my)
    means = 2 * (mx + x0) * (my + y0) + window.c1
    brightness = means + (mx - my + x0 - y0) ** 2
    scores: NDArray[np.float64] = means * (2 * covariance + window.c2) / (brightness * (spread + window.c2))
    return scores


def _centred(
    image: NDArray[Any], mask: NDArray[np.bool_] | None, data_range: float
) -> tuple[NDArray[np.float64], float]:
    """Return the image in units of the data range about a level, 0 where masked, and that level."""
    kept = image if mask is None else image[mask]
    level = float(kept.mean(dtype=np.float64)) if kept.size else 0.0
    values = (image.astype(np.float64) - level) / data_range
    return (values if mask is None else np.where(mask, values, 0.0)), level / data_range


def _smooth(values: NDArray[np.float64], window: Window) -> NDArray[np.float64]:
    weights = np.concatenate([window.half_weights[:0:-1], window.half_weights])
    radius = window.width // 2
    rows = ndimage.correlate1d(values, weights, axis=0)[radius:-radius]
    smooth: NDArray[np.float64] = ndimage.correlate1d(rows, weights, axis=1)[:, radius:-radius]
    return smooth


def _inside(mask: NDArray[np.bool_] | None, shape: tuple[int, ...], width: int) -> NDArray[np.bool_]:
    """Return which windows hold True pixels only, shape (Y - width + 1, X - width + 1)."""
    if mask is None:
        return np.ones((shape[0] - width + 1, shape[1] - width + 1), np.bool_)
    radius = width // 2
    smallest: NDArray[np.bool_] = ndimage.minimum_filter(mask, width)[radius:-radius, radius:-radius]
    return smallest
