"""Single-image filters: float images ``(Y, X)`` in, float images of the same shape and scale out.

Every filter keeps the scale of its input (nothing is clipped), takes any image of at least one pixel and
treats the image as mirrored beyond its rim unless it says otherwise. Where scikit-image or SciPy has the
method, it is called; what is added here is only what they do not take (one-pixel sides, blank images).
"""

from __future__ import annotations

import math
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Image = NDArray[Any]

_BINOMIAL = np.array([0.25, 0.5, 0.25])
GAUSSIAN_REACH = 4.0
BILATERAL_RADIUS_PX = 4


def binomial(image: Image) -> Image:
    """Return `image` smoothed with the separable kernel ``[1/4, 1/2, 1/4]`` (OpenCV's 3 by 3 Gaussian)."""
    from scipy.ndimage import convolve1d

    rows = convolve1d(image, _BINOMIAL, axis=0, mode="mirror")
    return np.asarray(convolve1d(rows, _BINOMIAL, axis=1, mode="mirror"))


def gaussian(image: Image, sigma_px: float) -> Image:
    """Return `image` smoothed with a Gaussian of `sigma_px`, cut at 4 sigma."""
    from scipy.ndimage import gaussian_filter

    return np.asarray(gaussian_filter(image, sigma_px, mode="mirror", truncate=GAUSSIAN_REACH))


def median(image: Image, size_px: int) -> Image:
    """Return the median over a square of `size_px`; the rim repeats the edge pixel."""
    from scipy.ndimage import median_filter

    return np.asarray(median_filter(image, size=size_px, mode="nearest"))


def bilateral(
    image: Image, sigma_color: float, sigma_px: float, radius_px: int = BILATERAL_RADIUS_PX
) -> Image:
    """Return the bilateral filter over a disc.

    scikit-image and OpenCV look the range weight up in a table spanning the whole image's range, so their
    result for a pixel depends on far pixels and tiles would not match; here the weight is computed.

    Parameters
    ----------
    image : ndarray, shape (Y, X)
        Any scale.
    sigma_color : float
        Deviation of the range weight, in intensity units of `image`.
    sigma_px : float
        Deviation of the spatial weight.
    radius_px : int
        Radius of the disc.

    References
    ----------
    Tomasi & Manduchi 1998, DOI 10.1109/ICCV.1998.710815.
    """
    height, width = image.shape
    padded = np.pad(image, radius_px, mode="reflect")
    total = np.zeros_like(image)
    weights = np.zeros_like(image)
    for dy, dx in _disc(radius_px):
        neighbour = padded[radius_px + dy :, radius_px + dx :][:height, :width]
        distance = (neighbour - image) * (1.0 / sigma_color)
        weight = np.exp(-0.5 * (distance * distance + (dy * dy + dx * dx) / sigma_px**2))
        total += weight * neighbour
        weights += weight
    return total / weights


def _disc(radius_px: int) -> list[tuple[int, int]]:
    span = range(-radius_px, radius_px + 1)
    return [(dy, dx) for dy in span for dx in span if dy * dy + dx * dx <= radius_px**2]


def adaptive_wiener(image: Image, size_px: int = 3, noise_variance: float | None = None) -> Image:
    """Return Lee's local Wiener filter, as `scipy.signal.wiener` but mirrored at the rim (SciPy: zeros).

    Parameters
    ----------
    image : ndarray, shape (Y, X)
        Any scale.
    size_px : int
        Side of the square window, odd.
    noise_variance : float, optional
        ``None`` takes the mean of the local variances, which over-smooths images with detail.

    References
    ----------
    Lee 1980, DOI 10.1109/TPAMI.1980.4766994.
    """
    from scipy.ndimage import uniform_filter

    values = np.asarray(image, dtype=np.float64)
    mean = uniform_filter(values, size_px, mode="mirror")
    variance = np.maximum(uniform_filter(values * values, size_px, mode="mirror") - mean * mean, 0.0)
    noise = float(variance.mean()) if noise_variance is None else noise_variance
    signal_share = np.divide(variance - noise, variance, out=np.zeros_like(values), where=variance > noise)
    return np.asarray(mean + signal_share * (values - mean))


def wavelet(image: Image, sigma: float | None = None, name: str = "db1", levels: int | None = None) -> Image:
    """Return soft BayesShrink wavelet denoising (`skimage.restoration.denoise_wavelet`).

    Parameters
    ----------
    image : ndarray, shape (Y, X)
        Any scale.
    sigma : float, optional
        Noise deviation; ``None`` estimates it from the finest diagonal coefficients.
    name : str
        PyWavelets name, for example ``"db1"`` (Haar), ``"sym4"``.
    levels : int, optional
        Scales that are shrunk; ``None`` leaves out the three coarsest the image could have.

    References
    ----------
    Chang, Yu & Vetterli 2000, DOI 10.1109/83.862633.
    """
    import pywt

    if pywt.dwtn_max_level(image.shape, name) == 0:
        return image  # smaller than the wavelet: there is no band to shrink
    noise = _finest_deviation(image, name) if sigma is None else sigma
    if noise == 0:
        return image
    options = {"wavelet": name, "wavelet_levels": levels, "method": "BayesShrink", "mode": "soft"}
    return np.asarray(scikit_image().denoise_wavelet(image, sigma=noise, **options))


def spun_wavelet(image: Image, sigma: float, name: str = "sym4", shifts: int = 4) -> Image:
    """Return `wavelet` averaged over ``shifts * shifts`` pixel shifts, which removes its block pattern.

    References
    ----------
    Coifman & Donoho 1995, DOI 10.1007/978-1-4612-2544-7_9.
    """
    import pywt

    levels = max(pywt.dwtn_max_level(image.shape, name), 1)
    total = np.zeros_like(image)
    for dy in range(shifts):
        for dx in range(shifts):
            padded = np.pad(image, ((dy, shifts - dy), (dx, shifts - dx)), mode="reflect")
            total += wavelet(padded, sigma, name, levels)[dy : dy + image.shape[0], dx : dx + image.shape[1]]
    return total / shifts**2


def _finest_deviation(image: Image, name: str) -> float:
    """Return the noise deviation by the median of the finest diagonal coefficients that are not zero."""
    import pywt

    detail = np.abs(pywt.dwtn(image, name)["dd"])
    return float(np.median(detail[detail > 0])) / 0.6744897501960817 if detail.any() else 0.0


def tv_chambolle(image: Image, weight: float, eps: float = 2e-4, iterations: int = 200) -> Image:
    """Return total-variation denoising by Chambolle's projection (`skimage`); more `weight`, smoother.

    References
    ----------
    Chambolle 2004, DOI 10.1023/B:JMIV.0000011325.36760.1e.
    """
    return np.asarray(
        scikit_image().denoise_tv_chambolle(image, weight=weight, eps=eps, max_num_iter=iterations)
    )


def tv_bregman(image: Image, weight: float, eps: float = 2e-4, iterations: int = 200) -> Image:
    """Return anisotropic split-Bregman total-variation denoising (`skimage`); more `weight`, *less* smooth.

    References
    ----------
    Goldstein & Osher 2009, DOI 10.1137/080725891.
    """
    if np.ptp(image) == 0:
        return image  # scikit-image darkens images of one pixel
    options = {"weight": weight, "eps": eps, "max_num_iter": iterations}
    # On images of one or two rows scikit-image reads memory that it never wrote: give those a rim.
    rim = 2 if min(image.shape) < 3 else 0
    smoothed = scikit_image().denoise_tv_bregman(np.pad(image, rim, mode="edge"), isotropic=False, **options)
    rows, columns = image.shape
    return np.asarray(smoothed).reshape(rows + 2 * rim, columns + 2 * rim)[
        rim : rim + rows, rim : rim + columns
    ]


def nl_means(
    image: Image, strength: float, patch_px: int = 7, distance_px: int = 11, sigma: float = 0.0
) -> Image:
    """Return fast non-local means (`skimage.restoration.denoise_nl_means`), computed in float64.

    Parameters
    ----------
    image : ndarray, shape (Y, X)
        Any scale.
    strength : float
        Cut-off ``h`` of patch distances, in intensity units.
    patch_px : int
        Side of the compared patches.
    distance_px : int
        Largest shift between them.
    sigma : float
        Noise deviation, taken off the patch distances.

    Notes
    -----
    In float32 scikit-image's integral images lose digits as the image grows, and tiles stop matching.

    References
    ----------
    Buades, Coll & Morel 2005, DOI 10.1109/CVPR.2005.38.
    """
    values = np.asarray(image, dtype=np.float64)
    options = {"patch_size": patch_px, "patch_distance": distance_px, "h": strength, "sigma": sigma}
    return np.asarray(scikit_image().denoise_nl_means(values, fast_mode=True, **options))


def gaussian_halo_px(sigma_px: float) -> int:
    """Return how far `gaussian` of `sigma_px` reaches."""
    return math.floor(GAUSSIAN_REACH * sigma_px + 0.5)


def scikit_image() -> Any:
    """Return `skimage.restoration`, loaded when a filter first runs; its functions carry no types."""
    return import_module("skimage.restoration")
