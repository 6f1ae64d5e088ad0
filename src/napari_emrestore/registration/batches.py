"""Run independent pieces of work, side by side where that helps, with progress and a way to stop."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari_emrestore.core import Monitor

    R = TypeVar("R")


def run_batches(
    jobs: Sequence[Callable[[], R]],
    parallel: bool,
    sizes: Sequence[int],
    monitor: Monitor,
    note: str = "aligning frames",
) -> list[R]:
    """Return the results of the jobs in their order.

    Parameters
    ----------
    jobs : sequence of callables
        Independent of each other.
    parallel : bool
        Use a thread for each core this process may use; else one after the other in this thread.
    sizes : sequence of int
        How many frames each job holds, for the monitor.
    monitor : Monitor
        Told, from this thread, after each job; when it raises, jobs not yet begun are dropped.
    note : str
        The stage, for the monitor.
    """
    threads = min(len(jobs), cores()) if parallel else 1
    results: dict[int, R] = {}
    done = 0
    if threads <= 1:
        for k, job in enumerate(jobs):
            results[k] = job()
            done += sizes[k]
            monitor.step(done, sum(sizes), note)
    else:
        with ThreadPoolExecutor(threads) as pool:
            begun = {pool.submit(job): k for k, job in enumerate(jobs)}
            try:
                for future in as_completed(begun):
                    k = begun[future]
                    results[k] = future.result()
                    done += sizes[k]
                    monitor.step(done, sum(sizes), note)
            except BaseException:
                pool.shutdown(wait=True, cancel_futures=True)
                raise
    return [results[k] for k in range(len(jobs))]


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
