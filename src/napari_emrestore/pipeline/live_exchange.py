"""Where the threads of the live line meet: newest frames in, newest restoration in, newest view out."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from napari_emrestore.pipeline.live_counters import Rate
from napari_emrestore.pipeline.live_views import is_of, view_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_emrestore.pipeline.live_observing import Seen
    from napari_emrestore.pipeline.live_restoring import Restored
    from napari_emrestore.pipeline.live_views import LiveView

TOGETHER_S = 1 / 30
"""How long a frame waits for its restoration before it is shown without; no screen shows more frames."""


class Exchange:
    """Puts newest frames and newest restoration together; what is newest wins everywhere.

    A restorer that keeps up with the screen shows every frame with its own restoration. With a slower one,
    frames are shown beside the newest restoration there is, which may be of an earlier one.

    Attributes
    ----------
    made, restored : Rate
        Views handed over, and restorations.
    superseded : int
        Views that a newer one replaced before anybody took them.
    passed_over : int
        Frames that were in no restoration, since newer ones came before the restorer was ready.
    """

    def __init__(self) -> None:
        self.made, self.restored = Rate(), Rate()
        self.superseded = self.passed_over = 0
        self._turn = threading.Condition()
        self._seen: Seen | None = None
        self._shown: Seen | None = None
        self._asked: Seen | None = None
        self._newest: Restored | None = None
        self._slot: LiveView | None = None
        self._is_busy = self._ended = False
        self._taken = 0
        self._due_s = self._handed_s = 0.0

    def saw(self, seen: Seen) -> None:
        """Take the newest frames; they are shown at once, or wait a moment for their restoration."""
        with self._turn:
            self._seen = seen
            if seen.restorer is None:
                self._asked, self._taken = None, seen.count
                self._show(seen)
                return
            is_waited_for = self._is_busy or self._asked is not None
            self._due_s = (self._handed_s if is_waited_for else time.monotonic()) + TOGETHER_S
            self._asked = seen
            self._turn.notify_all()

    def show_due(self) -> None:
        """Show the newest frame without its restoration if it has waited long enough."""
        with self._turn:
            if self._waits() and time.monotonic() >= self._due_s and self._seen is not None:
                self._show(self._seen)

    def patience_s(self, most_s: float) -> float:
        """Return in how many seconds `show_due` has something to do; `most_s` at most."""
        with self._turn:
            return max(0.0, min(most_s, self._due_s - time.monotonic())) if self._waits() else most_s

    def take(self, timeout_s: float) -> Seen | None:
        """Return the newest frames that are to be restored, waiting for some; None if none came."""
        with self._turn:
            self._turn.wait_for(lambda: self._asked is not None or self._ended, timeout_s)
            seen, self._asked = self._asked, None
            if seen is not None:
                self._is_busy = True
                self.passed_over += max(0, seen.count - self._taken - len(seen.places))
                self._taken = seen.count
            return seen

    def give(self, restored: Restored) -> None:
        """Take the restoration of what `take` returned, and show it."""
        with self._turn:
            self._is_busy, self._newest = False, restored
            if restored.restoration is not None:
                self.restored.tick()
            if self._shown is None or self._shown.count <= restored.seen.count:
                self._show(restored.seen)
            elif self._seen is not None and is_of(restored, self._seen):
                self._show(self._seen)

    def newest(self, timeout_s: float, is_over: Callable[[], bool]) -> LiveView | None:
        """Return the newest view not handed out yet, waiting for one until it is over."""
        with self._turn:
            self._turn.wait_for(lambda: self._slot is not None or is_over(), timeout_s)
            view, self._slot = self._slot, None
            return view

    @property
    def is_drained(self) -> bool:
        """Whether nothing more is to be restored."""
        return self._ended and self._asked is None

    def end(self) -> None:
        """Say that no frame will come any more; whoever waits looks again."""
        with self._turn:
            self._ended = True
            self._turn.notify_all()

    def wake(self) -> None:
        """Let whoever waits look again whether it is over."""
        with self._turn:
            self._turn.notify_all()

    def _waits(self) -> bool:
        """Return whether the newest frame has not been shown."""
        return self._seen is not None and self._seen is not self._shown

    def _show(self, seen: Seen) -> None:
        self._shown, self._handed_s = seen, time.monotonic()
        self._due_s = max(self._due_s, self._handed_s + TOGETHER_S)
        self.made.tick()
        self.superseded += self._slot is not None
        self._slot = view_of(seen, self._newest)
        self._turn.notify_all()
