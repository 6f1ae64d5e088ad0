"""How noisy an image is: the deviation of a pixel's noise, and the camera's line from mean to variance."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from math import isfinite, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.core.errors import InputError
from napari_emrestore.metrics.noise_floor import noise_floor
from napari_emrestore.metrics.pairs import check_finite, check_image

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import ArrayLike, NDArray

_BLOCK_PX = 16
_MOST_PAIRS = 16
_MOST_SHARED = 3
_START_BINS = 12
_LEAST_IN_BIN = 8
_ROUNDS = 25
_TUKEY = 4.685
_SIGNIFICANT = 3.0
# Texture adds to what the mask leaves, and noise that software smoothed passes it only in part: where its
# variance and that of the trained regression are further apart than this, the regression is nearer; else the
# mask, whose scatter is smaller.
_ALIKE = 1.2
# Relative deviation of a block's mean squared noise times the root of its pixels: 2 for a normal
# distribution, 3.78 for the correlation that the mask gives to neighbouring values.
_DEVIATION_OF_ONE = sqrt(2 * 3.78)


@dataclass(frozen=True, slots=True)
class NoiseModel:
    """Noise whose variance rises with the signal: ``gain * (mean - offset) + read_noise²``.

    Attributes
    ----------
    gain : float
        Input units per electron (counted quantum); 0 for noise of one strength everywhere.
    offset : float
        Input value of no signal, input units.
    read_noise : float
        Standard deviation of the noise of no signal, input units.

    Raises
    ------
    InputError
        If a number is not finite, or gain or read noise is negative.
    """

    gain: float
    offset: float
    read_noise: float

    def __post_init__(self) -> None:
        if not (isfinite(self.gain) and isfinite(self.offset) and isfinite(self.read_noise)):
            raise InputError("A noise model has finite numbers", came=f"{self} came")
        if self.gain < 0 or self.read_noise < 0:
            raise InputError("Gain and read noise are not negative", came=f"{self} came")

    def variance(self, mean: ArrayLike) -> NDArray[np.float64]:
        """Return the noise variance at noise-free intensities, in squared input units.

        It falls no further below the offset.
        """
        signal = np.maximum(np.asarray(mean, np.float64) - self.offset, 0)
        return np.asarray(self.gain * signal + self.read_noise**2)


def noise_sigma(image: ArrayLike, *, mask_alone: bool = False) -> float:
    """Return the standard deviation of the noise of a pixel of an image, in input units.

    Parameters
    ----------
    image : array_like, shape (Y, X)
        At least 3 x 3 pixels, real numbers of any dtype.
    mask_alone : bool
        Measure with the mask of the notes alone, which scatters less but counts fine texture as noise and
        sees little of the noise that neighbouring pixels share.

    Returns
    -------
    float
        0 for a constant image. For noise that depends on the signal, a typical value.

    Raises
    ------
    InputError
        If it is no finite image of that kind.

    Notes
    -----
    A mask that ignores planes and straight edges (Immerkær 1996, DOI 10.1006/cviu.1996.0060) leaves
    white noise and corners; its mean square is taken over blocks of 16 x 16 pixels, and of these the
    median, so that up to half of the image may be structured. (The median of single pixels would be as
    robust, but moves in steps for counted electrons.) Where `noise_floor` finds much less, the image has
    texture everywhere; where it finds much more, software resampled or smoothed the image, whose pixels share
    their noise; then its result counts. Of noise that a detector spreads or lets lag only the part that looks
    white counts: the rest cannot be told from texture.
    """
    pixels = _check_noisy(image, "the image")
    variances = _block_means(_white_variance(pixels))
    # The median of a mean of squares lies below its mean, as for a chi-squared distribution.
    freedom = 2 / _relative_deviation(pixels) ** 2
    variance = float(np.median(variances)) / (1 - 2 / (9 * freedom)) ** 3
    floor = None if mask_alone else noise_floor(pixels)
    typical = variance if floor is None else float(np.median(floor.variances))
    return sqrt(variance if _alike(variance, typical) else typical)


def noise_readings(image: ArrayLike) -> tuple[float, ...]:
    """Return what the noise deviation of a single image may be, by what is taken for texture, input units.

    The deviation of the mask alone and, where there is something to tell apart, of the noise that looks
    white and of all that is alike everywhere; see `noise_sigma`.
    """
    pixels = _check_noisy(image, "the image")
    floor = noise_floor(pixels)
    parts = () if floor is None else (floor.white, floor.whole)
    return noise_sigma(pixels, mask_alone=True), *(sqrt(float(np.median(part))) for part in parts)


def _alike(variance: float, other: float) -> bool:
    return other <= _ALIKE * variance and variance <= _ALIKE * other


def noise_model(frames_or_image: ArrayLike, *, offset: float | None = None) -> NoiseModel:
    """Return the noise model of a camera from frames of one scene, or from a single image.

    Parameters
    ----------
    frames_or_image : array_like, shape (N, Y, X) or (Y, X)
        Frames as they came from the detector: not aligned, scaled or interpolated. At least 3 x 3 pixels.
    offset : float, optional
        Input value of no signal, where it is known. Only the line from mean to variance can be seen in the
        data; with the offset, its height tells the read noise. ``None``: the offset is 0 if the
        line is above 0 there; if not, it is where the line meets 0, and the read noise is 0.

    Returns
    -------
    NoiseModel
        With gain 0 where the data do not tell a slope (an image of one brightness, or noise that does
        not rise with the signal).

    Raises
    ------
    InputError
        If it is no finite image or stack of that kind.

    Notes
    -----
    Photon transfer: the noise variance of blocks of 16 x 16 pixels against their mean, with a robust
    line through both. A stack gives the noise by the difference of successive frames (at most 16
    pairs are used), which takes off the scene; a single image has only the mask of `noise_sigma` for that,
    and `noise_floor` where that disagrees. The mask is used on differences too, for what drift leaves
    of the scene. It sees the white part of the noise; where `noise_floor` finds more, the whole line is
    raised by as much. The single-image case follows Foi et al. 2008, DOI 10.1109/TIP.2008.2001399, in
    its idea.
    """
    if offset is not None and not isfinite(offset):
        raise InputError("The offset of a camera is a finite number", came=f"{offset!r} came")
    data = np.asarray(frames_or_image)
    frames = data[None] if data.ndim == 2 else data
    if frames.ndim != 3 or len(frames) == 0:
        raise InputError(
            "A noise model needs an image (Y, X) or frames (N, Y, X)",
            came=f"an array of shape {data.shape} came",
        )
    blocks = [
        (_block_means(mean[1:-1, 1:-1]), _block_means(_white_variance(noisy)))
        for mean, noisy in _noisy_images(frames)
    ]
    means, variances = (np.concatenate(part) for part in zip(*blocks, strict=True))
    slope, height = _robust_line(means, variances, _relative_deviation(frames[0]))
    if len(frames) == 1:
        slope, height = _told_apart(np.asarray(frames[0], np.float32), slope, height)
    else:
        shared = _shared(frames)
        slope, height = slope * shared, height * shared
    return _model_of_line(slope, height, offset)


def _shared(frames: NDArray[Any]) -> float:
    """Return how much more variance a stack's noise has than the mask sees; at least 1.

    What drift leaves of the scene in differences of frames is texture to `noise_floor`.
    """
    ratios = []
    for _, noisy in islice(_noisy_images(frames), _MOST_SHARED):
        seen, floor = noise_sigma(noisy, mask_alone=True) ** 2, noise_floor(noisy)
        whole = seen if floor is None else float(np.median(floor.whole))
        ratios.append(whole / seen if whole > _ALIKE * seen > 0 else 1.0)
    return float(np.median(ratios))


def _told_apart(image: NDArray[np.float32], slope: float, height: float) -> tuple[float, float]:
    """Return the line of `noise_floor` if the given one lies far from it, else the given one."""
    floor = noise_floor(image)
    if floor is None:
        return slope, height
    excess = float(np.median((slope * floor.means + height) / floor.variances))
    return (slope, height) if _alike(excess, 1.0) else _rising_line(floor.means, floor.variances)


def _rising_line(means: NDArray[np.float64], variances: NDArray[np.float64]) -> tuple[float, float]:
    """Return the line through few points by least relative squares; flat where it would fall."""
    slope, height, _ = _weighted_line(means, variances, 1 / variances**2)
    if slope <= 0:
        return 0.0, float(np.exp(np.log(variances).mean()))
    return slope, height


def _noisy_images(frames: NDArray[Any]) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Yield local brightness and an image with the noise of one frame, with as little scene as possible."""
    if len(frames) == 1:
        only = _check_noisy(frames[0], "the image")
        yield only, only
        return
    for i in np.unique(np.linspace(0, len(frames) - 2, min(_MOST_PAIRS, len(frames) - 1)).astype(int)):
        first, second = _check_noisy(frames[i], f"frame {i}"), _check_noisy(frames[i + 1], f"frame {i + 1}")
        yield (first + second) * np.float32(0.5), (second - first) * np.float32(sqrt(0.5))


def _check_noisy(image: ArrayLike, item: str) -> NDArray[np.float32]:
    """Return a finite image of at least 3 x 3 pixels as float32, or raise `InputError`."""
    pixels = check_image(image, item)
    if min(pixels.shape) < 3:
        raise InputError(
            "A noise estimate needs an image of at least 3 x 3 pixels", item=item, came=f"is {pixels.shape}"
        )
    check_finite(pixels, item)
    return pixels.astype(np.float32)


def _white_variance(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return one estimate of the white-noise variance per inner pixel, shape (Y - 2, X - 2)."""
    values = image - np.float32(image.mean(dtype=np.float64))
    down = values[2:] - 2 * values[1:-1] + values[:-2]
    curved = down[:, 2:] - 2 * down[:, 1:-1] + down[:, :-2]
    squares: NDArray[np.float32] = np.square(curved / np.float32(6))
    return squares


def _block_shape(rows: int, columns: int) -> tuple[int, int]:
    return min(_BLOCK_PX, rows), min(_BLOCK_PX, columns)


def _block_means(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the means over whole blocks, shape (B,); what is left at the far edges does not count."""
    rows, columns = values.shape
    high, wide = _block_shape(rows, columns)
    whole = values[: rows // high * high, : columns // wide * wide]
    blocks = whole.reshape(rows // high, high, columns // wide, wide)
    means: NDArray[np.float64] = blocks.mean(axis=(1, 3), dtype=np.float64).ravel()
    return means


def _relative_deviation(image: NDArray[Any]) -> float:
    """Return the relative standard deviation of the variance of one block of normal white noise."""
    high, wide = _block_shape(image.shape[0] - 2, image.shape[1] - 2)
    return _DEVIATION_OF_ONE / sqrt(high * wide)


def _robust_line(
    means: NDArray[np.float64], variances: NDArray[np.float64], deviation: float
) -> tuple[float, float]:
    """Return slope and height of the line from block means to noise variances; slope 0 if none is seen.

    Starts from the lower quartile of the blocks of like brightness (structure only ever adds variance) and
    goes on with Tukey's biweight, for which the scatter `deviation` of honest blocks is known.
    """
    alive = variances > 0  # dead or saturated blocks have no noise at all
    if not alive.any():
        return 0.0, 0.0
    means, variances = means[alive], variances[alive]
    centre, scale = float(means.mean()), float(means.std())
    x = (means - centre) / scale if scale > 0 else np.zeros_like(means)
    floor = 1e-3 * float(np.median(variances))
    slope, height = _first_line(x, variances)
    height *= 1 + 0.6745 * deviation
    error = np.inf
    for _ in range(_ROUNDS):
        expected = np.maximum(slope * x + height, floor)
        residuals = (variances - expected) / expected
        below = residuals[residuals < 0]
        spread = max(deviation, float(np.median(-below)) / 0.6745 if below.size else 0.0)
        share = np.clip(1 - (residuals / (_TUKEY * spread)) ** 2, 0, None) ** 2
        if share.sum() == 0:
            break
        slope, height, error = _weighted_line(x, variances, share / expected**2)
        error *= spread
    if slope < _SIGNIFICANT * error:
        return 0.0, float(np.average(variances, weights=share) if share.sum() > 0 else np.median(variances))
    return slope / scale, height - slope * centre / scale


def _first_line(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[float, float]:
    """Return slope and height of a low line: the Theil-Sen line through the lower quartiles of bins of `x`.

    Medians of slopes, because blocks half dead or half saturated lie far out on `x`.
    """
    bins = np.array_split(np.argsort(x, kind="stable"), max(1, min(_START_BINS, x.size // _LEAST_IN_BIN)))
    centres = np.array([x[part].mean() for part in bins])
    lows = np.array([np.quantile(y[part], 0.25) for part in bins])
    first, second = np.triu_indices(len(bins), 1)
    apart = centres[second] > centres[first]
    first, second = first[apart], second[apart]
    slopes = (lows[second] - lows[first]) / (centres[second] - centres[first])
    slope = float(np.median(slopes)) if slopes.size else 0.0
    return slope, float(np.median(lows - slope * centres))


def _weighted_line(
    x: NDArray[np.float64], y: NDArray[np.float64], weight: NDArray[np.float64]
) -> tuple[float, float, float]:
    """Return slope, height at 0 and the standard error of the slope.

    The latter holds if `weight` is one over the variance of `y`.
    """
    x_mean, y_mean = np.average(x, weights=weight), np.average(y, weights=weight)
    lever = float((weight * (x - x_mean) ** 2).sum())
    if lever <= 0:
        return 0.0, float(y_mean), np.inf
    slope = float((weight * (x - x_mean) * (y - y_mean)).sum()) / lever
    return slope, float(y_mean - slope * x_mean), 1 / sqrt(lever)


def _model_of_line(slope: float, height: float, offset: float | None) -> NoiseModel:
    """Return the noise model whose variance is ``slope * mean + height``."""
    if slope == 0:
        return NoiseModel(0.0, offset or 0.0, sqrt(height))
    if offset is None:
        offset = max(0.0, -height / slope)
    return NoiseModel(slope, offset, sqrt(max(0.0, height + slope * offset)))
