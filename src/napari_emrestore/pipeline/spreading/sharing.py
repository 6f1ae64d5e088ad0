"""Tasks handed out few at a time, whoever works on them: bounded memory, progress, stop at any moment."""

from __future__ import annotations

from concurrent.futures import FIRST_COMPLETED, Future, wait
from itertools import islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from napari_emrestore.core import Monitor
    from napari_emrestore.pipeline.spreading.crews import Crew

_PER_HAND = 2  # one at work and one at hand
_PATIENCE_S = 0.2  # longest wait between two looks at a stop request


def share_out(
    crew: Crew,
    work: Callable[[Any], Any],
    tasks: Iterable[Any],
    take: Callable[[Any], None],
    *,
    done: int,
    total: int,
    monitor: Monitor,
    what: str,
) -> None:
    """Have a crew do tasks, in any order, and take what each gives as it comes.

    Parameters
    ----------
    crew : Crew
        Who works.
    work : callable
        What is done with one task; what it returns must be small, pixels go to disk where they are made.
    tasks : iterable
        Drawn only when there are hands for them, two for each.
    take : callable
        Told what a task gave, in this thread.
    done, total : int
        Tasks finished before, and all.
    monitor : Monitor
        Told after every task, and several times a second in between.
    what : str
        What is done, for the monitor.

    Raises
    ------
    EmRestoreError
        What a task raised, or `DeviceError` where the crew failed.
    Cancelled
        When `monitor` says so; tasks at work end on their own, their results are not taken.
    """
    drawn = iter(tasks)
    waiting: set[Future[Any]] = set()
    try:
        while True:
            monitor.step(done, total, f"{what}, {crew.name}")
            free = max(0, _PER_HAND * crew.hands() - len(waiting))
            waiting |= {crew.submit(work, task) for task in islice(drawn, free)}
            if not waiting:
                return
            ready, waiting = wait(waiting, _PATIENCE_S, FIRST_COMPLETED)
            for future in ready:
                take(crew.outcome(future))
                done += 1
    finally:
        for future in waiting:
            future.cancel()
