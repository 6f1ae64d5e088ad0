"""Keys of the dock, known to napari's own shortcut settings, where they can be changed."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakSet

from napari.components import ViewerModel
from napari.settings import get_settings
from napari.utils.action_manager import action_manager

from napari_emrestore.widgets.lifetime import is_alive

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_emrestore.widgets.compare.wiring import CompareDock

BLINK, HOLD_RAW = "napari-emrestore:blink", "napari-emrestore:hold_raw"
DEFAULT_KEYS = {BLINK: "N", HOLD_RAW: "H"}
_open_docks: WeakSet[CompareDock] = WeakSet()


def listen(dock: CompareDock) -> None:
    """Let a dock hear the keys, which become known to napari with the first dock."""
    _open_docks.add(dock)
    action_manager.register_action(
        BLINK, blink, "Compare: show the next candidate", ViewerModel, repeatable=True
    )
    action_manager.register_action(HOLD_RAW, hold_raw, "Compare: hold to see the raw layer", ViewerModel)
    chosen = get_settings().shortcuts.shortcuts
    for name, key in DEFAULT_KEYS.items():
        if name not in chosen:
            action_manager.bind_shortcut(name, key)


def current_keys() -> dict[str, str]:
    """Return what can be done by key, and the key that does it now."""
    chosen = get_settings().shortcuts.shortcuts
    return {
        text: str(chosen[name][0]) if chosen.get(name) else key
        for (name, key), text in zip(DEFAULT_KEYS.items(), ("next candidate", "hold to see raw"), strict=True)
    }


def blink(viewer: ViewerModel) -> None:
    """Show the next candidate of every open compare dock of a viewer."""
    for dock in _docks_of(viewer):
        dock.blink()


def hold_raw(viewer: ViewerModel) -> Iterator[None]:
    """Show the raw layer while the key is held."""
    docks = _docks_of(viewer)
    for dock in docks:
        dock.hold_raw()
    yield
    for dock in docks:
        dock.release_raw()


def _docks_of(viewer: ViewerModel) -> list[CompareDock]:
    return [dock for dock in list(_open_docks) if is_alive(dock) and dock.viewer == viewer]
