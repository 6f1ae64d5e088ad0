"""The classical rows at their fair strength: noise is estimated, stabilised and filtered by what was found.

Each restorer estimates the noise of the image once (`metrics.noise_model`), brings it to deviation 1 with the
generalised Anscombe transform, filters, and goes back without bias. Free parameters are those with the least
estimated risk (see `risk`), so nothing is set by hand and no ground truth is used. Estimates belong to the
whole image: these restorers must not be tiled. Several frames are averaged first. `strength` multiplies the
noise deviation a filter is told; it is the knob that `tuning` turns.

Noise shared by neighbouring pixels (scintillator cameras, resampled frames) is underestimated and smoothed
too little; `strength` above 1 helps.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.core import InputError, MissingPackageError
from napari_emrestore.restoration.classical import filters
from napari_emrestore.restoration.classical.restorer import ClassicalRestorer, of_mean
from napari_emrestore.restoration.classical.risk import least_risk
from napari_emrestore.restoration.classical.stabilisation import (
    Stabiliser,
    left_deviation,
    noise_deviation,
    stabiliser_for,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    Image = NDArray[Any]
    Denoise = Callable[[Image, float], Image]

_SEED = 0
_BM3D_LEAST_PX = 16  # the package refuses images smaller than its blocks
_GAUSSIAN_PX = (0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.25, 1.6, 2.0, 2.8, 4.0)
_BILATERAL = tuple((color, px) for px in (0.7, 1.2, 2.0, 3.5) for color in (1.0, 2.0, 3.5, 6.0))
_MEDIAN_PX = (1, 3, 5, 7, 9, 13)
_WIENER_PX = (3, 5, 7, 9, 13, 19)
_CHAMBOLLE = (0.3, 0.5, 0.7, 1.0, 1.4, 2.0, 3.0, 5.0, 8.0)
_BREGMAN = (0.1, 0.17, 0.3, 0.5, 0.7, 1.0, 1.4, 2.0, 3.0)
_NL_MEANS = (0.5, 0.65, 0.8, 1.0, 1.3, 2.0, 3.0)


def gaussian(strength: float = 1.0) -> ClassicalRestorer:
    """Return a Gaussian filter of the width with the least risk."""
    return _chosen("gaussian", filters.gaussian, _GAUSSIAN_PX, strength)


def bilateral(strength: float = 1.0) -> ClassicalRestorer:
    """Return a bilateral filter whose two widths have the least risk; its disc spans two spatial widths."""

    def filtered(image: Image, widths: tuple[float, float]) -> Image:
        color, px = widths
        return filters.bilateral(image, color * strength, px, radius_px=round(2 * px))

    return _chosen("bilateral", filtered, _BILATERAL, strength)


def median(strength: float = 1.0) -> ClassicalRestorer:
    """Return a median filter of the size with the least risk."""
    return _chosen("median", filters.median, _MEDIAN_PX, strength)


def wiener(strength: float = 1.0) -> ClassicalRestorer:
    """Return Lee's adaptive Wiener filter with the estimated noise, over the window with the least risk."""

    def filtered(image: Image, size_px: int) -> Image:
        return filters.adaptive_wiener(image, size_px, strength**2)

    return _chosen("wiener", filtered, _WIENER_PX, strength)


def wavelet(strength: float = 1.0) -> ClassicalRestorer:
    """Return soft BayesShrink with the estimated noise, averaged over shifts."""
    return _restorer("wavelet", filters.spun_wavelet, strength)


def tv_chambolle(strength: float = 1.0) -> ClassicalRestorer:
    """Return Chambolle's total-variation denoising with the weight of least risk."""
    return _chosen("tv-chambolle", filters.tv_chambolle, _CHAMBOLLE, strength)


def tv_bregman(strength: float = 1.0) -> ClassicalRestorer:
    """Return split-Bregman total-variation denoising with the weight of least risk."""
    return _chosen("tv-bregman", filters.tv_bregman, _BREGMAN, strength)


def nl_means(strength: float = 1.0) -> ClassicalRestorer:
    """Return non-local means (patch 5, distance 6) with the estimated noise and the cut-off of least risk."""

    def filtered(image: Image, cut_off: float) -> Image:
        return filters.nl_means(image, cut_off * strength, patch_px=5, distance_px=6, sigma=strength)

    return _chosen("nlmeans", filtered, _NL_MEANS, strength)


def bm3d_plain(strength: float = 1.0) -> ClassicalRestorer:
    """Return BM3D told one noise deviation for the whole image (`metrics.noise_sigma`), not stabilised.

    Raises
    ------
    MissingPackageError
        If the package bm3d is not installed.

    References
    ----------
    Dabov et al. 2007, DOI 10.1109/TIP.2007.901238; package: Makinen, Azzari & Foi 2020,
    DOI 10.1109/TIP.2020.3014721.
    """
    _require_bm3d()
    _require_strength(strength)

    def denoise(image: Image) -> Image:
        return _bm3d(image, noise_deviation(image) * strength)

    return ClassicalRestorer("bm3d", of_mean(denoise), {"strength": strength})


def bm3d(strength: float = 1.0) -> ClassicalRestorer:
    """Return BM3D on variance-stabilised data: the strongest classical row on counted electrons.

    Raises
    ------
    MissingPackageError
        If the package bm3d is not installed.

    References
    ----------
    Makitalo & Foi 2013, DOI 10.1109/TIP.2012.2202675.
    """
    _require_bm3d()
    return _restorer("bm3d", _bm3d, strength)


def _chosen(
    name: str, family: Callable[[Image, Any], Image], values: Iterable[Any], strength: float
) -> ClassicalRestorer:
    """Return the restorer that filters with the value of `family` that has the least risk."""
    choices = [_at(family, value) for value in values]

    def denoise(image: Image, sigma: float) -> Image:
        return least_risk(choices, image, sigma, np.random.default_rng(_SEED))(image)

    return _restorer(name, denoise, strength)


def _at(family: Callable[[Image, Any], Image], value: Any) -> Callable[[Image], Image]:
    return lambda image: family(image, value)


def _restorer(name: str, denoise: Denoise, strength: float) -> ClassicalRestorer:
    """Return the restorer that makes the noise 1, tells `denoise` it were `strength`, and goes back.

    What noise the transform really left is measured again: below a few electrons it is less than 1.
    """
    _require_strength(strength)

    def calibrated(image: Image) -> Image:
        stabiliser = stabiliser_for(image)
        stabilised = image if stabiliser is None else stabiliser.forward(image)
        sigma = left_deviation(stabilised, image)
        if stabiliser is None or sigma == 0:
            return image
        return stabiliser.backward(denoise(stabilised / sigma, strength) * sigma)

    def told(image: Image, line: tuple[float, float]) -> Image:
        slope, height = line
        if slope == 0 and height <= 0:
            return image
        stabiliser = Stabiliser(slope, height)
        return stabiliser.backward(denoise(stabiliser.forward(image), strength))

    parameters = {"strength": strength, "seed": _SEED}
    return ClassicalRestorer(f"{name}-calibrated", of_mean(calibrated), parameters, told=told)


def _bm3d(image: Image, sigma: float) -> Image:
    import bm3d as package

    if sigma == 0:
        return image
    height, width = image.shape
    short = [(0, max(_BM3D_LEAST_PX - side, 0)) for side in image.shape]
    padded = np.pad(image.astype(np.float64), short, mode="symmetric")
    return np.asarray(package.bm3d(padded, sigma)).reshape(padded.shape)[:height, :width]


def _require_bm3d() -> None:
    if find_spec("bm3d") is None:
        raise MissingPackageError(
            "BM3D rows need the package bm3d",
            came="it is not installed",
            remedy="Run: pip install 'napari-emrestore[bm3d]' (its licence allows non-commercial use only).",
        )


def _require_strength(strength: float) -> None:
    if not strength > 0:
        raise InputError("A calibrated filter needs a strength above 0", came=f"{strength} came")
