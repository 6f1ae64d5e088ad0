"""Texture that a restorer adds: grids of its own strides, wobble on flat ground, fake grain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

from napari_emrestore.probes.scores import FLOOR, Case, Finding
from napari_emrestore.probes.spectra import filtered, frequencies, local_rms, mean_power, power

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LONGEST_PERIOD = 8
_SQUARE_PX, _SMALLEST_SQUARE_PX = 64, 32
_COMB = 5
_HANN = 1.5**2  # mean of the squared window over the square of its mean, along two axes
_WOBBLE_PX = (6.0, 24.0)
_LEAST_FLAT = 0.05
_FLAT_STEP = 0.01
_GRAIN_PER_PX = 0.25
_LOCAL_PX = 4.0
# Frequency times standard deviation at which a Gaussian filter has fallen to one half.
_HALF = np.sqrt(np.log(2) / 2) / np.pi


def checkerboard(case: Case) -> Finding | None:
    """Return how far grids of 2, 4 and 8 px stand out of the error's spectrum.

    The error's power at multiples of 1/2, 1/4 and 1/8 cycles per pixel over the median of a ring about each,
    averaged over the frequencies of one period; the value is the worst period's. About 1 for an error without
    grid; to both the noise of rounding to 8 bits is added, so that errors of rounding make no grid. ``None``
    below 32 px.
    """
    side = min(_SQUARE_PX, min(case.error.shape) // _LONGEST_PERIOD * _LONGEST_PERIOD)
    if side < _SMALLEST_SQUARE_PX:
        return None
    peaks, grounds = _lattice(mean_power(case.error, side))
    ratios = (peaks + FLOOR**2) / (grounds + FLOOR**2)
    steps = np.arange(_LONGEST_PERIOD)
    periods = _LONGEST_PERIOD // np.gcd(np.gcd.outer(steps, steps), _LONGEST_PERIOD)
    worst = {period: float(ratios[periods == period].mean()) for period in (2, 4, 8)}
    period = max(worst, key=lambda key: worst[key])
    # under a Hann window a sinusoid of variance v has peaks of v * side**2 / _HANN in all
    excess = np.maximum(peaks - grounds, 0)[periods == period].sum()
    strength = np.sqrt(excess * _HANN) / side
    detail = f"{period} px, {strength:.2%} of the range strong,"
    return Finding(worst[period], _comb_strength(case.error), detail)


def _lattice(spectrum: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the power at each multiple of 1/8 and that of its surroundings, both of shape (8, 8).

    Its surroundings are of the same frequency to one step of the spectrum, so that a spectrum which falls
    steeply, as that of smoothed noise, has no peaks. Frequency 0 is left at 0.
    """
    side = len(spectrum)
    reach = max(2, side // 16)
    around = np.arange(-reach, reach + 1)
    apart = np.maximum(np.abs(around)[:, None], np.abs(around)[None, :]) >= 2
    radius = np.hypot(*frequencies(spectrum.shape)) * side
    peaks, grounds = np.zeros((2, _LONGEST_PERIOD, _LONGEST_PERIOD))
    for row, column in np.ndindex(peaks.shape):
        if row == column == 0:
            continue
        y, x = row * side // _LONGEST_PERIOD, column * side // _LONGEST_PERIOD
        near = np.ix_((y + around) % side, (x + around) % side)
        alike = np.abs(radius[near] - radius[y, x]) <= 1
        corner = 2 * y == side and 2 * x == side  # no other frequency is as high
        peaks[row, column] = spectrum[y, x]
        grounds[row, column] = np.median(spectrum[near][apart & (alike | corner)])
    return peaks, grounds


def _comb_strength(error: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return how strong a pattern that repeats every 8 px is about each pixel."""
    padded = np.pad(error, [(0, -length % _LONGEST_PERIOD) for length in error.shape], mode="reflect")
    rows, columns = (length // _LONGEST_PERIOD for length in padded.shape)
    cells = padded.reshape(rows, _LONGEST_PERIOD, columns, _LONGEST_PERIOD)
    cells = cells - cells.mean(axis=(1, 3), keepdims=True)
    repeated = ndimage.uniform_filter(cells, (_COMB, 1, _COMB, 1), mode="nearest").reshape(padded.shape)
    return local_rms(repeated, _LONGEST_PERIOD / 2)[: error.shape[0], : error.shape[1]]


def wobble(case: Case) -> Finding | None:
    """Return the strength of blotches of 6 to 24 px on flat ground, over that of the input.

    Flat is what lies further from any edge than the motion reaches. ``None`` where that is less than a
    twentieth of the image.
    """
    flat = _flat(case)
    if flat.mean() < _LEAST_FLAT:
        return None
    made, given = (_blotches(image, flat) for image in (case.error, case.given - case.probe.pattern))
    ratio = np.hypot(made[flat].std(), FLOOR) / np.hypot(given[flat].std(), FLOOR)
    return Finding(float(ratio), np.where(flat, local_rms(made, _WOBBLE_PX[0]), 0).astype(np.float32))


def _flat(case: Case) -> NDArray[np.bool_]:
    pattern = case.probe.pattern
    edges = ndimage.maximum_filter(pattern, 3) - ndimage.minimum_filter(pattern, 3) > _FLAT_STEP
    reach = int(np.ceil(case.motion_px / 2)) + 2
    return np.asarray(~ndimage.maximum_filter(edges, 2 * reach + 1))


def _blotches(image: NDArray[np.float64], flat: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the band of wobble; what lies off the flat ground is set to its mean, to keep it out."""
    level = np.where(flat, image - image[flat].mean(), 0.0)
    fine, coarse = (ndimage.gaussian_filter(level, _HALF * period) for period in _WOBBLE_PX)
    return np.asarray(fine - coarse)


def grain(case: Case) -> Finding | None:
    """Return the strength of what is finer than 4 px, over that of the pattern.

    ``None`` on a pattern without fine detail.
    """
    fy, fx = frequencies(case.restored.shape)
    fine = np.hypot(fy, fx) > _GRAIN_PER_PX
    made, true, given = (
        float(np.sqrt(power(np.asarray(image, np.float64))[fine].mean()))
        for image in (case.restored, case.probe.pattern, case.given)
    )
    if true < FLOOR:
        return None
    excess = _local_grain(case.restored, fine) - _local_grain(case.probe.pattern, fine)
    detail = "left of the noise" if made <= given else "more than in the input"
    return Finding(made / true, excess, detail)


def _local_grain(image: NDArray[Any], fine: NDArray[np.bool_]) -> NDArray[Any]:
    return local_rms(filtered(np.asarray(image, np.float64), fine), _LOCAL_PX)
