"""Compiled kernels of the metrics: what is read from memory once stays in cache until its number is done.

Each row of a tile is centred, scaled to the data range and turned into four moment rows (x, y, x²+y²,
xy: the denominator of the similarity needs only the sum of the two variances). They are smoothed along
the row and kept in a ring of as many rows as the window has; the ring smoothed down the columns (as a
running sum, where all weights are equal) gives a row of scores. Loops run over row slices from index 0: a
possibly negative index would keep the compiler from vectorising.
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
    "fastmath": {"contract", "reassoc", "nsz", "arcp"},
}
# Mean of (x²+y²)/(variance + C2) up to which float32 keeps the mean score of a tile within 1e-6, even if
# all rounding errors point the same way, as they do on flat ground.
_MOST_CANCELLATION = 8.0


@njit(**_FAST)
def _moment_rows(a, b, keep, masked, centre, gain, moments):  # type: ignore[no-untyped-def]
    x, y, squares, product = moments[0], moments[1], moments[2], moments[3]
    a0, b0 = centre[0], centre[1]
    for i in range(x.size):
        x[i] = (a[i] - a0) * gain
        y[i] = (b[i] - b0) * gain
    if masked:
        for i in range(x.size):
            if not keep[i]:
                x[i] = y[i] = 0.0
    for i in range(x.size):
        squares[i] = x[i] * x[i] + y[i] * y[i]
        product[i] = x[i] * y[i]


@njit(**_FAST)
def _smooth_gaussian(row, weights, out):  # type: ignore[no-untyped-def]
    w0, w1, w2, w3, w4, w5 = weights
    for i in range(out.size):
        near = w0 * row[i + 5] + w1 * (row[i + 4] + row[i + 6]) + w2 * (row[i + 3] + row[i + 7])
        far = w3 * (row[i + 2] + row[i + 8]) + w4 * (row[i + 1] + row[i + 9]) + w5 * (row[i] + row[i + 10])
        out[i] = near + far


@njit(**_FAST)
def _blend_rows(ring, oldest, weights, out):  # type: ignore[no-untyped-def]
    """Smooth the 11 rows of a ring down the columns."""
    w0, w1, w2, w3, w4, w5 = weights
    a, b, c = ring[oldest], ring[(oldest + 1) % 11], ring[(oldest + 2) % 11]
    d, e, f = ring[(oldest + 3) % 11], ring[(oldest + 4) % 11], ring[(oldest + 5) % 11]
    g, h, j = ring[(oldest + 6) % 11], ring[(oldest + 7) % 11], ring[(oldest + 8) % 11]
    k, m = ring[(oldest + 9) % 11], ring[(oldest + 10) % 11]
    for i in range(out.size):
        near = w0 * f[i] + w1 * (e[i] + g[i]) + w2 * (d[i] + h[i])
        out[i] = near + w3 * (c[i] + j[i]) + w4 * (b[i] + k[i]) + w5 * (a[i] + m[i])


@njit(**_FAST)
def _exchange_uniform(row, weight, slot, sums, blend):  # type: ignore[no-untyped-def]
    """Put the means of 7 along `row` into the ring's `slot`, and into `blend` for what was there.

    The running `sums` are float64: in float32 the errors of all rows above would add up.
    """
    for i in range(slot.size):
        left, right = row[i] + row[i + 1] + row[i + 2], row[i + 4] + row[i + 5] + row[i + 6]
        total = weight * (left + row[i + 3] + right)
        sums[i] += np.float64(total) - np.float64(slot[i])
        slot[i] = total
        blend[i] = sums[i]


@njit(**_FAST)
def _score_row(blend, origin, constants, scores):  # type: ignore[no-untyped-def]
    """Fill `scores` from centred and scaled moments; return how much their variances cancelled."""
    c1, c2, unbias = constants
    x0, y0 = origin
    x, y, squares, product = blend[0], blend[1], blend[2], blend[3]
    cancelled = 0 * c1
    for i in range(scores.size):
        mx, my = x[i], y[i]
        spread = unbias * (squares[i] - mx * mx - my * my) + c2
        covariance = unbias * (product[i] - mx * my)
        difference = (mx - my) + (x0 - y0)
        means = 2 * (mx + x0) * (my + y0) + c1
        brightness = means + difference * difference
        inverse = 1 / (brightness * spread)
        scores[i] = means * (2 * covariance + c2) * inverse
        cancelled += squares[i] * brightness * inverse
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
    moments = np.empty((4, columns), a.dtype)
    rings = np.zeros((4, width, columns - width + 1), a.dtype)
    blend = np.empty((4, columns - width + 1), a.dtype)
    sums = np.zeros((4, columns - width + 1), np.float64)
    scores = np.empty(columns - width + 1, a.dtype)
    streaks = np.zeros(columns, np.int32)
    total, cancelled, count = 0.0, 0.0, 0
    for y in range(a.shape[0]):
        mask_row = keep[y] if masked else keep[0]
        _moment_rows(a[y], b[y], mask_row, masked, centre, gain, moments)
        if masked:
            for i in range(columns):
                streaks[i] = streaks[i] + 1 if mask_row[i] else 0
        for k in range(4):
            if gaussian:
                _smooth_gaussian(moments[k], weights, rings[k, y % width])
                _blend_rows(rings[k], (y + 1) % width, weights, blend[k])
            else:
                _exchange_uniform(moments[k], weights[0] * weights[0], rings[k, y % width], sums[k], blend[k])
        r = y - width + 1
        if r < 0:
            continue
        cancelled += _score_row(blend, origin, constants, scores)
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
