"""Progress of several restorations, one after the other, as one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_emrestore.core import Monitor


class Stages:
    """A monitor of one stage after the other, told to another as shares of the whole.

    Parameters
    ----------
    monitor : Monitor
        Hears of it, and may stop it.
    count : int
        Number of stages.
    """

    def __init__(self, monitor: Monitor, count: int) -> None:
        self._monitor, self._count = monitor, count
        self._begun, self._note = 0, ""

    def begin(self, note: str) -> Stages:
        """Begin the next stage, which is told as `note`."""
        self._begun += 1
        self._note = note
        return self

    def step(self, done: int, total: int, note: str = "") -> None:
        """Tell that `done` of `total` steps of this stage are finished, all stages being alike."""
        self._monitor.step((self._begun - 1) * total + done, self._count * total, self._note or note)
