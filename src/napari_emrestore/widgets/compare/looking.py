"""The ways of looking that the dock is set to, applied to the viewer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_emrestore.core import InputError
from napari_emrestore.widgets.compare.sources import take_snapshot
from napari_emrestore.widgets.compare.swiping import Swipe
from napari_emrestore.widgets.compare.viewing import Views

if TYPE_CHECKING:
    from napari.viewer import Viewer

    from napari_emrestore.widgets.compare.state import CompareState


class Looking:
    """Grid, blink, swipe and held raw layer of one dock.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        What is looked at.
    state : CompareState
        Says how.
    """

    def __init__(self, viewer: Viewer, state: CompareState) -> None:
        self._viewer, self._state = viewer, state
        self._views = Views(viewer)
        self._swipe: Swipe | None = None
        self._place = 0

    def refresh(self) -> None:
        """Show what the state says."""
        state = self._state
        shown = [*state.candidates, *([state.truth] if state.truth is not None else [])]
        shown = list(dict.fromkeys(shown))
        if state.view != "swipe" or len(state.swipe_pair) < 2:
            self._end_swipe()
            mode = state.view if shown and state.view != "swipe" else "layers"
            self._views.enter(mode, shown, self._place, self._like)
            return
        self._start_swipe()

    def move(self) -> None:
        """Put the divider where the state says."""
        if self._swipe is not None:
            self._swipe.move(self._state.divider)

    def blink(self) -> None:
        """Go to the next candidate, or start with the first."""
        if self._state.view == "blink":
            self._place += 1
            self.refresh()
        elif not self._state.why_not_measure():
            self._place = 0
            self._state.view = "blink"

    def hold_raw(self) -> None:
        """Show the reference alone: the raw layer, or the first candidate where none is named."""
        raw = self._state.raw if self._state.raw is not None else self._state.reference
        if raw is not None:
            self._views.hold(raw)

    def release_raw(self) -> None:
        """Show again what was shown."""
        self._views.release()

    def is_swipe(self, layer: Any) -> bool:
        """Return whether a layer is the left side of the swipe."""
        return self._swipe is not None and self._swipe.layer == layer

    def leave(self) -> None:
        """Give napari back as it was."""
        self._end_swipe()
        self._views.leave()

    def _start_swipe(self) -> None:
        left, right = self._state.swipe_pair
        if self._swipe is None or self._swipe.left != left:
            self._end_swipe()
            area = self._area_of(left)
            if area is None:  # the dock says why beside its list of images
                self._state.view = "layers"
                return
            self._swipe = Swipe(self._viewer, left, area, self._state.divider, self._dragged)
        self._views.enter("swipe", [right, self._swipe.layer], like=self._like)

    def _area_of(self, layer: Any) -> Any:
        """Return the part of a layer that is compared; None if it cannot be, or is just being removed."""
        try:
            return take_snapshot(self._viewer, self._state).areas.get(layer.name)
        except InputError:
            return None

    @property
    def _like(self) -> Any:
        return self._state.against if self._state.same_contrast else None

    def _end_swipe(self) -> None:
        swipe, self._swipe = self._swipe, None
        if swipe is not None:
            self._views.give_back_limits()  # while the left layer still follows that of the swipe
            swipe.close()

    def _dragged(self, divider: float) -> None:
        self._state.divider = divider
