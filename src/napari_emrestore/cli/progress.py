"""Progress bars with the time left, and the place where Ctrl-C takes effect."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_emrestore.core import Cancelled

if TYPE_CHECKING:
    import threading
    from types import TracebackType

    from rich.console import Console
    from rich.progress import Progress, TaskID


class ProgressMonitor:
    """A `Monitor` that draws one bar per stage on a console.

    A stage is what the work calls it; its bar goes when the stage is done. Where the console is no
    terminal (a log file, a pipe) nothing is drawn.

    Parameters
    ----------
    stop : threading.Event
        Set when the user asked to stop.
    console : rich.console.Console
        Where to draw.
    """

    def __init__(self, stop: threading.Event, console: Console) -> None:
        self._stop = stop
        self._bars: Progress | None = _bars(console) if console.is_terminal else None
        self._stages: dict[str, TaskID] = {}

    def __enter__(self) -> ProgressMonitor:
        if self._bars:
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bars:
            self._bars.stop()

    def step(self, done: int, total: int, note: str = "") -> None:
        """Move the bar of stage `note`; raise `Cancelled` if the user asked to stop."""
        if self._stop.is_set():
            raise Cancelled(note or "the run")
        if self._bars is None:
            return
        if note not in self._stages:
            self._stages[note] = self._bars.add_task(note or "working", total=total)
        self._bars.update(self._stages[note], completed=done, total=total)
        if done >= total:
            self._bars.remove_task(self._stages.pop(note))


def _bars(console: Console) -> Progress:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    )
