"""The regions dock: places on an overview, drawn or proposed, listed, measured, kept.

In: an image layer, multiscale or not, perhaps its restoration, a ground truth and the maps of a mosaic. Out:
points, rectangles, polygons and painted labels in layers of napari, a list with thumbnails and numbers, a
file that is written at every change. Everything is computed in `overview`; the images are never changed.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_emrestore.widgets.regions.wiring import RegionsDock

_HOMES = {"RegionsDock": "wiring"}

__all__ = ["RegionsDock"]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
