"""The part of the dock that records: what the button does in each mode, how it goes, how it ended."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from napari.utils.notifications import show_error
from qtpy.QtCore import QObject, QTimer, Signal

from napari_emrestore.core import EmRestoreError
from napari_emrestore.pipeline.recorder import CircularRecorder
from napari_emrestore.widgets.jobs import Jobs
from napari_emrestore.widgets.live.recording import Recorded, Recording, Room, keep, new_path, watch_room
from napari_emrestore.widgets.run_bar import duration

if TYPE_CHECKING:
    from pathlib import Path

    from napari_emrestore.pipeline.recorder import RecorderStatus
    from napari_emrestore.widgets.live.record_box import RecordBox
    from napari_emrestore.widgets.live.session import Opened
    from napari_emrestore.widgets.live.state import LiveState

_EVERY_MS = 250
_FULL_SOON_S = 300.0
_MIB = 2**20
_START_FIRST = "Start the camera first."


class RecordDesk(QObject):
    """Records the open camera; for the main thread only.

    Parameters
    ----------
    box : RecordBox
        Whose button asks, and which shows how it goes.
    state : LiveState
        Says how and where.

    Signals
    -------
    finished : Recorded
        A recording is complete.
    """

    finished = Signal(object)

    def __init__(self, box: RecordBox, state: LiveState, parent: QObject) -> None:
        super().__init__(parent)
        self._box, self._state = box, state
        self._opened: Opened | None = None
        self._recording: Recording | None = None
        self._circle: CircularRecorder | None = None
        self.jobs, self._rooms = Jobs(parent, endless=True), Jobs(parent, endless=True)
        self._timer = QTimer(self)
        self._timer.setInterval(_EVERY_MS)
        self._timer.timeout.connect(self._show)
        box.asked.connect(self._press)
        self.jobs.succeeded.connect(self._show_recorded)
        self.jobs.failed.connect(self._show_failure)
        self.jobs.ended.connect(self._end_recording)
        self._rooms.part.connect(self._show_room)
        self._rooms.failed.connect(lambda error: box.say_room(str(error)))
        self._show_button()

    @property
    def status(self) -> RecorderStatus | None:
        """How the recording stands; None where none is going on."""
        return None if self._recording is None else self._recording.status()

    def begin(self, opened: Opened) -> None:
        """Record this camera when asked."""
        self._opened = opened
        self._timer.start()
        self.follow_mode()
        self.watch_disk()

    def end(self) -> None:
        """Let go of the camera; a recording is completed with what it has."""
        self._opened = self._circle = None
        self._timer.stop()
        self._rooms.cancel()
        self._box.say_room("")
        if self._recording is not None:
            self._recording.end()
        self._show_button()

    def follow_mode(self) -> None:
        """Hold the last seconds if that is the mode; forget them otherwise."""
        self._box.show_mode()
        opened = self._opened
        if opened is not None and not self.jobs.running:
            self._circle = None
            if self._state.record_mode == "circular":
                try:
                    self._circle = CircularRecorder(opened.camera, self._state.record_seconds)
                except EmRestoreError as error:
                    self._box.say("bad", str(error))
            opened.line.record(self._circle)
        self._show_button()

    def watch_disk(self) -> None:
        """Forecast how long the disk of the chosen folder lasts."""
        opened, folder = self._opened, self._state.folder
        if opened is not None:
            self._rooms.start("watching the disk", lambda monitor: watch_room(opened, folder, monitor))

    def _press(self) -> None:
        opened = self._opened
        if self._recording is not None:
            self._recording.end()
            self._box.show_button("Finishing …", enabled=False)
            return
        if opened is None:
            return
        try:
            path = new_path(self._state, datetime.now())
        except EmRestoreError as error:
            self._box.say("bad", str(error))
            return
        if self._state.record_mode == "circular":
            self._keep(path)
            return
        frames = self._state.record_frames if self._state.record_mode == "fixed" else None
        self._recording = Recording(opened, path, frames)
        self._box.lock(True)
        self._box.say("good", f"Recording to {path} …")
        self.jobs.start(f"Recording {path.name}", self._recording.run)
        self._show_button()

    def _keep(self, path: Path) -> None:
        circle, opened = self._circle, self._opened
        if circle is not None and opened is not None:
            self._box.say("good", f"Writing {path} …")
            self.jobs.start("Keeping the last seconds", lambda _: keep(opened, circle, path))
            self._show_button()

    def _show(self) -> None:
        status = self.status
        if status is not None and status.state in ("recording", "finishing"):
            self._box.say("warn" if status.seconds_left < _FULL_SOON_S else "good", _progress(status))
        self._show_button()

    def _show_button(self) -> None:
        opened, mode = self._opened, self._state.record_mode
        if self._recording is not None:
            ending = self._box.button.text().startswith("Finishing")
            tip = "What waits in memory is written first." if ending else "Every frame so far is kept."
            self._box.show_button("Finishing …" if ending else "Stop recording", enabled=not ending, tip=tip)
        elif mode == "circular":
            held = 0.0 if self._circle is None else self._circle.held_s
            text = f"Keep the last {held:.1f} s" if held else "Keep"
            tip = "Writes what is held, and goes on holding." if opened else _START_FIRST
            self._box.show_button(text, enabled=held > 0 and not self.jobs.running, tip=tip)
        else:
            tip = "Writes every frame from now on." if opened else _START_FIRST
            self._box.show_button("Record", enabled=opened is not None and not self.jobs.running, tip=tip)

    def _show_room(self, room: Room) -> None:
        rate = f"{room.bytes_per_s / _MIB:.0f} MiB/s"
        text = f"The disk has room for {duration(room.seconds)} at {rate}."
        self._box.say_room(f"⚠ {text}" if room.seconds < _FULL_SOON_S else text)

    def _show_recorded(self, recorded: Recorded) -> None:
        status = recorded.status
        lost = f" {status.lost_by_source} were lost by the camera." if status.lost_by_source else ""
        self._box.say("off", f"Recorded {status.written} frames to {recorded.path}.{lost}")
        self.finished.emit(recorded)

    def _show_failure(self, error: EmRestoreError) -> None:
        """Say loudly why nothing is recorded any more; the camera goes on, and Record begins anew."""
        text = f"The recording has stopped. {error}"
        self._box.say("bad", text)
        show_error(text)

    def _end_recording(self) -> None:
        self._recording = None
        self._box.lock(False)
        self._box.button.setText("")
        self._show_button()
        if self._opened is not None and self._circle is not None:
            self._opened.line.record(self._circle)


def _progress(status: RecorderStatus) -> str:
    waiting = status.received - status.written
    queue = 100 * status.waiting_bytes / max(1, status.queue_bytes)
    left = "" if status.seconds_left == float("inf") else f" Disk full in {duration(status.seconds_left)}."
    return f"{status.written} frames on the disk, {waiting} wait in memory ({queue:.0f} % full).{left}"
