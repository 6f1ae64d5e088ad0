"""Asks the line five times a second how it goes, and shows that."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, QTimer

if TYPE_CHECKING:
    from napari_emrestore.pipeline.live_counters import LiveCounters
    from napari_emrestore.pipeline.live_views import LiveView as View
    from napari_emrestore.widgets.live.pictures import Picture
    from napari_emrestore.widgets.live.session import Opened
    from napari_emrestore.widgets.live.view import LiveView

_EVERY_MS = 200
_LATELY_TURNS = 15


class StatusWatch(QObject):
    """Keeps lamps and numbers up to date while a camera is open.

    Parameters
    ----------
    view : LiveView
        What shows it.
    """

    def __init__(self, view: LiveView, parent: QObject) -> None:
        super().__init__(parent)
        self._lamps, self._numbers, self._restore = view.lamps, view.numbers, view.restore
        self._opened: Opened | None = None
        self._picture: Picture | None = None
        self._lately: deque[tuple[int, int]] = deque(maxlen=_LATELY_TURNS)
        self._timer = QTimer(self)
        self._timer.setInterval(_EVERY_MS)
        self._timer.timeout.connect(self.show)

    def begin(self, opened: Opened) -> None:
        """Watch a line."""
        self._opened, self._picture = opened, None
        self._lately.clear()
        self._timer.start()

    def end(self) -> None:
        """Show the last numbers, and nothing more."""
        self.show()
        self._timer.stop()
        self._opened = None

    def take(self, picture: Picture) -> None:
        """Remember what is seen."""
        self._picture = picture

    def show(self) -> None:
        """Show how it goes now."""
        if self._opened is None:
            return
        counters = self._opened.line.counters()
        dropped_since = counters.dropped_by_ring + counters.passed_over
        self._lately.append((counters.lost_by_source, dropped_since))
        lost, dropped = (now - then for then, now in zip(self._lately[0], self._lately[-1], strict=True))
        seconds = max(1.0, len(self._lately) * _EVERY_MS / 1000)
        name = self._opened.camera.acquisition.name
        self._lamps.show_camera(self._opened.line.alarms(), name, counters.acquired_fps)
        self._lamps.show_dropped(lost, dropped, seconds)
        self._numbers.show_counters(counters, self._opened.camera.incidents)
        if self._picture is not None:
            view = self._picture.view
            self._lamps.show_alignment(view, asked=self._opened.line.settings.kind is not None)
            self._numbers.show_place(view)
            self._restore.say_pace(_pace(view, counters))


def _pace(view: View, counters: LiveCounters) -> str:
    """Return why there is no restoration yet, or how fast views are restored; nothing while none comes."""
    if view.problem or view.restored is None:
        return view.problem
    if not counters.acquired_fps:
        return ""
    made = f"{counters.restored_fps:.1f} restored/s" if counters.restored_fps else "Less than one restored/s"
    behind = f", {view.frames_behind} frames behind" if view.frames_behind else ""
    return f"{made} of {counters.acquired_fps:.1f} frames/s{behind}."
