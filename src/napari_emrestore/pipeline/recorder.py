"""Recording raw frames in the background: every frame, or it stops and says so.

It lives here and not in `cameras` because a recording is a file of `io`, and neighbours on one rank do not
know each other.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections import deque
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from napari_emrestore.core import InputError, Provenance, WriteError
from napari_emrestore.pipeline.growing import Growing, open_growing
from napari_emrestore.pipeline.plain_json import plain
from napari_emrestore.pipeline.recording_failures import frame_changed, no_room, refused, too_slow

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from napari_emrestore.core import Acquisition, Frame, FrameSource

QUEUE_BYTES = 512 << 20
RESERVE_BYTES = 256 << 20
_FLUSH_S = 1.0

State = Literal["recording", "finishing", "complete", "failed"]


@dataclass(frozen=True, slots=True)
class RecorderStatus:
    """How a recording stands.

    Attributes
    ----------
    state : {"recording", "finishing", "complete", "failed"}
        ``finishing``: takes no more frames and writes those that wait.
    received, written : int
        Frames that came, and frames that can be read from the disk.
    lost_by_source : int
        Numbers missing between the frames that came.
    waiting_bytes, queue_bytes : int
        What waits in memory to be written, and the most that may.
    free_bytes : int
        Room left on the disk at the last chunk, less the reserve.
    seconds_left : float
        Until that is full at the rate of the frames so far; infinite if unknown.
    """

    state: State
    received: int
    written: int
    lost_by_source: int
    waiting_bytes: int
    queue_bytes: int
    free_bytes: int
    seconds_left: float


class Recorder:
    """Writes frames to a file from a thread of its own; `put` never waits for the disk.

    What was written can be read at any time, also after the process was killed: everything but the last
    second or chunk. Beside the pixels lies a table with each frame's number, time and stage position. With
    `frames` it is a fixed recording, without an expanding one; for the last seconds see `CircularRecorder`.

    Creating one writes to the disk, and waits for a network share that does not answer.

    Parameters
    ----------
    path : str or Path
        Ends in one of `growing.RECORDING_FORMATS`, ``.zarr`` and others; nothing may be there.
    source : FrameSource
        Tells shape, type and acquisition; it is not read.
    frames : int, optional
        Complete after so many; ``None`` goes on until `stop`.
    queue_bytes : int
        Most bytes that may wait in memory for a slow disk before the recording fails; room for two chunks
        is always taken.
    reserve_bytes : int
        Room that is left on the disk.
    counters : callable, optional
        Asked at the end for what else the recording is to tell, a dataclass or mapping of plain values; for
        example `LiveLine.counters`.

    Raises
    ------
    InputError
        If the place is not free, the format cannot hold such frames, or `frames` is below 1.
    WriteError
        If the disk has no room for it, or nothing can be written there.
    """

    def __init__(
        self,
        path: str | Path,
        source: FrameSource,
        *,
        frames: int | None = None,
        queue_bytes: int = QUEUE_BYTES,
        reserve_bytes: int = RESERVE_BYTES,
        counters: Callable[[], Any] | None = None,
    ) -> None:
        if frames is not None and frames < 1:
            raise InputError("A recording holds at least one frame", came=f"{frames} frames came")
        self._reserve, self._wanted, self._counters = reserve_bytes, frames, counters
        self._shape, self._dtype = source.frame_shape, source.dtype
        self._file = _create(Path(path), source.frame_shape, source.dtype, _stamped(source.acquisition))
        self.path = self._file.path
        self._queue_bytes = max(queue_bytes, 2 * self._file.chunk_frames * self._file.frame_bytes)
        self._free = 0
        self._check_room((frames or self._file.chunk_frames) * self._file.frame_bytes)
        self._queue: deque[Frame] = deque()
        self._turn = threading.Condition()
        self._state: State = "recording"
        self._failure: WriteError | None = None
        self._received = self._lost = 0
        self._last_index: int | None = None
        self._began_s = time.monotonic()
        self._thread = threading.Thread(target=self._write, name="recorder", daemon=True)
        self._thread.start()

    @property
    def failure(self) -> WriteError | None:
        """Why it failed; None if it did not."""
        return self._failure

    def put(self, frame: Frame) -> None:
        """Take the next frame; after the last one that was asked for, frames are passed over.

        Raises
        ------
        WriteError
            If the recording has failed: the disk refused, or was too slow for what may wait in memory, or
            the frames have changed their shape or type.
        """
        with self._turn:
            if self._failure is not None:
                raise self._failure
            if self._state != "recording":
                return
            if frame.data.shape != self._shape or frame.data.dtype != self._dtype:
                # the disk is not to blame: what waits is still written
                self._failure, self._state = frame_changed(frame, self._shape, self._dtype), "finishing"
                self._turn.notify_all()
                raise self._failure
            if (self._waiting() + 1) * self._file.frame_bytes > self._queue_bytes:
                raise self._fail(too_slow(self.path, self._file.frames, self._received))
            if self._last_index is not None:
                self._lost += max(0, frame.index - self._last_index - 1)
            self._last_index = frame.index
            self._queue.append(frame)
            self._received += 1
            if self._received == self._wanted:
                self._state = "finishing"
            self._turn.notify_all()

    def end(self) -> None:
        """Take no more frames; those that wait are written in the background."""
        with self._turn:
            if self._state == "recording":
                self._state = "finishing"
            self._turn.notify_all()

    def wait(self, timeout_s: float = 60.0) -> Path:
        """Return the path once the recording is complete.

        Raises
        ------
        WriteError
            If it has failed, or the disk does not answer in time.
        """
        self._thread.join(timeout_s)
        if self._failure is not None:
            raise self._failure
        if self._state != "complete":
            raise WriteError(
                "A disk that answers is needed",
                item=str(self.path),
                came=f"has {self._waiting()} frames still to write after {timeout_s:g} s",
                remedy="Check the connection; it goes on if the disk comes back.",
            )
        return self.path

    def stop(self, timeout_s: float = 60.0) -> Path:
        """Take no more frames, write those that wait and return the path; raises as `wait`."""
        self.end()
        return self.wait(timeout_s)

    def status(self) -> RecorderStatus:
        """Return how the recording stands."""
        with self._turn:
            elapsed_s = time.monotonic() - self._began_s
            rate = self._received * self._file.frame_bytes / elapsed_s if elapsed_s > 0 else 0.0
            return RecorderStatus(
                self._state,
                self._received,
                self._file.frames,
                self._lost,
                self._waiting() * self._file.frame_bytes,
                self._queue_bytes,
                self._free,
                self._free / rate if rate > 0 else float("inf"),
            )

    def _waiting(self) -> int:
        return self._received - self._file.frames

    def _write(self) -> None:
        try:
            try:
                self._write_chunks()
                self._file.finish(self._provenance())
            finally:
                self._file.abandon()
        except (OSError, InputError) as error:
            with self._turn:
                self._fail(error if isinstance(error, WriteError) else refused(self.path, error))
        finally:
            self._settle()

    def _settle(self) -> None:
        """Call it complete only if every frame that came can be read, whatever ended the thread."""
        with self._turn:
            if self._failure is None and self._file.frames == self._received:
                self._state = "complete"
            else:
                self._fail(refused(self.path, f"{self._waiting()} frames are missing"))

    def _write_chunks(self) -> None:
        """Write whole chunks as they fill, and what there is of one every second."""
        chunk: list[Frame] = []
        unwritten, flushed_s = False, time.monotonic()
        while (came := self._next(self._file.chunk_frames - len(chunk))) is not None:
            chunk += came
            unwritten = unwritten or bool(came)
            full = len(chunk) == self._file.chunk_frames
            if unwritten and (full or time.monotonic() - flushed_s > _FLUSH_S):
                self._flush(chunk)
                unwritten, flushed_s = False, time.monotonic()
                chunk = [] if full else chunk
        if unwritten and self._state != "failed":
            self._flush(chunk)

    def _next(self, most: int) -> list[Frame] | None:
        """Return up to `most` waiting frames, none of them if time passes; None when all is done."""
        with self._turn:
            self._turn.wait_for(lambda: self._queue or self._state != "recording", _FLUSH_S)
            if self._state == "failed" or (not self._queue and self._state == "finishing"):
                return None
            return [self._queue.popleft() for _ in range(min(most, len(self._queue)))]

    def _flush(self, chunk: list[Frame]) -> None:
        self._check_room(self._file.chunk_frames * self._file.frame_bytes)
        self._file.put(chunk)

    def _check_room(self, needed: int) -> None:
        free = shutil.disk_usage(self.path).free - self._reserve
        self._free = max(0, free)
        if free < needed:
            raise no_room(self.path, needed, self._reserve, free)

    def _fail(self, error: WriteError) -> WriteError:
        """Note the first failure and return it."""
        self._failure, self._state = self._failure or error, "failed"
        self._turn.notify_all()
        return self._failure

    def _provenance(self) -> Provenance:
        from napari_emrestore import __version__

        settings: dict[str, Any] = {"frames": self._received, "lost_by_source": self._lost}
        if self._counters is not None:
            settings["counters"] = plain(self._counters())
        notes: tuple[str, ...] = (f"{self._lost} frames were lost by the source",) if self._lost else ()
        notes += (f"The recording failed: {self._failure}",) if self._failure else ()
        return Provenance(
            "record",
            settings=settings,
            versions={"napari-emrestore": __version__},
            seconds=time.monotonic() - self._began_s,
            notes=notes,
        )


class CircularRecorder:
    """Holds the last seconds of a stream in memory until somebody wants to keep them.

    Parameters
    ----------
    source : FrameSource
        Tells shape, type and acquisition; it is not read.
    seconds : float
        How far back, by the frames' times.
    most_bytes : int
        Most memory; `held_s` tells if that is less than `seconds`.

    Raises
    ------
    InputError
        If `seconds` is not above 0, or not a single frame fits into `most_bytes`.
    """

    def __init__(self, source: FrameSource, seconds: float, *, most_bytes: int = 1 << 30) -> None:
        self._source, self._seconds, self._most_bytes = source, seconds, most_bytes
        frame_bytes = source.frame_shape[0] * source.frame_shape[1] * source.dtype.itemsize
        if not seconds > 0 or most_bytes < frame_bytes:
            raise InputError(
                "A circular recording holds some time, at least one frame",
                came=f"{seconds:g} s and {most_bytes} bytes came for frames of {frame_bytes} bytes",
            )
        self._held: deque[Frame] = deque()
        self._turn = threading.Lock()

    @property
    def held_s(self) -> float:
        """Time between the oldest and the newest frame held."""
        with self._turn:
            return _span_s(self._held)

    def put(self, frame: Frame) -> None:
        """Take the next frame; those too old, or of another shape or type, are forgotten."""
        with self._turn:
            if self._held and not _are_alike(self._held[-1], frame):
                self._held.clear()
            self._held.append(frame if frame.time_s is not None else replace(frame, time_s=time.monotonic()))
            most = max(1, self._most_bytes // frame.data.nbytes)
            while len(self._held) > most or _span_s(self._held) > self._seconds:
                self._held.popleft()

    def keep(self, path: str | Path, **options: Any) -> Recorder:
        """Write what is held, in the background; the circle goes on.

        Returns
        -------
        Recorder
            ``wait`` for it to be complete. Options and errors as there.
        """
        with self._turn:
            held = list(self._held)
        if not held:
            raise InputError("There must be a frame to keep", came="none has come yet")
        options.setdefault("queue_bytes", (len(held) + 1) * held[-1].data.nbytes)
        recorder = Recorder(path, self._source, frames=len(held), **options)
        for frame in held:
            recorder.put(frame)
        return recorder


def seconds_of_room(
    folder: str | Path, frame_bytes: int, rate_hz: float, reserve_bytes: int = RESERVE_BYTES
) -> float:
    """Return for how long a stream can be recorded to a folder before its disk is full, in seconds."""
    free = max(0, shutil.disk_usage(Path(folder).expanduser()).free - reserve_bytes)
    return free / (frame_bytes * rate_hz)


def _are_alike(one: Frame, other: Frame) -> bool:
    return one.data.shape == other.data.shape and one.data.dtype == other.data.dtype


def _span_s(frames: deque[Frame]) -> float:
    if not frames:
        return 0.0
    first, last = frames[0].time_s, frames[-1].time_s
    return (last or 0.0) - (first or 0.0)


def _create(
    path: Path, frame_shape: tuple[int, int], dtype: np.dtype[Any], acquisition: Acquisition
) -> Growing:
    try:
        return open_growing(path, frame_shape, dtype, acquisition)
    except OSError as error:
        raise refused(path, error) from error


def _stamped(acquisition: Acquisition) -> Acquisition:
    """Return the acquisition with what turns the times of frames into times of day."""
    stamp = {"recording_started": datetime.now(UTC).isoformat(), "recording_started_s": time.monotonic()}
    return replace(acquisition, extra={**acquisition.extra, **stamp})
