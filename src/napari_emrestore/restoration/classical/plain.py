"""The classical rows as published tables run them: fixed parameters on an image scaled to about [0, 1].

Parameters are those of Ede & Beanland's comparison (DOI 10.1016/j.ultramic.2019.03.017), so that paper rows
can be recomputed; several over-smooth. Fair rows are in `calibrated`. Every function here is a factory and
returns a restorer; several frames are averaged first and the mean is filtered.
"""

from __future__ import annotations

import numpy as np

from napari_emrestore.core import TilingRule
from napari_emrestore.restoration.classical import filters
from napari_emrestore.restoration.classical.restorer import WHOLE, ClassicalRestorer, of_mean

_BLEND_HALO_PX = 32


def mean() -> ClassicalRestorer:
    """Return the mean of the burst: the baseline every restoration has to beat."""
    return ClassicalRestorer("mean", of_mean(lambda image: image), tiling=TilingRule())


def median_of_frames() -> ClassicalRestorer:
    """Return the median over the frames, which ignores single wild frames but is biased for few electrons."""
    return ClassicalRestorer(
        "median-of-frames", lambda frames: np.median(frames, axis=0), tiling=TilingRule()
    )


def gaussian(sigma_px: float | None = None) -> ClassicalRestorer:
    """Return a Gaussian filter; without `sigma_px` the 3 by 3 binomial kernel of the paper."""
    if sigma_px is None:
        return ClassicalRestorer(
            "gaussian", of_mean(filters.binomial), {"kernel": [0.25, 0.5, 0.25]}, TilingRule(halo=1)
        )
    return ClassicalRestorer(
        "gaussian",
        of_mean(lambda image: filters.gaussian(image, sigma_px)),
        {"sigma_px": sigma_px},
        TilingRule(halo=filters.gaussian_halo_px(sigma_px)),
    )


def bilateral(sigma_color: float = 75.0, sigma_px: float = 75.0) -> ClassicalRestorer:
    """Return a bilateral filter; the paper's 75 on data in [0, 1] makes it a disc mean."""
    return ClassicalRestorer(
        "bilateral",
        of_mean(lambda image: filters.bilateral(image, sigma_color, sigma_px)),
        {"sigma_color": sigma_color, "sigma_px": sigma_px, "radius_px": filters.BILATERAL_RADIUS_PX},
        TilingRule(halo=filters.BILATERAL_RADIUS_PX),
    )


def median(size_px: int = 3) -> ClassicalRestorer:
    """Return a median filter over a square of `size_px`."""
    return ClassicalRestorer(
        "median",
        of_mean(lambda image: filters.median(image, size_px)),
        {"size_px": size_px},
        TilingRule(halo=size_px // 2),
    )


def wiener(size_px: int = 3, noise_variance: float | None = None) -> ClassicalRestorer:
    """Return Lee's adaptive Wiener filter; without `noise_variance`, with the mean local variance."""
    return ClassicalRestorer(
        "wiener",
        of_mean(lambda image: filters.adaptive_wiener(image, size_px, noise_variance)),
        {"size_px": size_px, "noise_variance": noise_variance},
        WHOLE if noise_variance is None else TilingRule(halo=size_px // 2),
    )


def wavelet(sigma: float | None = None, name: str = "db1") -> ClassicalRestorer:
    """Return soft BayesShrink on Haar wavelets; without `sigma` it is estimated from the image."""
    return ClassicalRestorer(
        "wavelet",
        of_mean(lambda image: filters.wavelet(image, sigma, name)),
        {"sigma": sigma, "wavelet": name},
        WHOLE if sigma is None else _blend(),
    )


def tv_chambolle(weight: float = 0.1) -> ClassicalRestorer:
    """Return Chambolle's total-variation denoising; more `weight` is smoother."""
    return ClassicalRestorer(
        "tv-chambolle",
        of_mean(lambda image: filters.tv_chambolle(image, weight)),
        {"weight": weight, "eps": 2e-4, "iterations": 200},
        _blend(),
    )


def tv_bregman(weight: float = 0.1) -> ClassicalRestorer:
    """Return split-Bregman total-variation denoising; more `weight` is less smooth, 0.1 smooths extremely."""
    return ClassicalRestorer(
        "tv-bregman",
        of_mean(lambda image: filters.tv_bregman(image, weight)),
        {"weight": weight, "eps": 2e-4, "iterations": 200},
        _blend(),
    )


def nl_means(
    strength: float = 0.1, patch_px: int = 7, distance_px: int = 11, sigma: float = 0.0
) -> ClassicalRestorer:
    """Return non-local means with scikit-image's defaults, as the paper ran it."""
    return ClassicalRestorer(
        "nlmeans",
        of_mean(lambda image: filters.nl_means(image, strength, patch_px, distance_px, sigma)),
        {"strength": strength, "patch_px": patch_px, "distance_px": distance_px, "sigma": sigma},
        TilingRule(halo=distance_px + patch_px // 2 + 1),
    )


def _blend() -> TilingRule:
    """Return the rule of methods whose reach is long but fades: tiles are blended and reported."""
    return TilingRule(halo=_BLEND_HALO_PX, mode="blend")
