"""Word that models or cameras came or went, so that every menu of them is right at once.

Whoever writes into the folders of models or calibrations from within napari calls `tell`; every dock with
such a menu connects a method of its own, which is forgotten together with the dock.
"""

from __future__ import annotations

from psygnal import Signal


class ModelNews:
    """Says that the folder of models or that of calibrations has changed."""

    changed = Signal()


NEWS = ModelNews()


def tell() -> None:
    """Tell all docks that models or cameras came or went; to be called on the main thread."""
    NEWS.changed.emit()
