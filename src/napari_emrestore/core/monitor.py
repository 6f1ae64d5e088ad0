"""One way to report progress and to be asked to stop."""

from __future__ import annotations

from typing import Protocol


class Monitor(Protocol):
    """What long work reports to; the one place where a stop request comes in."""

    def step(self, done: int, total: int, note: str = "") -> None:
        """Tell that `done` of `total` steps are finished.

        Called at least once per tile, frame or training step, from the thread that works.

        Parameters
        ----------
        done, total : int
            Finished steps and all steps of the current stage; ``done == total`` ends the stage.
        note : str
            The stage in a few words, for example ``"aligning frames"``.

        Raises
        ------
        Cancelled
            When the user has asked to stop.
        """
        ...


class SilentMonitor:
    """A monitor that shows nothing and never stops the work."""

    def step(self, done: int, total: int, note: str = "") -> None:
        """Do nothing."""


SILENT: Monitor = SilentMonitor()
