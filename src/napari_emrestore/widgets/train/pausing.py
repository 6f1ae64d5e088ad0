"""Work that waits at its next step while a person wants it to."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from napari_emrestore.widgets.jobs import JobMonitor

_WAKES_S = 0.05


class Pause:
    """Whether work is to wait; set on the main thread, read by the work."""

    def __init__(self) -> None:
        self._go = threading.Event()
        self._go.set()

    @property
    def is_on(self) -> bool:
        """Whether work waits at its next step."""
        return not self._go.is_set()

    def set(self, on: bool) -> None:
        """Let the work wait, or go on."""
        if on:
            self._go.clear()
        else:
            self._go.set()

    def wait(self) -> bool:
        """Wait a moment for the work to be let on; return whether it is."""
        return self._go.wait(_WAKES_S)


class PausingMonitor:
    """A `Monitor` that holds the work while a pause is on; asking to stop ends the pause.

    Parameters
    ----------
    inner : JobMonitor
        Who is told.
    pause : Pause
        Of the person.
    """

    def __init__(self, inner: JobMonitor, pause: Pause) -> None:
        self._inner = inner
        self._pause = pause

    def step(self, done: int, total: int, note: str = "") -> None:
        """Pass a step on; wait in it while paused."""
        self._inner.step(done, total, note)
        if not self._pause.is_on:
            return
        while not self._pause.wait():
            self._inner.step(done, total, note)
        self._inner.time_anew()

    def show(self, part: Any) -> None:
        """Pass a part of the result on."""
        self._inner.show(part)
