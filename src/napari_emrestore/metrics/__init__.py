"""Arrays in, numbers out: how good, how noisy, how sharp and how finely resolved an image is.

What comes in are images ``(Y, X)`` of real numbers of any dtype, contiguous or not; a stack is refused
(score its frames one by one and average), but for `noise_model`, which takes one. What goes out are plain
numbers and small frozen records. Intensities stay in the units they came in, lengths are in pixels, and
in nm where a pixel size is given. Masks are True where pixels count. NaN is refused unless it is masked.

A number that needs a ground truth takes it as `truth` and is never computed without one; what a
restorer did to its input is `change_versus_input`, which is no score. Data ranges are always given, never
guessed. Nothing here opens a file, aligns, restores or draws.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_emrestore.metrics.deviations import mae, mse, psnr
    from napari_emrestore.metrics.edges import Edge, edge_width
    from napari_emrestore.metrics.focus import sharpness
    from napari_emrestore.metrics.histograms import Histograms, shared_histograms
    from napari_emrestore.metrics.matching import match_intensity
    from napari_emrestore.metrics.noise import NoiseModel, noise_model, noise_readings, noise_sigma
    from napari_emrestore.metrics.particles import Particle, particle_diameter
    from napari_emrestore.metrics.profiles import LineProfile, line_profile
    from napari_emrestore.metrics.resolution import FrcCurve, frc, split_image
    from napari_emrestore.metrics.scores import Change, Scores, change_versus_input, score
    from napari_emrestore.metrics.segmentation import AdaptedRand, adapted_rand, segment_membranes
    from napari_emrestore.metrics.similarity import ssim, ssim_map
    from napari_emrestore.metrics.spectrum import RadialSpectrum, radial_spectrum
    from napari_emrestore.metrics.stabilising import stabilise, unstabilise

_HOMES = {
    "AdaptedRand": "segmentation",
    "Change": "scores",
    "Edge": "edges",
    "FrcCurve": "resolution",
    "Histograms": "histograms",
    "LineProfile": "profiles",
    "NoiseModel": "noise",
    "Particle": "particles",
    "RadialSpectrum": "spectrum",
    "Scores": "scores",
    "adapted_rand": "segmentation",
    "change_versus_input": "scores",
    "edge_width": "edges",
    "frc": "resolution",
    "line_profile": "profiles",
    "mae": "deviations",
    "match_intensity": "matching",
    "mse": "deviations",
    "noise_model": "noise",
    "noise_readings": "noise",
    "noise_sigma": "noise",
    "particle_diameter": "particles",
    "psnr": "deviations",
    "radial_spectrum": "spectrum",
    "score": "scores",
    "segment_membranes": "segmentation",
    "sharpness": "focus",
    "shared_histograms": "histograms",
    "split_image": "resolution",
    "ssim": "similarity",
    "ssim_map": "similarity",
    "stabilise": "stabilising",
    "unstabilise": "stabilising",
}

__all__ = [
    "AdaptedRand",
    "Change",
    "Edge",
    "FrcCurve",
    "Histograms",
    "LineProfile",
    "NoiseModel",
    "Particle",
    "RadialSpectrum",
    "Scores",
    "adapted_rand",
    "change_versus_input",
    "edge_width",
    "frc",
    "line_profile",
    "mae",
    "match_intensity",
    "mse",
    "noise_model",
    "noise_readings",
    "noise_sigma",
    "particle_diameter",
    "psnr",
    "radial_spectrum",
    "score",
    "segment_membranes",
    "shared_histograms",
    "sharpness",
    "split_image",
    "ssim",
    "ssim_map",
    "stabilise",
    "unstabilise",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
