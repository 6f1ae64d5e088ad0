"""The probe dock: what models do to known patterns, and to faint ones in a person's own image.

In: patterns, models and a degradation, perhaps measured on a layer; for injection an image layer. Out: layers
with pattern, degraded, restored and difference side by side, scores with a verdict each, maps of where; a
contrast-transfer table. Everything is computed in `probes`; the layers that are read are never changed.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_emrestore.widgets.probe.wiring import ProbeDock

_HOMES = {"ProbeDock": "wiring"}

__all__ = ["ProbeDock"]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
