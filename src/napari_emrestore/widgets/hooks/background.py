"""Work of a command or script, which has no dock that could own it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.utils.notifications import show_error

from napari_emrestore.widgets.jobs import Jobs

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_emrestore.widgets.jobs import JobMonitor

_AT_WORK: set[Jobs] = set()


def start(title: str, work: Callable[[JobMonitor], Any], show: Callable[[Any], None]) -> Jobs:
    """Return the job that does some work; napari's activity dock shows it and can cancel it.

    Parameters
    ----------
    title : str
        What is going on.
    work : callable
        Runs in a thread.
    show : callable
        Gets what the work returned, on the main thread. An error of ours is shown as a notification.
    """
    jobs = Jobs()
    _AT_WORK.add(jobs)
    jobs.succeeded.connect(show)
    jobs.failed.connect(lambda error: show_error(str(error)))
    jobs.ended.connect(lambda: _forget(jobs))
    jobs.start(title, work)
    return jobs


def at_work() -> int:
    """Return how many jobs of commands and scripts are at work."""
    return len(_AT_WORK)


def _forget(jobs: Jobs) -> None:
    _AT_WORK.discard(jobs)
    # here, on the main thread; the garbage collector might come by in another
    jobs.deleteLater()
