"""Recordings of the dock: begun, watched and finished in a worker; the disk is never waited for elsewhere."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from napari_emrestore.core import InputError, WriteError

if TYPE_CHECKING:
    from datetime import datetime

    from napari_emrestore.pipeline.recorder import CircularRecorder, Recorder, RecorderStatus
    from napari_emrestore.widgets.jobs import JobMonitor
    from napari_emrestore.widgets.live.session import Opened
    from napari_emrestore.widgets.live.state import LiveState

_TURN_S = 0.1
_FORECAST_EVERY_S = 2.0


@dataclass(frozen=True, slots=True)
class Recorded:
    """A finished recording.

    Attributes
    ----------
    path : Path
        Where it lies.
    status : RecorderStatus
        How it ended.
    """

    path: Path
    status: RecorderStatus


@dataclass(frozen=True, slots=True)
class Room:
    """How long a disk lasts at the present rate; infinite where nothing comes."""

    seconds: float
    bytes_per_s: float


class Recording:
    """One recording of the frames that come from now on.

    Parameters
    ----------
    opened : Opened
        Whose frames.
    path : Path
        Of a new Zarr image.
    frames : int, optional
        Complete after so many; ``None``: when it is ended.
    """

    def __init__(self, opened: Opened, path: Path, frames: int | None) -> None:
        self._opened, self._path, self._frames = opened, path, frames
        self._ending = threading.Event()
        self._recorder: Recorder | None = None

    def status(self) -> RecorderStatus | None:
        """Return how it stands; None before the file is there."""
        return None if self._recorder is None else self._recorder.status()

    def end(self) -> None:
        """Take no more frames; those that wait are still written."""
        self._ending.set()

    def run(self, monitor: JobMonitor) -> Recorded:
        """Record until enough frames have come, it is ended, or the camera has.

        Raises
        ------
        InputError, WriteError
            As `Recorder`; everything that was written can be read.
        """
        from napari_emrestore.pipeline.recorder import Recorder

        line = self._opened.line
        _make(self._path.parent)
        recorder = self._recorder = Recorder(
            self._path, self._opened.camera, frames=self._frames, counters=line.counters
        )
        line.record(recorder)
        try:
            while recorder.status().state == "recording" and line.is_running and not self._ending.is_set():
                monitor.pause(_TURN_S)
        finally:
            line.record(None)
            path = recorder.stop()  # also where napari ends: what waits is written first
        return Recorded(path, recorder.status())


def keep(opened: Opened, circle: CircularRecorder, path: Path) -> Recorded:
    """Write what a circular recording holds now.

    Raises
    ------
    InputError, WriteError
        As `CircularRecorder.keep`.
    """
    _make(path.parent)
    recorder = circle.keep(path, counters=opened.line.counters)
    return Recorded(recorder.wait(), recorder.status())


def watch_room(opened: Opened, folder: str, monitor: JobMonitor) -> None:
    """Show `Room` every other second while the camera runs.

    Raises
    ------
    WriteError
        If the disk does not tell.
    """
    from napari_emrestore.pipeline.recorder import seconds_of_room

    height, width = opened.camera.frame_shape
    frame_bytes = height * width * opened.camera.dtype.itemsize
    place = _existing(folder_of(folder))
    while opened.line.is_running:
        rate = opened.line.counters().acquired_fps
        if rate > 0:
            try:
                seconds = seconds_of_room(place, frame_bytes, rate)
            except OSError as error:
                raise _refused(place, error) from error
            monitor.show(Room(seconds, frame_bytes * rate))
        monitor.pause(_FORECAST_EVERY_S)


def folder_of(text: str) -> Path:
    """Return the folder that a person means; the home folder where nothing is set."""
    return Path(text).expanduser() if text.strip() else Path.home()


def new_path(state: LiveState, now: datetime) -> Path:
    """Return where a recording that begins now goes: the name with date and time.

    Raises
    ------
    InputError
        If the name is none for a file.
    """
    stem = state.recording.strip()
    if not stem or re.search(r'[\\/:*?"<>|]', stem):
        raise InputError("A recording has a name without slashes and such", came=f"{state.recording!r} came")
    # A recording never replaces another, and two may begin within a second.
    moment = f"{now:%Y%m%d-%H%M%S}-{now.microsecond // 1000:03d}"
    return folder_of(state.folder) / f"{stem}_{moment}{state.suffix}"


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _refused(folder, error) from error


def _refused(folder: Path, error: OSError) -> WriteError:
    return WriteError(
        "A folder that can be written to is needed",
        item=str(folder),
        came=f"could not be used ({error})",
        remedy="Choose another folder.",
    )


def _existing(folder: Path) -> Path:
    """Return a folder or the nearest one above it that is there: a recording makes what is missing."""
    return next((place for place in (folder, *folder.parents) if place.is_dir()), Path.home())
