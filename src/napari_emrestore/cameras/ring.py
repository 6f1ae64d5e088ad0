"""The newest frames of a camera, for a reader that may be slower than the camera."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

from napari_emrestore.core import InputError

if TYPE_CHECKING:
    from napari_emrestore.core import Frame


class Ring:
    """Holds the newest `capacity` frames; the camera is never blocked, what the reader misses is counted.

    One thread puts, one takes; frames are handed over, not copied.

    Parameters
    ----------
    capacity : int
        Most frames held, at least 1.
    """

    def __init__(self, capacity: int) -> None:
        self._waiting: deque[Frame] = deque()
        self._changed = threading.Condition()
        self._capacity = 1
        self._ended = False
        self._acquired = 0
        self._lost = 0
        self._dropped = 0
        self._last_index: int | None = None
        self.resize(capacity)

    @property
    def acquired(self) -> int:
        """Frames that came in."""
        return self._acquired

    @property
    def lost(self) -> int:
        """Frames that the source numbered but did not deliver."""
        return self._lost

    @property
    def dropped(self) -> int:
        """Frames that came in and were overwritten before the reader took them."""
        return self._dropped

    @property
    def ended(self) -> bool:
        """Whether no frame will come any more."""
        return self._ended

    def put(self, frame: Frame) -> None:
        """Add the newest frame; the oldest one nobody took makes room."""
        with self._changed:
            if self._last_index is not None:
                self._lost += max(0, frame.index - self._last_index - 1)
            self._last_index = frame.index
            self._acquired += 1
            self._waiting.append(frame)
            self._drop_down_to(self._capacity)
            self._changed.notify_all()

    def wait(self, timeout_s: float) -> None:
        """Wait until there is a frame to take or the stream has ended, up to `timeout_s` seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._ended, timeout_s)

    def take(self, most: int) -> list[Frame]:
        """Return the newest frames not yet taken, oldest first; older ones than `most` count as dropped."""
        with self._changed:
            self._drop_down_to(most)
            taken = list(self._waiting)
            self._waiting.clear()
            return taken

    def resize(self, capacity: int) -> None:
        """Hold another number of frames from now on.

        Raises
        ------
        InputError
            If it is below 1.
        """
        if capacity < 1:
            raise InputError("A ring holds at least one frame", came=f"a capacity of {capacity} came")
        with self._changed:
            self._capacity = capacity
            self._drop_down_to(capacity)

    def end(self) -> None:
        """Say that no frame will come any more; a waiting reader returns."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _drop_down_to(self, most: int) -> None:
        while len(self._waiting) > most:
            self._waiting.popleft()
            self._dropped += 1
