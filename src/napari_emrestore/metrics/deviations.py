"""How far an image is from its ground truth, pixel by pixel: PSNR, MSE, MAE."""

from __future__ import annotations

from math import fsum, inf, isfinite, log10
from typing import TYPE_CHECKING

from napari_emrestore.metrics.kernels import load_kernels
from napari_emrestore.metrics.pairs import Pair, check_data_range, check_pair
from napari_emrestore.metrics.tiles import plan_tiles, spread

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

_BAND_PIXELS = 1 << 20


def psnr(image: ArrayLike, truth: ArrayLike, *, data_range: float, mask: ArrayLike | None = None) -> float:
    """Return the peak signal-to-noise ratio in dB; infinite for equal images.

    Parameters
    ----------
    image, truth : array_like, shape (Y, X)
        Image and ground truth in the same units, real numbers of any dtype. Stacks are refused: score
        their frames one by one.
    data_range : float
        Distance from the smallest to the largest possible intensity, in the same units.
    mask : array_like of bool, shape (Y, X), optional
        True where pixels are scored.

    Returns
    -------
    float
        ``10 log10(data_range² / mse)``.

    Raises
    ------
    InputError
        If the shapes differ, the data range is not positive, the mask is empty, or a scored pixel is
        not finite.

    Notes
    -----
    Equal to 1e-6 dB to scikit-image's ``peak_signal_noise_ratio`` on float64 images. Summed in float64.
    """
    peak = check_data_range(data_range)
    return psnr_of_mse(mse(image, truth, mask=mask), peak)


def mse(image: ArrayLike, truth: ArrayLike, *, mask: ArrayLike | None = None) -> float:
    """Return the mean squared error in squared input units; parameters and errors as in `psnr`."""
    return mean_errors(check_pair(image, truth, mask))[0]


def mae(image: ArrayLike, truth: ArrayLike, *, mask: ArrayLike | None = None) -> float:
    """Return the mean absolute error in input units; parameters and errors as in `psnr`."""
    return mean_errors(check_pair(image, truth, mask))[1]


def psnr_of_mse(mean_squared_error: float, data_range: float) -> float:
    """Return the peak signal-to-noise ratio in dB of a mean squared error; infinite for 0."""
    if mean_squared_error == 0:
        return inf
    # Two logarithms: the square of a large data range may overflow.
    return 20 * log10(data_range) - 10 * log10(mean_squared_error)


def mean_errors(pair: Pair) -> tuple[float, float]:
    """Return mean squared and mean absolute error of a checked pair, read once.

    Raises
    ------
    InputError
        If a scored pixel is not finite.
    """
    kernels = load_kernels()
    tiles = plan_tiles(pair.shape, (max(1, _BAND_PIXELS // pair.shape[1]), pair.shape[1]))
    answers = spread(lambda tile: kernels.error_sums(*pair.cut(tile)), tiles, pair.image.size)
    square, absolute = (fsum(answer[i] for answer in answers) for i in (0, 1))
    count = sum(answer[2] for answer in answers)
    if not isfinite(square):
        pair.refuse_not_finite()
    return square / count, absolute / count
