"""Keeps what is shown up to date: notes what changed, waits a moment, measures it off the main thread."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from napari.layers import Labels
from qtpy.QtCore import QObject, QTimer, Signal

from napari_emrestore.core import InputError
from napari_emrestore.widgets.compare.measuring import Measured, Wanted, measure
from napari_emrestore.widgets.compare.sources import take_snapshot

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.layers import Layer
    from napari.viewer import Viewer

    from napari_emrestore.widgets.compare.state import CompareState
    from napari_emrestore.widgets.jobs import Jobs

NUMBERS, VISIBLE_PART, MAPS, PLOT = "numbers", "visible", "maps", "plot"
EVERYTHING = frozenset({NUMBERS, VISIBLE_PART, MAPS, PLOT})
_WAIT_MS = 250
_PLACING = ("data", "scale", "translate", "rotate", "shear", "affine", "units")
_DRAWING = {True: ("data", "paint", "labels_update"), False: ("data",)}


class Live(QObject):
    """Measures what changed, a quarter of a second after the last change.

    Signals
    -------
    outdated : frozenset of str
        Parts that no longer hold.
    measured : Measured
        The newest result; an older one never comes after it.
    refused : str
        Why nothing can be compared.
    """

    outdated = Signal(object)
    measured = Signal(object)
    refused = Signal(str)

    def __init__(self, viewer: Viewer, state: CompareState, jobs: Jobs) -> None:
        super().__init__(jobs.parent())
        self._viewer, self._state, self._jobs = viewer, state, jobs
        self._due: set[str] = set()
        self._links: list[tuple[Any, Callable[..., None]]] = []
        self._range: float | None = None  # data range of the table that is shown, if there is one
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_WAIT_MS)
        self._timer.timeout.connect(self._start)
        jobs.succeeded.connect(self._finish)

    def mark(self, *parts: str) -> None:
        """Note that parts no longer hold, and measure them soon."""
        self._due |= set(parts)
        self.outdated.emit(frozenset(parts))
        self._timer.start()

    def follow(self) -> None:
        """Listen to the layers that the state names, and to no others."""
        self.unfollow()
        state = self._state
        images = {*state.candidates, *([state.truth] if state.truth is not None else [])}
        everything = partial(self._changed, EVERYTHING)
        for layer in images:
            self._listen(layer, (*_PLACING, "name"), everything)
        if state.regions is not None:
            names = (*_DRAWING[isinstance(state.regions, Labels)], *_PLACING[1:])
            self._listen(state.regions, names, partial(self._changed, {NUMBERS}))
        if state.line is not None:
            self._listen(state.line, _PLACING, partial(self._changed, {PLOT}))

    def unfollow(self) -> None:
        """Listen to no layer."""
        for emitter, callback in self._links:
            emitter.disconnect(callback)
        self._links = []

    def _listen(self, layer: Layer, names: tuple[str, ...], callback: Callable[..., None]) -> None:
        for name in names:
            emitter = getattr(layer.events, name)
            emitter.connect(callback)
            self._links.append((emitter, callback))

    def _changed(self, parts: frozenset[str] | set[str], event: Any = None) -> None:
        self.mark(*parts)

    def _start(self) -> None:
        reason = self._state.why_not_measure()
        if not reason:
            try:
                snapshot = take_snapshot(self._viewer, self._state)
            except InputError as error:
                reason = str(error)
        if reason:
            self._range = None
            self._jobs.cancel()
            self.refused.emit(reason)
            return
        if self._range is None:
            self._due |= EVERYTHING
        self._jobs.start("Comparing layers", partial(measure, snapshot, self._wanted()))

    def _wanted(self) -> Wanted:
        state, due = self._state, self._due
        mapped = state.mapped if state.mapped in state.candidates else None
        return Wanted(
            numbers=NUMBERS in due,
            visible=VISIBLE_PART in due,
            maps=state.maps if MAPS in due and mapped is not None else frozenset(),
            mapped="" if mapped is None else mapped.name,
            stretch=state.stretch_percent / 100,
            plot=state.plot if PLOT in due else "none",
            width_px=state.line_width_px,
            data_range=self._range,
        )

    def _finish(self, measured: Measured) -> None:
        if self._timer.isActive():  # something changed since; what comes then holds for all of it
            return
        self._due = set()
        if measured.numbers is not None:
            self._range = measured.numbers.data_range
        self.measured.emit(measured)
