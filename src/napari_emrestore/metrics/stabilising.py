"""Make the noise of an image the same everywhere, and undo it after denoising without bias."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from napari_emrestore.core.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from napari_emrestore.metrics.noise import NoiseModel

# From this variance in electrons on, the closed form of the inverse is right to 1e-3 electrons.
_CLOSED_FORM_FROM = 100.0
_TABLE_LENGTH = 300
_NOISE_NODES = 201


def stabilise(image: ArrayLike, model: NoiseModel) -> NDArray[np.float32]:
    """Return the image with noise of standard deviation 1 (generalised Anscombe transform).

    Parameters
    ----------
    image : array_like, any shape
        Noisy intensities in input units.
    model : NoiseModel
        Their noise. With gain 0 the image is only shifted by the offset and divided by the read noise.

    Returns
    -------
    ndarray, same shape, float32
        ``2 sqrt(e + 3/8 + r²)`` of the signal e and the read noise r in electrons, 0 where the root would
        be of a negative number. Noise is stable to some per cent above 2 electrons (or where read
        noise rules), weaker below.

    Raises
    ------
    InputError
        If the model has no noise at all.

    References
    ----------
    Mäkitalo, Foi 2013, DOI 10.1109/TIP.2012.2202675.
    """
    _check_noisy_model(model)
    values = np.asarray(image, np.float64) - model.offset
    if model.gain == 0:
        return (values / model.read_noise).astype(np.float32)
    read_e = model.read_noise / model.gain
    return _forward(values / model.gain, read_e).astype(np.float32)


def unstabilise(image: ArrayLike, model: NoiseModel) -> NDArray[np.float32]:
    """Return the intensities of a denoised, stabilised image, without bias.

    The mean of a stabilised signal is not the stabilised mean, so the algebraic inverse comes out too
    dark; this is the inverse of the mean (exact unbiased inverse).

    Parameters
    ----------
    image : array_like, any shape
        Denoised result in the units of `stabilise`.
    model : NoiseModel
        The model that `stabilise` was called with.

    Returns
    -------
    ndarray, same shape, float32
        In input units, not clamped: below the value of no signal the inverse goes on in a straight line.

    Raises
    ------
    InputError
        If the model has no noise at all.

    Notes
    -----
    From a table where the noise is below 10 electrons, by the closed form of the reference above.

    References
    ----------
    Mäkitalo, Foi 2013, DOI 10.1109/TIP.2012.2202675.
    """
    _check_noisy_model(model)
    values = np.asarray(image, np.float64)
    if model.gain == 0:
        return (values * model.read_noise + model.offset).astype(np.float32)
    electrons = _unbiased_inverse(values, model.read_noise / model.gain)
    return (electrons * model.gain + model.offset).astype(np.float32)


def _check_noisy_model(model: NoiseModel) -> None:
    if model.gain == 0 and model.read_noise == 0:
        raise InputError(
            "Stabilising needs a noise model with noise",
            came=f"{model} came",
            remedy="A noise-free image needs no stabilising.",
        )


def _forward(electrons: NDArray[np.float64], read_e: float) -> NDArray[np.float64]:
    return np.asarray(2 * np.sqrt(np.maximum(electrons + 3 / 8 + read_e**2, 0)))


def _unbiased_inverse(values: NDArray[np.float64], read_e: float) -> NDArray[np.float64]:
    """Return the signal in electrons whose stabilised mean is `values`."""
    electrons = _closed_form(values, read_e)
    if read_e**2 < _CLOSED_FORM_FROM:
        signal, stabilised = _table(read_e)
        electrons = np.where(values < stabilised[-1], np.interp(values, stabilised, signal), electrons)
    else:
        signal = np.array([0.0, 1.0])
        stabilised = 2 * np.sqrt(signal + 1 / 8 + read_e**2)
    slope = (signal[1] - signal[0]) / (stabilised[1] - stabilised[0])
    below = values < stabilised[0]
    return np.where(below, signal[0] + (values - stabilised[0]) * slope, electrons)


def _closed_form(values: NDArray[np.float64], read_e: float) -> NDArray[np.float64]:
    """Return the asymptotic unbiased inverse, for a noise of many electrons."""
    bright = np.maximum(values, 1.0)
    return np.asarray(values**2 / 4 - 1 / 8 - read_e**2 + np.sqrt(3 / 2) / (4 * bright))


@lru_cache(maxsize=8)
def _table(read_e: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return signals in electrons and the means of their stabilised noisy values, both rising."""
    from scipy.stats import poisson

    signal = np.linspace(0, 1, _TABLE_LENGTH) ** 2 * _CLOSED_FORM_FROM
    counts = np.arange(int(_CLOSED_FORM_FROM + 10 * np.sqrt(_CLOSED_FORM_FROM)))
    deviate = np.linspace(-6, 6, _NOISE_NODES)
    density = np.exp(-(deviate**2) / 2)
    mean_of_count = _forward(counts[:, None] + read_e * deviate, read_e) @ (density / density.sum())
    return signal, poisson.pmf(counts, signal[:, None]) @ mean_of_count
