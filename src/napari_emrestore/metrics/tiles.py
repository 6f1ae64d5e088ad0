"""How a pair of images is cut for the kernels and spread over threads.

Plain threads, which the kernels let run, and not numba's own threading layer: that one must not be
entered by two threads at once, nor after a fork.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_PIXELS_PER_THREAD = 1 << 17

Tile = tuple[slice, slice]
Job = TypeVar("Job")
Answer = TypeVar("Answer")


def plan_tiles(shape: tuple[int, ...], core: tuple[int, int], overlap: int = 0) -> list[Tile]:
    """Return the tiles of an image, each reaching `overlap` pixels beyond its core, down and right.

    The cores cover the first ``(Y - overlap, X - overlap)`` pixels, each exactly once.
    """
    rows, columns = shape[0] - overlap, shape[1] - overlap
    return [
        (slice(y, min(y + core[0], rows) + overlap), slice(x, min(x + core[1], columns) + overlap))
        for y in range(0, rows, core[0])
        for x in range(0, columns, core[1])
    ]


def spread(work: Callable[[Job], Answer], jobs: Sequence[Job], pixels: int) -> list[Answer]:
    """Return the answers of `work` for all jobs, in order, on as many threads as `pixels` are worth."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    threads = min(available, pixels // _PIXELS_PER_THREAD, len(jobs))
    if threads <= 1:
        return [work(job) for job in jobs]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(work, jobs))
