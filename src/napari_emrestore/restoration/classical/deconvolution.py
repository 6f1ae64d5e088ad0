"""Restorers that undo a known blur: the point-spread function (PSF) is given, never guessed.

A PSF is a small array with odd sides, nothing negative, centred on its middle pixel; it is scaled to sum 1.
All of these see the whole image, and several frames are averaged first. Nothing wraps in from the far rim.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.core import InputError
from napari_emrestore.restoration.classical.filters import scikit_image
from napari_emrestore.restoration.classical.restorer import ClassicalRestorer, of_mean

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

    Image = NDArray[Any]

# Below this an expected count or a weight is rounding of the Fourier transform.
_FAINT = 1e-6


def richardson_lucy(psf: ArrayLike, *, iterations: int = 30, black: float | None = None) -> ClassicalRestorer:
    """Return Richardson-Lucy deconvolution, the maximum-likelihood iteration for counted electrons.

    Parameters
    ----------
    psf : array_like, shape (P, Q)
        Blur, odd sides.
    iterations : int
        More sharpen further and amplify noise; 10 to 30 are usual.
    black : float, optional
        Value of zero electrons in the range the restorer works in (`IntensityMap.to_model` of the camera's
        offset); lower pixels count as zero. ``None`` takes the lowest pixel of the image, a rough stand-in.

    Raises
    ------
    InputError
        If `psf` is no point-spread function or `iterations` is below 1.

    References
    ----------
    Richardson 1972, DOI 10.1364/JOSA.62.000055; Lucy 1974, DOI 10.1086/111605.
    """
    kernel = _checked(psf)
    if iterations < 1:
        raise InputError("Richardson-Lucy needs at least 1 iteration", came=f"{iterations} came")

    def deconvolve(image: Image) -> Image:
        zero = float(image.min()) if black is None else black
        counts = np.maximum(image.astype(np.float64) - zero, 0.0)
        return _maximum_likelihood(counts, kernel, iterations) + zero

    facts = {"iterations": iterations, "black": black}
    return ClassicalRestorer("richardson-lucy", of_mean(deconvolve), {**facts, "psf": kernel.tolist()})


def wiener_deconvolution(psf: ArrayLike, *, balance: float = 0.1) -> ClassicalRestorer:
    """Return Wiener-Hunt deconvolution with a smoothness prior.

    Parameters
    ----------
    psf : array_like, shape (P, Q)
        Blur, odd sides.
    balance : float
        Weight of the prior, above 0; 0.01 to 1 are usual, noisier images need more.

    Raises
    ------
    InputError
        If `psf` is no point-spread function or `balance` is not positive.

    References
    ----------
    Orieux, Giovannelli & Rodet 2010, DOI 10.1364/JOSAA.27.001593.
    """
    kernel = _checked(psf)
    _require_positive(balance)
    facts = {"balance": balance}
    return _restorer("wiener-deconvolution", kernel, _wiener_hunt(kernel, balance), facts)


def unsupervised_wiener_deconvolution(psf: ArrayLike, *, seed: int = 0) -> ClassicalRestorer:
    """Return Wiener-Hunt deconvolution that samples noise level and prior weight from the image itself.

    Parameters
    ----------
    psf : array_like, shape (P, Q)
        Blur, odd sides.
    seed : int
        Start of the sampler's random numbers; the same seed gives the same image.

    Raises
    ------
    InputError
        If `psf` is no point-spread function.

    References
    ----------
    Orieux, Giovannelli & Rodet 2010, DOI 10.1364/JOSAA.27.001593.
    """
    kernel = _checked(psf)

    def deconvolve(image: Image) -> Image:
        level = image.mean()
        if np.ptp(image) == 0:
            return image  # nothing to sample a prior from
        rng = np.random.default_rng(seed)
        sharp, _ = scikit_image().unsupervised_wiener(image - level, kernel, clip=False, rng=rng)
        return np.asarray(sharp + level)

    return _restorer("unsupervised-wiener", kernel, deconvolve, {"seed": seed})


def bm3d_then_wiener(psf: ArrayLike, *, balance: float = 0.01, strength: float = 1.0) -> ClassicalRestorer:
    """Return BM3D with variance stabilisation followed by Wiener-Hunt deconvolution.

    Parameters
    ----------
    psf : array_like, shape (P, Q)
        Blur, odd sides.
    balance : float
        As in `wiener_deconvolution`; little is needed after denoising. Find it with `tuning.tune`.
    strength : float
        As in `calibrated.bm3d`.

    Raises
    ------
    InputError
        If `psf` is no point-spread function or `balance` is not positive.
    MissingPackageError
        If the package bm3d is not installed.
    """
    from napari_emrestore.restoration.classical.calibrated import bm3d

    kernel = _checked(psf)
    _require_positive(balance)
    denoiser = bm3d(strength=strength)
    deconvolve = _framed(kernel, _wiener_hunt(kernel, balance))
    return ClassicalRestorer(
        "bm3d-then-wiener",
        lambda frames: deconvolve(denoiser.restore_window(frames)),
        {"balance": balance, "strength": strength, "psf": kernel.tolist()},
    )


def _maximum_likelihood(counts: Image, kernel: Image, iterations: int) -> Image:
    """Return the scene after some Richardson-Lucy iterations.

    scikit-image takes the scene to be black beyond the rim, which rings inwards with every iteration; here
    the scene reaches beyond the rim as far as the PSF does, and only measured pixels speak.
    """
    from scipy.signal import fftconvolve

    height, width = (side // 2 for side in kernel.shape)
    inside = slice(height, height + counts.shape[0]), slice(width, width + counts.shape[1])
    measured = np.zeros((counts.shape[0] + 2 * height, counts.shape[1] + 2 * width))
    measured[inside] = 1.0
    ratio = np.zeros_like(measured)
    mirrored = kernel[::-1, ::-1]
    heard = np.maximum(fftconvolve(measured, mirrored, mode="same"), _FAINT)
    scene = np.full_like(measured, counts.mean())
    for _ in range(iterations):
        expected = np.maximum(fftconvolve(scene, kernel, mode="same")[inside], _FAINT)
        ratio[inside] = counts / expected
        scene *= np.maximum(fftconvolve(ratio, mirrored, mode="same"), 0.0) / heard
    return np.asarray(scene[inside])


def _wiener_hunt(kernel: Image, balance: float) -> Callable[[Image], Image]:
    def deconvolve(image: Image) -> Image:
        return np.asarray(scikit_image().wiener(image, kernel, balance, clip=False))

    return deconvolve


def _restorer(
    name: str, kernel: Image, deconvolve: Callable[[Image], Image], facts: dict[str, Any]
) -> ClassicalRestorer:
    return ClassicalRestorer(name, of_mean(_framed(kernel, deconvolve)), {**facts, "psf": kernel.tolist()})


def _framed(kernel: Image, deconvolve: Callable[[Image], Image]) -> Callable[[Image], Image]:
    """Return `deconvolve` on the image mirrored by the size of the PSF, cropped back."""
    height, width = kernel.shape

    def framed(image: Image) -> Image:
        wide = np.pad(image.astype(np.float64), ((height, height), (width, width)), mode="symmetric")
        sharp: Image = np.asarray(deconvolve(wide))
        return np.asarray(sharp[height:-height, width:-width])

    return framed


def _checked(psf: ArrayLike) -> Image:
    kernel = np.asarray(psf, dtype=np.float64)
    wrong = ""
    if kernel.ndim != 2 or any(side % 2 == 0 for side in kernel.shape):
        wrong = f"shape {kernel.shape} came"
    elif not np.isfinite(kernel).all() or kernel.min() < 0 or kernel.sum() == 0:
        wrong = f"values from {kernel.min()} to {kernel.max()} with sum {kernel.sum()} came"
    if wrong:
        raise InputError(
            "A point-spread function is a 2-D array with odd sides, no negative value and a positive sum",
            came=wrong,
            remedy="Crop it to odd sides around its centre and take off its background.",
        )
    return np.asarray(kernel / kernel.sum())


def _require_positive(balance: float) -> None:
    if not balance > 0:
        raise InputError("Wiener deconvolution needs a balance above 0", came=f"{balance} came")
