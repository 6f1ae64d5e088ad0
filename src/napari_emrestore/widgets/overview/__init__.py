"""The overview dock: one mosaic of all frames of a scan, shown while it grows.

In: an image stack of a viewer, or the file of a recording, also one that is still being written. Out: a
mosaic on disk and its images as layers: raw, restored and maps on one grid. Everything is computed in
`overview`; the layers that are read are never changed.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_emrestore.widgets.overview.wiring import OverviewDock

_HOMES = {"OverviewDock": "wiring"}

__all__ = ["OverviewDock"]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
