"""When frames of a paced source are due, and which of them came too late for a slow reader."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from napari_emrestore.core import InputError

if TYPE_CHECKING:
    import threading


class FrameClock:
    """Ticks at a frame rate from the first frame asked for.

    Parameters
    ----------
    rate_hz : float, optional
        Frames per second; ``None`` makes every frame due at once.
    held : int, optional
        Frames the camera keeps for a slow reader; older ones are lost. ``None`` loses none.
    """

    def __init__(self, rate_hz: float | None, held: int | None = None) -> None:
        if rate_hz is not None and not rate_hz > 0:
            raise InputError("A frame rate is a number above 0", came=f"{rate_hz} came")
        self._period_s = None if rate_hz is None else 1 / rate_hz
        self._held = held
        self._start_s: float | None = None

    def due(self, index: int, closing: threading.Event, at_most_s: float) -> bool:
        """Return whether frame `index` is finished; waits up to `at_most_s` seconds, less when closing."""
        if self._period_s is None:
            return not closing.is_set()
        wait_s = self.end_of(index) - time.monotonic()
        if wait_s > 0:
            closing.wait(min(wait_s, at_most_s))
        return wait_s <= at_most_s and not closing.is_set()

    def end_of(self, index: int) -> float:
        """Return when the exposure of frame `index` ends, ``time.monotonic`` seconds."""
        if self._period_s is None:
            return time.monotonic()
        if self._start_s is None:
            self._start_s = time.monotonic() - index * self._period_s
        return self._start_s + (index + 1) * self._period_s

    def oldest_held(self, index: int) -> int:
        """Return the frame to hand out next if the reader expects `index`: that, or a later one."""
        if self._period_s is None or self._held is None or self._start_s is None:
            return index
        finished = int((time.monotonic() - self._start_s) / self._period_s)
        return max(index, finished - self._held)
