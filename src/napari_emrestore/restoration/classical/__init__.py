"""Classical restorers behind `core.Restorer`, so that every comparison has its baselines.

In: registered frames ``(N, Y, X)`` in model range. Out: one image ``(Y, X)`` in model range. A filter of
single images gets the mean of the frames. Nothing here is learnt; estimated parameters belong to the image
they were estimated from. Ids and what they stand for:

- ``mean``, ``median-of-frames``: the burst fused, nothing else.
- ``gaussian``, ``bilateral``, ``median``, ``wiener``, ``wavelet``, ``tv-chambolle``, ``tv-bregman``,
  ``nlmeans``: fixed parameters, as published tables run them.
- the same with ``-calibrated``: noise estimated, stabilised, strength chosen without ground truth.
- ``bm3d``, ``bm3d-calibrated``: where the package bm3d is installed.

Deconvolution needs a point-spread function and is therefore called by its factory: `richardson_lucy`,
`wiener_deconvolution`, `unsupervised_wiener_deconvolution`, `bm3d_then_wiener`. `tune` finds the parameters
of a row on calibration images with ground truth. What it does not do: map intensities, cut
tiles, write files.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_emrestore.restoration.classical.catalogue import CLASSICAL as CLASSICAL
    from napari_emrestore.restoration.classical.catalogue import list_classical as list_classical
    from napari_emrestore.restoration.classical.catalogue import load_classical as load_classical
    from napari_emrestore.restoration.classical.deconvolution import bm3d_then_wiener as bm3d_then_wiener
    from napari_emrestore.restoration.classical.deconvolution import richardson_lucy as richardson_lucy
    from napari_emrestore.restoration.classical.deconvolution import (
        unsupervised_wiener_deconvolution as unsupervised_wiener_deconvolution,
    )
    from napari_emrestore.restoration.classical.deconvolution import (
        wiener_deconvolution as wiener_deconvolution,
    )
    from napari_emrestore.restoration.classical.restorer import ClassicalRestorer as ClassicalRestorer
    from napari_emrestore.restoration.classical.tuning import GRIDS as GRIDS
    from napari_emrestore.restoration.classical.tuning import Tuning as Tuning
    from napari_emrestore.restoration.classical.tuning import tune as tune

_HOMES = {
    "CLASSICAL": "catalogue",
    "GRIDS": "tuning",
    "ClassicalRestorer": "restorer",
    "Tuning": "tuning",
    "bm3d_then_wiener": "deconvolution",
    "list_classical": "catalogue",
    "load_classical": "catalogue",
    "richardson_lucy": "deconvolution",
    "tune": "tuning",
    "unsupervised_wiener_deconvolution": "deconvolution",
    "wiener_deconvolution": "deconvolution",
}

__all__ = [
    "CLASSICAL",
    "GRIDS",
    "ClassicalRestorer",
    "Tuning",
    "bm3d_then_wiener",
    "list_classical",
    "load_classical",
    "richardson_lucy",
    "tune",
    "unsupervised_wiener_deconvolution",
    "wiener_deconvolution",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
