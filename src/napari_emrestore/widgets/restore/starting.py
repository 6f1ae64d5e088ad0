"""Where a new dock starts: where the last one was left, or at the person's preferences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_emrestore.widgets.preferences import load_state, read_preferences
from napari_emrestore.widgets.restore.state import RestoreState

if TYPE_CHECKING:
    from collections.abc import Collection


def take_up(state: RestoreState, known: Collection[str], dock: str) -> None:
    """Set a state to what was kept of a dock; a model that is not known gives way to the usual one."""
    preferences = read_preferences()
    state.device, state.precision, state.tile_px = (
        preferences.device,
        preferences.precision,
        preferences.tile_px,
    )
    state.restore_record(load_state(dock))
    if state.model not in known:
        state.model = usual_model(known)


def usual_model(known: Collection[str]) -> str:
    """Return the model of a first start, or any where it is not there."""
    return RestoreState.model if RestoreState.model in known else next(iter(known))
