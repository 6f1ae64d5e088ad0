"""Word that models came or went, so that every menu of models is right at once.

Whoever writes into the models folder from within napari calls `tell`; every dock with a menu of models
connects a method of its own, which is forgotten together with the dock.
"""

from __future__ import annotations

from psygnal import Signal


class ModelNews:
    """Says that the models folder has changed."""

    changed = Signal()


NEWS = ModelNews()


def tell() -> None:
    """Tell all docks that models came or went; to be called on the main thread."""
    NEWS.changed.emit()
