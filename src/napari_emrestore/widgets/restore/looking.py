"""Looking before a run: frames judged one by one, burst lengths compared, a part of the field restored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, QTimer, Signal

from napari_emrestore.pipeline.burst_lengths import enough_frames
from napari_emrestore.pipeline.previewing import central_part
from napari_emrestore.widgets.layers import pixel_size_nm, visible_field
from napari_emrestore.widgets.restore import work

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_emrestore.pipeline.previewing import Part
    from napari_emrestore.widgets.jobs import Jobs
    from napari_emrestore.widgets.restore.orders import Order
    from napari_emrestore.widgets.restore.showing import ResultLayers
    from napari_emrestore.widgets.restore.state import RestoreState
    from napari_emrestore.widgets.restore.view import RestoreView

SETTLED_MS = 250
_SHORTEST_S = 0.1


def settling_timer(parent: QObject) -> QTimer:
    """Return a timer that waits until a person stops changing things."""
    timer = QTimer(parent)
    timer.setSingleShot(True)
    timer.setInterval(SETTLED_MS)
    return timer


class Looking(QObject):
    """Check frames, compare burst lengths, preview.

    Parameters
    ----------
    view : RestoreView
        Whose buttons ask and whose tables show.
    state : RestoreState
        Gets a person's decisions about frames.
    layers : ResultLayers
        Gets the previews.
    shelf : Shelf
        Loaded models and the aligned burst.
    take_order : callable
        Gives the order as it stands, ``None`` if nothing can be done.
    checks, previews : Jobs
        Run the work.

    Signals
    -------
    timed : (RunSettings, float)
        How many seconds a whole run with these settings takes, at the speed of the last preview.
    """

    timed = Signal(object, float)

    def __init__(
        self,
        view: RestoreView,
        state: RestoreState,
        layers: ResultLayers,
        shelf: work.Shelf,
        take_order: Callable[[], Order | None],
        checks: Jobs,
        previews: Jobs,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._view, self._state, self._layers, self._shelf = view, state, layers, shelf
        self._take_order, self._checks, self._previews = take_order, checks, previews
        self._checked: work.Checked | None = None
        self._recheck, self._relength = settling_timer(self), settling_timer(self)
        view.burst.check.asked.connect(self.check)
        view.burst.table.decided.connect(self._decide)
        view.preview.asked.connect(self.preview)
        checks.succeeded.connect(self._show_check)
        previews.succeeded.connect(self._show_preview)
        self._recheck.timeout.connect(self.check)
        self._relength.timeout.connect(self._preview_length)

    def forget(self) -> None:
        """Stop looking and take away what was found: the input or its alignment is another."""
        for jobs in (self._checks, self._previews):
            jobs.cancel()
        for timer in (self._recheck, self._relength):
            timer.stop()
        self._checked = None
        self._view.burst.forget()

    def length_changed(self) -> None:
        """Show the mean of the new number of frames and its restoration, if frames were checked."""
        if self._checked is not None:
            self._relength.start()

    def check(self) -> None:
        """Align the burst at hand and judge its frames."""
        order = self._take_order()
        if order is not None:
            self._checks.start("checking frames", lambda m: work.check_frames(order, self._shelf, m))

    def preview(self) -> None:
        """Restore the visible field as the run would."""
        self._start_preview(None)

    def preview_around(self, y: float, x: float) -> None:
        """Restore the visible field around a pixel of the input as the run would."""
        self._start_preview(None, (y, x))

    def _decide(self, frame: int, used: bool) -> None:
        self._state.decisions = {**self._state.decisions, frame: used}
        self._recheck.start()

    def _show_check(self, checked: work.Checked) -> None:
        self._checked = checked
        burst, order = checked.prepared, self._take_order()
        verdicts = burst.ready.verdicts if burst.ready is not None else ()
        size = pixel_size_nm(order.source) if order is not None else None
        self._view.burst.table.show_verdicts(burst.frames, verdicts, burst.reference)
        self._view.burst.show_lengths(
            checked.lengths, enough_frames(checked.lengths), size[0] if size else None
        )
        out = sum(not verdict.accepted for verdict in verdicts)
        self._view.burst.check.say(f"{len(verdicts)} frames looked at, {out or 'none'} left out.")

    def _preview_length(self) -> None:
        if self._checked is not None and not self._state.obstacle():
            self._start_preview(self._checked)

    def _start_preview(self, checked: work.Checked | None, around: tuple[float, float] | None = None) -> None:
        order = self._take_order()
        if order is not None:
            shelf, field = self._shelf, central_part(visible_field(order.source), around_px=around)
            self._previews.start(
                "previewing",
                lambda m: (order, work.preview(order, shelf, field, m, checked), checked is None),
            )

    def _show_preview(self, outcome: tuple[Order, Part, bool]) -> None:
        order, part, is_run = outcome
        self._layers.show_preview(order, part)
        height, width = part.image.shape
        took = f"{part.seconds:.1f} s" if part.seconds >= _SHORTEST_S else "less than 0.1 s"
        text = f"{width} × {height} px in {took} on {part.provenance.device}."
        if not is_run:
            text += f" Of the first {order.settings.frames} frames that were checked and are used."
        if not part.is_exact:
            text += f" {order.settings.model} adapts to all it sees: the run may differ a little here."
        self._view.preview.say(text)
        if is_run:
            self.timed.emit(order.settings, part.expected_seconds)
