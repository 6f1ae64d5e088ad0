"""Whether Qt has deleted a widget that something else may still call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.compat import isalive

if TYPE_CHECKING:
    from qtpy.QtCore import QObject


def is_alive(thing: QObject) -> bool:
    """Return whether the Qt side of an object exists.

    The viewer and its layers outlive docks, and may call back into one that was closed before Python has
    collected it. Ending such connections in a lambda on ``destroyed`` crashes: Python may have emptied the
    lambda's closure by then.
    """
    return bool(isalive(thing))  # type: ignore[no-untyped-call]
