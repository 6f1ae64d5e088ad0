"""Spectra of restored probes: windowed power, bands, and local strength of a filtered image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import fft, ndimage
from scipy.signal import windows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def frequencies(shape: Sequence[int]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the frequencies ``(fy, fx)`` of ``fft2`` in cycles per pixel, shapes (Y, 1) and (1, X)."""
    return fft.fftfreq(shape[0])[:, None], fft.fftfreq(shape[1])[None, :]


def power(image: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the power under a Hann window, in the order of ``fft2``; white noise is flat at its variance."""
    window = _hann(image.shape)
    mean = (image * window).sum() / window.sum()
    return np.asarray(np.abs(fft.fft2((image - mean) * window)) ** 2 / (window**2).sum())


def mean_power(image: NDArray[np.float64], side: int) -> NDArray[np.float64]:
    """Return the mean of `power` over squares of `side` that overlap by half (Welch's method)."""
    starts = [range(0, length - side + 1, side // 2) for length in image.shape]
    parts = [power(image[y : y + side, x : x + side]) for y in starts[0] for x in starts[1]]
    return np.asarray(np.mean(parts, axis=0))


def filtered(image: NDArray[np.float64], gain: NDArray[Any]) -> NDArray[np.float64]:
    """Return an image whose transform was multiplied by `gain`."""
    return np.asarray(fft.ifft2(fft.fft2(image) * gain).real)


def local_rms(image: NDArray[np.float64], sigma_px: float) -> NDArray[np.float32]:
    """Return the root mean square about each pixel."""
    return np.asarray(np.sqrt(ndimage.gaussian_filter(image**2, sigma_px)), np.float32)


def _hann(shape: Sequence[int]) -> NDArray[np.float64]:
    rows, columns = (windows.hann(length, sym=False) for length in shape)
    return np.asarray(rows[:, None] * columns)
