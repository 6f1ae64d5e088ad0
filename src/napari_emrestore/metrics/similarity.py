"""Structural similarity of an image and its ground truth."""

from __future__ import annotations

from math import fsum, isfinite
from typing import TYPE_CHECKING

import numpy as np

from napari_emrestore.core.errors import InputError
from napari_emrestore.metrics.kernels import load_kernels
from napari_emrestore.metrics.pairs import Pair, check_data_range, check_pair
from napari_emrestore.metrics.tiles import plan_tiles, spread
from napari_emrestore.metrics.windows import Window, find_window

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from napari_emrestore.metrics.tiles import Tile
    from napari_emrestore.metrics.windows import WindowName

# Rows of 320 scores keep the rings of a window in the fastest cache; see benchmarks/metrics.py.
_CORE_SHAPE = (512, 320)


def ssim(
    image: ArrayLike,
    truth: ArrayLike,
    *,
    data_range: float,
    window: WindowName = "gaussian",
    mask: ArrayLike | None = None,
) -> float:
    """Return the mean structural similarity, at most 1 (equal images).

    Parameters
    ----------
    image, truth : array_like, shape (Y, X)
        Image and ground truth in the same units, real numbers of any dtype. Stacks are refused: score
        their frames one by one and average the numbers.
    data_range : float
        Distance from the smallest to the largest possible intensity, in the same units; never guessed,
        because the score depends on it.
    window : {"gaussian", "uniform"}
        11 x 11 Gaussian of sigma 1.5 with weighted variances, as in the paper; or 7 x 7 equal weights
        with sample variances.
    mask : array_like of bool, shape (Y, X), optional
        True where pixels are scored. A window counts if *all* its pixels are; what the other pixels
        hold (NaN, a grid bar, a fill value) has no influence.

    Returns
    -------
    float
        Mean over all windows that lie within the image and the mask.

    Raises
    ------
    InputError
        If the shapes differ, the data range is not positive, no window fits, or a scored pixel is
        not finite.

    Notes
    -----
    With K1 = 0.01, K2 = 0.03. Equal to 1e-6 to scikit-image's ``structural_similarity`` on float64
    images, called with ``gaussian_weights=True, sigma=1.5, use_sample_covariance=False`` and with its
    defaults, respectively. No temporary is of the size of the image.

    References
    ----------
    Wang, Bovik, Sheikh, Simoncelli 2004, DOI 10.1109/TIP.2003.819861.
    """
    pair, shape = _check(image, truth, mask, find_window(window))
    total, count = _sum_scores(pair, shape, check_data_range(data_range), None)
    return total / count


def ssim_map(
    image: ArrayLike,
    truth: ArrayLike,
    *,
    data_range: float,
    window: WindowName = "gaussian",
    mask: ArrayLike | None = None,
) -> NDArray[np.float32]:
    """Return the structural similarity of the window around each pixel.

    Parameters are those of `ssim`, and so are the errors.

    Returns
    -------
    ndarray, shape (Y, X), float32
        NaN where the window reaches over the image edge or touches a masked pixel. The mean of the
        rest is `ssim`.
    """
    pair, shape = _check(image, truth, mask, find_window(window))
    margin = shape.width // 2
    scores = np.full(pair.shape, np.nan, np.float32)
    _sum_scores(pair, shape, check_data_range(data_range), scores[margin:-margin, margin:-margin])
    return scores


def _check(image: ArrayLike, truth: ArrayLike, mask: ArrayLike | None, window: Window) -> tuple[Pair, Window]:
    pair = check_pair(image, truth, mask)
    if min(pair.shape) < window.width:
        raise InputError(
            f"This SSIM window needs an image of at least {window.width} x {window.width} pixels",
            item="the image",
            came=f"is {pair.shape}",
        )
    return pair, window


def _sum_scores(
    pair: Pair, window: Window, data_range: float, out: NDArray[np.float32] | None
) -> tuple[float, int]:
    kernels = load_kernels()
    overlap = window.width - 1

    def score(tile: Tile) -> tuple[float, int]:
        rows, columns = tile
        core = (slice(rows.start, rows.stop - overlap), slice(columns.start, columns.stop - overlap))
        return kernels.window_scores(*pair.cut(tile), window, data_range, None if out is None else out[core])

    answers = spread(score, plan_tiles(pair.shape, _CORE_SHAPE, overlap), pair.image.size)
    total, count = fsum(answer[0] for answer in answers), sum(answer[1] for answer in answers)
    if not isfinite(total):
        pair.refuse_not_finite()
    if pair.mask is not None and count == 0:
        raise InputError(
            f"At least one window of {window.width} x {window.width} pixels must lie within the mask",
            item="the mask",
            came=f"holds {int(np.count_nonzero(pair.mask))} pixels, but no such window",
            remedy="Use a larger region, or psnr, which needs no window.",
        )
    return total, count
