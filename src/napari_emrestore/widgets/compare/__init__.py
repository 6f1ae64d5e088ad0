"""The compare dock: candidate layers side by side, in numbers, views, difference maps, plots and bake-offs.

In: up to eight image layers on one pixel grid, perhaps a ground truth, a Shapes or Labels layer with
regions, a drawn line. Out: a live table, the numbers in the regions' ``layer.features``, map layers,
plots, files. The layers that are compared are never changed. Everything is computed in
`pipeline.comparison`; what does not lie on one grid is refused, never resampled.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_emrestore.widgets.compare.wiring import CompareDock

_HOMES = {"CompareDock": "wiring"}

__all__ = ["CompareDock"]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
