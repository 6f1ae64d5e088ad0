"""Rates and latencies of the live line, with percentiles; the recorder's speed; memory over a long run.

    python benchmarks/live.py                              # 512 x 512 at 100 and 2048 x 2048 at 25 frames/s
    python benchmarks/live.py --models mean katsuno-quarter --seconds 10
    python benchmarks/live.py --per-frame --device cuda    # transfers and network alone
    python benchmarks/live.py --soak 30                    # minutes: memory of the simulated camera, recorded

Frames are simulated beforehand and played at the camera's rate, so that the simulation costs nothing. Latency
runs from the end of exposure to the finished view, ready to be shown; drawing it is the viewer's. Lost frames
are those the line was too slow to take from the camera, dropped ones those it took but had no time for.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import psutil

from napari_emrestore.cameras import LiveSource, open_camera
from napari_emrestore.core import IntensityMap, WriteError
from napari_emrestore.pipeline.live import LiveLine
from napari_emrestore.pipeline.live_settings import LiveSettings
from napari_emrestore.pipeline.recorder import Recorder
from napari_emrestore.restoration import load_restorer, tune_allocator
from napari_emrestore.restoration.streaming import StreamRestorer

if TYPE_CHECKING:
    from collections.abc import Iterator

STREAMS = {"512": ((512, 512), 100.0), "2048": ((2048, 2048), 25.0)}
HELD = 32  # frames a camera's driver typically holds for a slow reader
CLASSICAL = ("raw", "mean", "gaussian")
WARM_UP_S = 3.0
COMPILING_S = 120.0  # until the first view, on a busy machine


def played(shape: tuple[int, int]) -> np.ndarray:
    """Return simulated frames to be played, as many as fit into 256 MB."""
    count = max(8, min(64, (256 << 20) // (2 * shape[0] * shape[1])))
    with open_camera("simulated", frame_shape=shape, frame_rate_hz=None, specimen_px=2048) as camera:
        forth = np.stack([frame.data for _, frame in zip(range(count), camera, strict=False)])
    # back and forth, so that the view does not jump at the end
    return np.concatenate([forth, forth[-2:0:-1]])


@contextmanager
def camera(frames: np.ndarray, rate_hz: float) -> Iterator[LiveSource]:
    with open_camera("replay", source=frames, frame_rate_hz=rate_hz, repeat=True, held_frames=HELD) as source:
        yield source


def watch(line: LiveLine, seconds: float) -> list[float]:
    """Show what comes for some seconds; return the latencies."""
    latencies, until = [], time.monotonic() + seconds
    while time.monotonic() < until:
        view = line.wait(0.1)
        if view is not None:
            line.shown(view)
            latencies.append(view.latency_s)
    return latencies


def row(frames: np.ndarray, rate_hz: float, model: str, length: int, seconds: float, device: str) -> str:
    settings = LiveSettings(model=None if model == "raw" else model, frames=length, device=device)
    with camera(frames, rate_hz) as source, LiveLine(source, settings).prepare() as line:
        line.wait(COMPILING_S)
        watch(line, WARM_UP_S)
        before, cpu, start = line.counters(), time.process_time(), time.monotonic()
        latencies = watch(line, seconds)
        after, elapsed = line.counters(), time.monotonic() - start
        cpu = time.process_time() - cpu
    made = after.made - before.made
    acquired = (after.acquired - before.acquired) / elapsed
    p50, p95, p99 = np.percentile(latencies, (50, 95, 99)) * 1000 if latencies else (np.nan,) * 3
    return (
        f"{model:16} {length:6}   {acquired:8.1f} {made / elapsed:9.1f}   "
        f"{p50:6.1f} {p95:6.1f} {p99:6.1f}   {1000 * cpu / made if made else np.nan:8.1f}   "
        f"{after.lost_by_source - before.lost_by_source:5} "
        f"{after.dropped_by_ring - before.dropped_by_ring:7}"
    )


def per_frame(model: str, shape: tuple[int, int], length: int, seconds: float, device: str) -> str:
    """Send frame after frame to a device and wait for each result: nothing but transfers, shifts, network."""
    restorer = load_restorer(model, device=device)
    length = min(length, restorer.frames[1])
    stream = StreamRestorer(restorer, shape, np.dtype(np.uint16), length)
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 4000, (8, *shape), np.uint16)
    shifts = [(0.3 * k, -0.6 * k) for k in range(length - 1, -1, -1)]
    mapping, took, began, number = IntensityMap.from_signal(frames[0]), [], time.monotonic(), 0
    while time.monotonic() - began < WARM_UP_S + seconds:
        start = time.perf_counter()
        stream.put(frames[number % len(frames)], number % length)
        stream.restore([(number + 1 + k) % length for k in range(length)], shifts, mapping)
        if time.monotonic() - began > WARM_UP_S:
            took.append(time.perf_counter() - start)
        number += 1
    p50, p95, p99 = np.percentile(took, (50, 95, 99)) * 1000
    how = "recorded as a graph" if stream.is_graph else "operation by operation"
    return (
        f"{model:16} {length:6}   {p50:6.1f} {p95:6.1f} {p99:6.1f}   {len(took):5} frames, "
        f"{restorer.precision}, {how}, {restorer.device}"
    )


def recording(frames: np.ndarray, rate_hz: float, seconds: float) -> str:
    folder = Path(tempfile.mkdtemp())
    try:
        with camera(frames, rate_hz) as source:
            recorder, line = Recorder(folder / "a.zarr", source), LiveLine(source)
            line.record(recorder)
            with line:
                watch(line, seconds)
            try:
                recorder.stop()
            except WriteError as error:  # a busy disk: that it says so is the point
                return str(error)
        status = recorder.status()
        megabytes = status.written * frames[0].nbytes / 2**20
        return f"recorded {status.written} of {status.received} frames, {megabytes / seconds:.0f} MiB/s"
    finally:
        shutil.rmtree(folder)


def soak(minutes: float) -> None:
    """Run the simulated camera, record half a minute again and again, and print how memory goes.

    The first round, in which everything is loaded and compiled, is what the others are compared with.
    """
    process, folder = psutil.Process(), Path(tempfile.mkdtemp())
    with (
        open_camera("simulated", frame_rate_hz=25.0) as source,
        LiveLine(source, LiveSettings("mean")) as line,
    ):
        first, start, number = 0, time.monotonic(), 0
        while time.monotonic() - start < 60 * minutes and line.is_running:
            recorder = Recorder(folder / f"{number}.zarr", source)
            line.record(recorder)
            watch(line, 30.0)
            line.record(None)
            shutil.rmtree(recorder.stop())
            number += 1
            now = process.memory_info().rss
            first = first or now
            elapsed = (time.monotonic() - start) / 60
            print(f"{elapsed:5.1f} min: {now / 2**20:.0f} MiB ({(now - first) / 2**20:+.1f})", end="  ")
            print(line.counters(), flush=True)
        if line.failure is not None:
            raise line.failure
    shutil.rmtree(folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--models", nargs="+", default=["raw", "mean", "gaussian", "katsuno-quarter"])
    parser.add_argument("--streams", nargs="+", choices=STREAMS, default=list(STREAMS))
    parser.add_argument("--frames", type=int, default=5, help="newest frames per view")
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--per-frame", action="store_true", help="learned models alone, without the line")
    parser.add_argument("--soak", type=float, metavar="MINUTES")
    asked = parser.parse_args()
    tune_allocator()
    if asked.soak:
        soak(asked.soak)
        return
    for name in asked.streams if asked.per_frame else ():
        shape, _ = STREAMS[name]
        print(f"\n{shape[0]} x {shape[1]}, one frame after the other, transfers included")
        print("model            frames   latency ms 50/95/99%")
        for model in (m for m in asked.models if m not in CLASSICAL):
            print(per_frame(model, shape, asked.frames, asked.seconds, asked.device), flush=True)
    for name in () if asked.per_frame else asked.streams:
        shape, rate_hz = STREAMS[name]
        frames = played(shape)
        print(f"\n{shape[0]} x {shape[1]}, camera at {rate_hz:g} frames/s, {asked.seconds:g} s each")
        print(
            "model            frames acquired/s   views/s   latency ms 50/95/99%   CPU ms/view   lost dropped"
        )
        for model in asked.models:
            print(row(frames, rate_hz, model, asked.frames, asked.seconds, asked.device), flush=True)
        print(recording(frames, rate_hz, asked.seconds), flush=True)


if __name__ == "__main__":
    main()
