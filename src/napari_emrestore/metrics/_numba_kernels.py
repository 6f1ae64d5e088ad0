"""Compiled kernels of the metrics: what is read from memory once stays in cache until its number is done.

Each row of a tile is centred, scaled to the data range and kept in a ring of as many rows as the window
has. From the rings come, smoothed down the columns, four rows of moments (x, y, x²+y², xy: the denominator
of the similarity needs only the sum of the two variances), and from these, smoothed along the row, a row of
scores. Loops run over row slices from index 0: a possibly negative index would keep the compiler from
vectorising.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_emrestore.metrics.windows import Window

# No "nnan": a NaN that is not masked must come through to be reported.
_FAST: dict[str, Any] = {
    "nogil": True,
    "cache": True,
    "error_model": "numpy",
    "fastmath": {"contract", "reassoc", "nsz"},
}
# Mean of (x²+y²)/(variance + C2) up to which float32 keeps the mean score of a tile within 1e-6, even if
# all rounding errors point the same way, as they do on flat ground.
_MOST_CANCELLATION = 8.0


@njit(**_FAST)
def _centred_row(row, keep, masked, centre, gain, out):  # type: ignore[no-untyped-def]
    for i in range(row.size):
        out[i] = (row[i] - centre) * gain
    if masked:
        for i in range(row.size):
            if not keep[i]:
                out[i] = 0


@njit(**_FAST)
def _blend_gaussian(xs, ys, oldest, weights, moments):  # type: ignore[no-untyped-def]
    """Smooth x, y, x²+y² and xy of the 11 rows in two rings down the columns."""
    w0, w1, w2, w3, w4, w5 = weights
    a, b, c = xs[oldest], xs[(oldest + 1) % 11], xs[(oldest + 2) % 11]
    d, e, f = xs[(oldest + 3) % 11], xs[(oldest + 4) % 11], xs[(oldest + 5) % 11]
    g, h, j = xs[(oldest + 6) % 11], xs[(oldest + 7) % 11], xs[(oldest + 8) % 11]
    k, m = xs[(oldest + 9) % 11], xs[(oldest + 10) % 11]
    n, o, p = ys[oldest], ys[(oldest + 1) % 11], ys[(oldest + 2) % 11]
    q, r, s = ys[(oldest + 3) % 11], ys[(oldest + 4) % 11], ys[(oldest + 5) % 11]
    t, u, v = ys[(oldest + 6) % 11], ys[(oldest + 7) % 11], ys[(oldest + 8) % 11]
    w, z = ys[(oldest + 9) % 11], ys[(oldest + 10) % 11]
    mx, my, squares, products = moments[0], moments[1], moments[2], moments[3]
    for i in range(mx.size):
        x, y = w0 * f[i], w0 * s[i]
        square, product = x * f[i] + y * s[i], x * s[i]
        x1, y1, square1, product1 = _pair(e[i], r[i], g[i], t[i], w1)
        x2, y2, square2, product2 = _pair(d[i], q[i], h[i], u[i], w2)
        x3, y3, square3, product3 = _pair(c[i], p[i], j[i], v[i], w3)
        x4, y4, square4, product4 = _pair(b[i], o[i], k[i], w[i], w4)
        x5, y5, square5, product5 = _pair(a[i], n[i], m[i], z[i], w5)
        mx[i] = x + x1 + x2 + x3 + x4 + x5
        my[i] = y + y1 + y2 + y3 + y4 + y5
        squares[i] = square + square1 + square2 + square3 + square4 + square5
        products[i] = product + product1 + product2 + product3 + product4 + product5


@njit(**_FAST)
def _pair(x, y, x1, y1, weight):  # type: ignore[no-untyped-def]
    """Return the weighted moments of two pixels."""
    square = x * x + y * y + x1 * x1 + y1 * y1
    return weight * (x + x1), weight * (y + y1), weight * square, weight * (x * y + x1 * y1)


@njit(**_FAST)
def _blend_uniform(xs, ys, weight, moments):  # type: ignore[no-untyped-def]
    """Take the means of x, y, x²+y² and xy of the 7 rows in two rings down the columns."""
    a, b, c, d, e, f, g = xs[0], xs[1], xs[2], xs[3], xs[4], xs[5], xs[6]
    n, o, p, q, r, s, t = ys[0], ys[1], ys[2], ys[3], ys[4], ys[5], ys[6]
    mx, my, squares, products = moments[0], moments[1], moments[2], moments[3]
    for i in range(mx.size):
        x, y, square, product = _pair(a[i], n[i], b[i], o[i], weight)
        x1, y1, square1, product1 = _pair(c[i], p[i], d[i], q[i], weight)
        x2, y2, square2, product2 = _pair(e[i], r[i], f[i], s[i], weight)
        x3, y3 = weight * g[i], weight * t[i]
        square3, product3 = x3 * g[i] + y3 * t[i], x3 * t[i]
        mx[i], my[i] = x + x1 + x2 + x3, y + y1 + y2 + y3
        squares[i] = square + square1 + square2 + square3
        products[i] = product + product1 + product2 + product3


@njit(**_FAST)
def _gaussian_at(row, i, weights):  # type: ignore[no-untyped-def]
    w0, w1, w2, w3, w4, w5 = weights
    near = w0 * row[i + 5] + w1 * (row[i + 4] + row[i + 6]) + w2 * (row[i + 3] + row[i + 7])
    return (
        near + w3 * (row[i + 2] + row[i + 8]) + w4 * (row[i + 1] + row[i + 9]) + w5 * (row[i] + row[i + 10])
    )


@njit(**_FAST)
def _mean_at(row, i, weight):  # type: ignore[no-untyped-def]
    left, right = row[i] + row[i + 1] + row[i + 2], row[i + 4] + row[i + 5] + row[i + 6]
    return weight * (left + row[i + 3] + right)


@njit(**_FAST)
def _similarity(mx, my, square, product, origin, constants):  # type: ignore[no-untyped-def]
    """Return the score of smoothed moments, and how much their variance cancelled.

    Twice is spelt as a sum: a whole number would turn float32 into float64.
    """
    c1, c2, unbias = constants
    spread = unbias * (square - mx * mx - my * my) + c2
    covariance = unbias * (product - mx * my)
    x, y = mx + origin[0], my + origin[1]
    means = x * y + x * y + c1
    brightness = means + (x - y) * (x - y)
    # A plain quotient, no product with an inverse: flat, equal images score 1 to the last bit.
    return means * (covariance + covariance + c2) / (brightness * spread), square / spread


@njit(**_FAST)
def _score_gaussian(moments, weights, origin, constants, scores):  # type: ignore[no-untyped-def]
    """Smooth moments along the row and fill `scores`; return how much their variances cancelled."""
    x, y, squares, products = moments[0], moments[1], moments[2], moments[3]
    cancelled = origin[0] - origin[0]
    for i in range(scores.size):
        mx, my = _gaussian_at(x, i, weights), _gaussian_at(y, i, weights)
        square, product = _gaussian_at(squares, i, weights), _gaussian_at(products, i, weights)
        scores[i], lost = _similarity(mx, my, square, product, origin, constants)
        cancelled += lost
    return cancelled


@njit(**_FAST)
def _score_uniform(moments, weight, origin, constants, scores):  # type: ignore[no-untyped-def]
    """Do as `_score_gaussian` with equal weights."""
    x, y, squares, products = moments[0], moments[1], moments[2], moments[3]
    cancelled = origin[0] - origin[0]
    for i in range(scores.size):
        mx, my = _mean_at(x, i, weight), _mean_at(y, i, weight)
        square, product = _mean_at(squares, i, weight), _mean_at(products, i, weight)
        scores[i], lost = _similarity(mx, my, square, product, origin, constants)
        cancelled += lost
    return cancelled


@njit(**_FAST)
def _row_sum(row):  # type: ignore[no-untyped-def]
    total = 0.0
    for i in range(row.size):
        total += row[i]
    return total


@njit(**_FAST)
def _tile_centre(image, keep, masked):  # type: ignore[no-untyped-def]
    """Return a level near the mean; a sample of rows will do where nothing is masked."""
    total, count = 0.0, 0
    for r in range(0, image.shape[0], 1 if masked else 8):
        if not masked:
            total += _row_sum(image[r])
            count += image.shape[1]
        else:
            for i in range(image.shape[1]):
                if keep[r, i]:
                    total += image[r, i]
                    count += 1
    return total / count if count else 0.0


@njit(**_FAST)
def _sum_inside(streaks, width, scores):  # type: ignore[no-untyped-def]
    """Sum the scores whose window holds kept pixels only, and put NaN in the place of the others.

    `streaks` counts the kept pixels upwards from the window's last row.
    """
    total, count, across = 0.0, 0, 0
    for i in range(streaks.size):
        across = across + 1 if streaks[i] >= width else 0
        if across >= width:
            total += scores[i - width + 1]
            count += 1
        elif i >= width - 1:
            scores[i - width + 1] = np.nan
    return total, count


@njit(**_FAST)
def _score_tile(a, b, keep, masked, gaussian, weights, gain, constants, out):  # type: ignore[no-untyped-def]
    """Return summed scores, summed cancellation and count of one tile; fill `out` unless it is empty."""
    width = 11 if gaussian else 7
    columns = a.shape[1]
    centre = np.array([_tile_centre(a, keep, masked), _tile_centre(b, keep, masked)]).astype(a.dtype)
    origin = (centre[0] * gain, centre[1] * gain)
    rings = np.empty((2, width, columns), a.dtype)
    moments = np.empty((4, columns), a.dtype)
    scores = np.empty(columns - width + 1, a.dtype)
    streaks = np.zeros(columns, np.int32)
    total, cancelled, count = 0.0, 0.0, 0
    for y in range(a.shape[0]):
        mask_row = keep[y] if masked else keep[0]
        _centred_row(a[y], mask_row, masked, centre[0], gain, rings[0, y % width])
        _centred_row(b[y], mask_row, masked, centre[1], gain, rings[1, y % width])
        if masked:
            for i in range(columns):
                streaks[i] = streaks[i] + 1 if mask_row[i] else 0
        r = y - width + 1
        if r < 0:
            continue
        if gaussian:
            _blend_gaussian(rings[0], rings[1], (y + 1) % 11, weights, moments)
            cancelled += _score_gaussian(moments, weights, origin, constants, scores)
        else:
            _blend_uniform(rings[0], rings[1], weights[0], moments)
            cancelled += _score_uniform(moments, weights[0], origin, constants, scores)
        if masked:
            row_total, row_count = _sum_inside(streaks, width, scores)
        else:
            row_total, row_count = _row_sum(scores), scores.size
        total += row_total
        count += row_count
        if out.size:
            out[r] = scores
    return total, cancelled, count


@njit(**_FAST)
def _error_sums(a, b):  # type: ignore[no-untyped-def]
    square, absolute = 0.0, 0.0
    for i in range(a.size):
        d = np.float64(a[i]) - np.float64(b[i])
        square += d * d
        absolute += abs(d)
    return square, absolute


@njit(**_FAST)
def _kept_error_sums(a, b, keep):  # type: ignore[no-untyped-def]
    square, absolute, count = 0.0, 0.0, 0
    for i in range(a.size):
        d = np.float64(a[i]) - np.float64(b[i]) if keep[i] else 0.0
        square += d * d
        absolute += abs(d)
        count += keep[i]
    return square, absolute, count


def window_scores(
    image: NDArray[Any],
    truth: NDArray[Any],
    mask: NDArray[np.bool_] | None,
    window: Window,
    data_range: float,
    out: NDArray[np.float32] | None = None,
) -> tuple[float, int]:
    """Return the sum and number of the structural similarities of all whole windows.

    Parameters
    ----------
    image, truth : ndarray, shape (Y, X)
        Tiles of an image and its truth; both float32 or both float64, C-contiguous.
    mask : ndarray of bool, shape (Y, X), optional
        C-contiguous. A window counts if all its pixels are True here.
    window : Window
        Which window.
    data_range : float
        Positive.
    out : ndarray, shape (Y - width + 1, X - width + 1), float32, optional
        Takes the score of each window, NaN where it does not count.

    Notes
    -----
    Float32 images are scored in float32 if only the sum is wanted and little cancels in the variances
    (see `_MOST_CANCELLATION`), and in float64 otherwise.
    """
    if image.dtype == np.float32 and out is None and 1e-30 < data_range < 1e30:
        total, cancelled, count = _score(image, truth, mask, window, data_range, None)
        windows = (image.shape[0] - window.width + 1) * (image.shape[1] - window.width + 1)
        if cancelled <= _MOST_CANCELLATION * windows:
            return total, count
    x, y = image.astype(np.float64, copy=False), truth.astype(np.float64, copy=False)
    total, _, count = _score(x, y, mask, window, data_range, out)
    return total, count


def error_sums(
    image: NDArray[Any], truth: NDArray[Any], mask: NDArray[np.bool_] | None
) -> tuple[float, float, int]:
    """Return the sums of squared and of absolute differences and the number of pixels in them.

    `image`, `truth` and `mask` are as in `window_scores`.
    """
    a, b = image.ravel(), truth.ravel()
    if mask is None:
        square, absolute = _error_sums(a, b)
        return float(square), float(absolute), image.size
    square, absolute, count = _kept_error_sums(a, b, mask.ravel())
    return float(square), float(absolute), int(count)


def _score(
    image: NDArray[Any],
    truth: NDArray[Any],
    mask: NDArray[np.bool_] | None,
    window: Window,
    data_range: float,
    out: NDArray[np.float32] | None,
) -> tuple[float, float, int]:
    """Return sum, cancellation and count of a tile, computed in the type of the images."""
    work = image.dtype.type
    keep = np.ones((1, 1), np.bool_) if mask is None else mask
    scores = np.empty((0, 0), np.float32) if out is None else out
    constants = (work(window.c1), work(window.c2), work(window.covariance_scale))
    # The uniform window needs one weight only; both windows pass six, for one compiled function.
    weights = tuple(work(weight) for weight in (*window.half_weights, 0.0, 0.0)[:6])
    total, cancelled, count = _score_tile(
        image,
        truth,
        keep,
        mask is not None,
        window.gaussian,
        weights,
        work(1 / data_range),
        constants,
        scores,
    )
    return float(total), float(cancelled), int(count)
