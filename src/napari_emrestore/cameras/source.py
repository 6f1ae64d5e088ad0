"""What every live source shares: time-outs, closing from another thread, counting of what went wrong."""

from __future__ import annotations

import threading
import time
from abc import abstractmethod
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from napari_emrestore.core import DeviceError, InputError, SourceTimeoutError
from napari_emrestore.core.closing import ClosedAtEnd

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import numpy as np

    from napari_emrestore.core import Acquisition, Frame

SLICE_S = 0.05
"""Longest time a source looks at its device before it checks whether it was closed."""
_CLOSE_S = 1.0
_ANSWER_S = 5.0


class LiveSource(ClosedAtEnd):
    """A camera: satisfies `core.FrameSource`; one thread iterates, any thread may close.

    A subclass looks for the next frame in `_poll`, lets go of its device in `_release`, and counts in
    `_count` what a person should know.

    Parameters
    ----------
    acquisition : Acquisition
        What is known about how frames are taken.
    frame_shape : tuple of int
        ``(Y, X)`` of every frame.
    dtype : dtype
        Of every frame.
    timeout_s : float
        How long to wait for a frame before `SourceTimeoutError`. The time in which nobody asks for a frame
        does not count.

    Raises
    ------
    InputError
        If `timeout_s` is not above 0.
    """

    changeable: tuple[str, ...] = ()
    """Names of the settings that `change` takes while frames come."""

    def __init__(
        self, acquisition: Acquisition, frame_shape: tuple[int, int], dtype: np.dtype[Any], timeout_s: float
    ) -> None:
        self._acquisition = acquisition
        height, width = frame_shape  # settings read from JSON come as lists
        self._frame_shape = (int(height), int(width))
        self._dtype = dtype
        self._timeout_s = checked_timeout(timeout_s)
        self._closing = threading.Event()
        self._device = threading.Lock()
        self._queue = threading.Lock()
        self._released = False
        self._exhausted = False
        self._incidents: Counter[str] = Counter()

    @property
    def acquisition(self) -> Acquisition:
        """What is known about how the frames are taken."""
        return self._acquisition

    @property
    def frame_shape(self) -> tuple[int, int]:
        """Shape ``(Y, X)`` of every frame."""
        return self._frame_shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Pixel type of every frame."""
        return self._dtype

    @property
    def incidents(self) -> Mapping[str, int]:
        """What went wrong on the way in, without stopping the stream, and how often."""
        return dict(self._incidents)

    @property
    def is_closed(self) -> bool:
        """Whether somebody has closed the source."""
        return self._closing.is_set()

    def __iter__(self) -> Iterator[Frame]:
        waiting_since = time.monotonic()
        while not self._closing.is_set() and not self._exhausted:
            frame = self._look()
            if frame is not None:
                yield frame
                waiting_since = time.monotonic()
            elif self._silent_for(time.monotonic() - waiting_since):
                raise self._timed_out()

    def change(self, **settings: Any) -> None:
        """Change settings while another thread iterates; the frames after it, and what is known of them, fit.

        Parameters
        ----------
        **settings
            Of those in `changeable`; the others stay as they are.

        Raises
        ------
        InputError
            If this camera cannot change one of them, refuses a value, or is closed.
        DeviceError
            If the device does not answer.
        """
        if unknown := [name for name in settings if name not in self.changeable]:
            raise InputError(
                f"This camera changes {', '.join(self.changeable) or 'nothing'} while it runs",
                item=self._acquisition.name,
                came=f"was to change {unknown[0]}",
                remedy="Stop it and open it with other settings.",
            )
        with self._queue, self._held():
            self._change(settings)

    def close(self) -> None:
        """Release the device; a thread that waits for a frame stops waiting. Twice is harmless.

        A device that does not answer for a second is released by the waiting thread once it does.
        """
        self._closing.set()
        self._wake()
        if self._device.acquire(timeout=_CLOSE_S):
            try:
                self._release_once()
            finally:
                self._device.release()

    @abstractmethod
    def _poll(self) -> Frame | None:
        """Return the next frame, or None if none came within `SLICE_S` or the source was closed.

        Called by one thread at a time. A source that has come to its end sets ``_exhausted``.
        """

    @abstractmethod
    def _release(self) -> None:
        """Let go of the device; called once, never while `_poll` runs."""

    def _change(self, settings: Mapping[str, Any]) -> None:
        """Change settings; called while `_poll` does not run. Overridden where `changeable` names any."""
        return

    def _wake(self) -> None:
        """Make a `_poll` that waits on something else than the closing event return early."""
        return

    def _count(self, what: str, how_often: int = 1) -> None:
        self._incidents[what] += how_often

    @contextmanager
    def _held(self) -> Iterator[None]:
        """Keep the reader from the device for a while."""
        name = self._acquisition.name
        if not self._device.acquire(timeout=_ANSWER_S):
            raise DeviceError(
                "A camera that answers is needed", item=name, came=f"did not in {_ANSWER_S:g} s"
            )
        try:
            if self._closing.is_set():
                raise InputError("A camera that is open is needed", item=name, came="is closed")
            yield
        finally:
            self._device.release()

    def _look(self) -> Frame | None:
        with self._queue:  # else a reader that polls again and again would never let `change` in
            pass
        with self._device:
            try:
                return None if self._closing.is_set() else self._poll()
            finally:
                # close() gave up waiting for this thread and left the release to it
                if self._closing.is_set():
                    self._release_once()

    def _release_once(self) -> None:
        if not self._released:
            self._released = True
            self._release()

    def _silent_for(self, seconds: float) -> bool:
        return seconds > self._timeout_s and not self._closing.is_set() and not self._exhausted

    def _timed_out(self) -> SourceTimeoutError:
        return SourceTimeoutError(
            "A camera delivers frames",
            item=self._acquisition.name,
            came=f"gave none for {self._timeout_s:g} s",
            remedy="Check that it is running, then start again; or allow a longer time-out.",
        )


def checked_timeout(timeout_s: float) -> float:
    """Return a time-out in seconds.

    Raises
    ------
    InputError
        If it is not above 0.
    """
    if not timeout_s > 0:
        raise InputError("A time-out is a number of seconds above 0", came=f"{timeout_s} came")
    return timeout_s
