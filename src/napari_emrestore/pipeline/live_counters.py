"""Counting and timing on the live line: rates of the last seconds, percentiles of the latency."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass

import numpy as np

_WINDOW_S = 2.0
_REMEMBERED = 512


@dataclass(frozen=True, slots=True)
class LiveCounters:
    """Where the frames went, since the line was started.

    Attributes
    ----------
    acquired : int
        Frames that came from the source.
    lost_by_source : int
        Frames the source numbered but did not deliver.
    dropped_by_ring : int
        Frames that came and were not looked at, because newer ones came before the line was ready.
    passed_over : int
        Frames that were looked at and are in no restoration, because newer ones came before it was ready.
    made : int
        Views made: newest frames, each with the newest restoration there was.
    restored : int
        Restorations made.
    superseded : int
        Views that a newer one replaced before anybody looked.
    shown : int
        Views that were shown.
    view_lost : int
        How often a frame was like nothing before, so that the burst began anew.
    acquired_fps, made_fps, restored_fps, shown_fps : float
        Rates of the last two seconds; 0 if there were fewer than two.
    latency_ms_p50, latency_ms_p95 : float
        From the end of exposure to the screen, over the last 512 views shown; NaN before the first.
    restored_latency_ms_p50, restored_latency_ms_p95 : float
        The same of the newest frame in each restoration, when it was first shown.
    """

    acquired: int
    lost_by_source: int
    dropped_by_ring: int
    passed_over: int
    made: int
    restored: int
    superseded: int
    shown: int
    view_lost: int
    acquired_fps: float
    made_fps: float
    restored_fps: float
    shown_fps: float
    latency_ms_p50: float
    latency_ms_p95: float
    restored_latency_ms_p50: float
    restored_latency_ms_p95: float


class Rate:
    """How often something happened, and how fast lately; told by one thread, asked by any."""

    def __init__(self) -> None:
        self.count = 0
        self._times: deque[float] = deque(maxlen=_REMEMBERED)
        self._turn = threading.Lock()

    def tick(self) -> None:
        """Count one."""
        with self._turn:
            self.count += 1
            self._times.append(time.monotonic())

    def per_second(self) -> float:
        """Return the rate over the last two seconds."""
        since = time.monotonic() - _WINDOW_S
        with self._turn:
            lately = [t for t in self._times if t >= since]
        if len(lately) < 2 or lately[-1] == lately[0]:
            return 0.0
        return (len(lately) - 1) / (lately[-1] - lately[0])


class Latencies:
    """Times in seconds, of which percentiles are asked."""

    def __init__(self) -> None:
        self._seconds: deque[float] = deque(maxlen=_REMEMBERED)
        self._turn = threading.Lock()

    def add(self, seconds: float) -> None:
        """Remember one."""
        with self._turn:
            self._seconds.append(seconds)

    def percentiles_ms(self) -> tuple[float, float]:
        """Return the median and the 95th percentile in ms; NaN if there is none."""
        with self._turn:
            seconds = list(self._seconds)
        if not seconds:
            return float("nan"), float("nan")
        p50, p95 = np.percentile(seconds, (50, 95))
        return float(p50) * 1000, float(p95) * 1000
