"""Scans for mosaics: followed while we or others record them, and their stage positions."""

from __future__ import annotations

import queue
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_emrestore.core import SILENT, Cancelled, EmRestoreError, FormatError, Frame, InputError
from napari_emrestore.pipeline.frame_tables import frame_table, table_of
from napari_emrestore.pipeline.growing import RECORDING_FORMATS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from napari_emrestore.core import FrameSource, Monitor
    from napari_emrestore.io import FrameStack
    from napari_emrestore.overview.sketching import Sketch, Sketcher
    from napari_emrestore.overview.tracking import Track

_MILLI = 1000
_MOST_WAITING = 64
QUIET_S = 30.0
"""A recording that gains no frame for so long is over, whether or not anybody closed it."""
_LOOK_EVERY_S = 0.5
_SKETCH_EVERY_S = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class RecordedScan:
    """A scan on disk, followed while it was recorded.

    Attributes
    ----------
    path : Path
        The recording.
    track : Track
        Where its frames lie as far as following tells.
    """

    path: Path
    track: Track


def record_scan(
    camera: FrameSource,
    path: str | Path,
    *,
    seconds: float | None = None,
    dark: float = 0.0,
    monitor: Monitor = SILENT,
) -> RecordedScan:
    """Record every frame of a camera and follow the stage meanwhile, as far as there is time.

    Following never holds up the recording: what it could not keep up with is followed afterwards.

    Parameters
    ----------
    camera : FrameSource
        Read until it ends, time is up, or the monitor says stop, which ends the scan and is no error.
    path : str or Path
        Of the new recording, see `Recorder`.
    seconds : float, optional
        How long, from the first frame on; ``None`` goes on.
    dark : float
        Value of no signal, input units.
    monitor : Monitor
        Told after every frame how many milliseconds are done; of 0 without an end.

    Raises
    ------
    InputError, WriteError
        As `Recorder`, or if no frame came.
    """
    from napari_emrestore.io import open_frames
    from napari_emrestore.pipeline.recorder import Recorder

    recorder, following = Recorder(path, camera), _Following(dark)
    began_s: float | None = None
    total = 0 if seconds is None else max(1, round(seconds * _MILLI))
    try:
        for frame in camera:
            recorder.put(frame)
            following.put(frame)
            began_s = time.monotonic() if began_s is None else began_s
            passed_s = time.monotonic() - began_s
            if seconds is not None and passed_s >= seconds:
                break
            monitor.step(min(round(passed_s * _MILLI), total), total, "recording the scan")
    except Cancelled:
        pass
    finally:
        following.end()
        written = recorder.stop()
    with open_frames(written) as frames:
        return RecordedScan(written, following.rest(frames, monitor))


class _Following:
    """A tracker in a thread of its own, fed as long as it keeps up."""

    def __init__(self, dark: float) -> None:
        from napari_emrestore.overview import Tracker

        self._tracker = Tracker(dark)
        self._waiting: queue.Queue[Frame | None] = queue.Queue(_MOST_WAITING)
        self._behind = False
        self._failure: EmRestoreError | None = None
        self._thread = threading.Thread(target=self._follow, name="following", daemon=True)
        self._thread.start()

    def put(self, frame: Frame) -> None:
        """Follow a frame if all before it could be."""
        if self._behind:
            return
        try:
            self._waiting.put_nowait(frame)
        except queue.Full:
            self._behind = True

    def end(self) -> None:
        """Wait until what was taken is followed."""
        self._waiting.put(None)
        self._thread.join()

    def rest(self, frames: FrameStack, monitor: Monitor) -> Track:
        """Follow what is left, from the recording, and return the track."""
        if self._failure is not None:
            raise self._failure
        for number in range(len(self._tracker), len(frames)):
            self._tracker.add(frames[number])
            monitor.step(number + 1, len(frames), "following the stage")
        return self._tracker.track()

    def _follow(self) -> None:
        while (frame := self._waiting.get()) is not None:
            if self._failure is not None:
                continue
            try:
                self._tracker.add(frame)
            except EmRestoreError as error:  # told when the recording is safe
                self._failure = error


def is_being_recorded(path: str | Path) -> bool:
    """Return whether a recording was not closed yet, by its writer or by the end of that."""
    from napari_emrestore.io import open_frames, read_provenance

    place = Path(path).expanduser()
    try:
        open_frames(place).close()
        return table_of(place).is_file() and read_provenance(place) is None
    except FormatError:
        return _holds_nothing_yet(place)


def _holds_nothing_yet(place: Path) -> bool:
    """Return whether a file that cannot be read may be a recording that has just begun."""
    return place.suffix.lower() in RECORDING_FORMATS and time.time() - place.stat().st_mtime < QUIET_S


def follow_recording(
    path: str | Path,
    *,
    dark: float = 0.0,
    quiet_s: float = QUIET_S,
    grown: Callable[[Sketch], None] | None = None,
    monitor: Monitor = SILENT,
) -> Track:
    """Follow a recording while it is written, until it is closed or gains nothing more.

    Its writer is not held up and knows nothing of it: frames are read from the disk, a second behind.

    Parameters
    ----------
    path : str or Path
        A recording of a `Recorder` in this process or another.
    dark : float
        Value of no signal, input units.
    quiet_s : float
        A recording that was broken off is never closed; without a new frame for so long it counts as over.
    grown : callable, optional
        Told the provisional overview, at most once a second.
    monitor : Monitor
        Told after every frame, and asked while there is none.

    Returns
    -------
    Track
        Of all its frames; what `overview.assemble` takes.

    Raises
    ------
    InputError
        If it never held a frame, or frames cannot be followed.
    Cancelled
        When `monitor` says so.
    """
    from napari_emrestore.overview.sketching import Sketcher

    sketcher, told_s = Sketcher(dark), 0.0
    came_s = time.monotonic()
    while True:
        growing = is_being_recorded(path)  # asked first, so that the last frames are read too
        for frame in _new_frames(path, len(sketcher)):
            sketcher.add(frame)
            came_s = time.monotonic()
            monitor.step(len(sketcher), len(sketcher), "following the scan, frame")
            if grown is not None and came_s - told_s >= _SKETCH_EVERY_S:
                told_s = came_s
                _tell(sketcher, grown)
        if not growing or time.monotonic() - came_s > quiet_s:
            break
        monitor.step(len(sketcher), len(sketcher), "following the scan, frame")
        time.sleep(_LOOK_EVERY_S)
    if grown is not None:
        _tell(sketcher, grown)
    return sketcher.track()


def followed_part(frames: FrameStack, track: Track) -> FrameStack:
    """Return the frames that a track tells of; a recording that went on after all has more."""
    if len(frames) == len(track):
        return frames
    from napari_emrestore.io import FrameStack

    return FrameStack.from_array(frames.data[: len(track)], frames.acquisition)


def told_if_open(path: str | Path, track: Track) -> str:
    """Return what is to be said if a recording that was followed is not closed; empty if it is."""
    if not is_being_recorded(path):
        return ""
    return f"The recording is not closed. The first {len(track)} frames were taken; more may have come since."


def _tell(sketcher: Sketcher, grown: Callable[[Sketch], None]) -> None:
    sketch = sketcher.sketch()
    if sketch is not None:
        grown(sketch)


def _new_frames(path: str | Path, first: int) -> Iterator[Frame]:
    """Yield the frames of a growing recording from a number on, with the stage positions of its table."""
    from napari_emrestore.io import open_frames
    from napari_emrestore.overview.reading import FrameReader

    try:
        frames = open_frames(path)
    except FormatError:
        if first or not _holds_nothing_yet(Path(path).expanduser()):
            raise
        return
    with frames:
        rows = frame_table(path)
        pixels = FrameReader(frames)
        for number in range(first, min(len(frames), len(rows))):
            known = frames.acquisition
            if (stage := rows[number].get("stage_um")) is not None:
                known = replace(known, extra={**known.extra, "stage_um": stage})
            yield Frame(pixels[number], number, known, rows[number].get("time_s"))


def stage_positions(path: str | Path, count: int) -> NDArray[np.float64] | None:
    """Return the stage positions ``(N, 2)``, ``(y, x)`` in micrometres, beside a recording.

    Parameters
    ----------
    path : str or Path
        Of the recording; anything else has none.
    count : int
        How many frames of it are used, from the first on.

    Returns
    -------
    ndarray or None
        ``None`` unless every frame has a position.

    Raises
    ------
    InputError
        If the table has fewer rows than there are frames.
    """
    place = Path(path).expanduser()
    if not table_of(place).is_file():
        return None
    rows = frame_table(place)[:count]
    if len(rows) < count:
        raise InputError(
            "A recording's table has a row per frame", item=str(path), came=f"has {len(rows)} for {count}"
        )
    found = [row.get("stage_um") for row in rows]
    if not found or any(stage is None or len(stage) < 2 for stage in found):
        return None
    return np.array([stage[:2] for stage in found if stage is not None], dtype=np.float64)
