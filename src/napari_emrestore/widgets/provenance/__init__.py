"""The dock *What made this layer?*: the record of the selected layer, read, repeated and taken along.

In: the provenance and acquisition that a layer carries. Out: text to read, JSON and a command line for the
clipboard, a Python script, or the same run once more with a statement whether its pixels are the same.
Layers that were not made here are shown with what is known about their acquisition.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_emrestore.widgets.provenance.wiring import ProvenanceDock

__all__ = ["ProvenanceDock"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from napari_emrestore.widgets.provenance import wiring

        return getattr(wiring, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
