"""Rates and latencies of the live line, with percentiles; the recorder's speed; memory over a long run.

    python benchmarks/live.py                              # 512 x 512 at 100 and 2048 x 2048 at 25 frames/s
    python benchmarks/live.py --models mean katsuno-quarter --seconds 10
    python benchmarks/live.py --slow 1                     # the view of frames beside a restorer of 1 s
    python benchmarks/live.py --per-frame                  # transfers and network alone
    python benchmarks/live.py --per-frame --device cuda    # the same on a graphics card
    python benchmarks/live.py --soak 30                    # minutes: memory of camera, line and recordings

Frames are simulated beforehand and played at the camera's rate, so that the simulation costs nothing. Latency
runs from the end of exposure to the finished view, ready to be shown; drawing it is the viewer's. Lost frames
are those the line was too slow to take from the camera, dropped ones those it took but had no time for,
passed over are those that were shown at most, since newer ones came before the restorer was ready.
"""

from __future__ import annotations

import argparse
import math
import shutil
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil

from napari_emrestore.cameras import LiveSource, open_camera
from napari_emrestore.core import DeviceError, IntensityMap, TilingRule, WriteError
from napari_emrestore.models import list_models
from napari_emrestore.pipeline.live import LiveLine
from napari_emrestore.pipeline.live_settings import LiveSettings
from napari_emrestore.pipeline.recorder import CircularRecorder, Recorder
from napari_emrestore.restoration import TorchRestorer, load_restorer, pick_device, tune_allocator
from napari_emrestore.restoration.streaming import StreamRestorer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from napari_emrestore.core import Restorer

STREAMS = {"512": ((512, 512), 100.0), "2048": ((2048, 2048), 25.0)}
HELD = 32  # frames a camera's driver typically holds for a slow reader
CLASSICAL = ("raw", "mean", "gaussian")
TRIED = (256, 256)  # to find the fastest network
WARM_UP_S = 3.0
COMPILING_S = 120.0  # until the first view, on a busy machine
KATSUNO_MS = (8.0, 3.3)  # doi:10.1017/S1431927621013799
SOAK_HZ, SOAK_HELD_S, SOAK_SETTLED_S = 30.0, 10.0, 120.0


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


@dataclass
class Watched:
    """What was seen in some seconds.

    Attributes
    ----------
    latencies_s, restored_latencies_s : list of float
        Of views, and of restorations when they were first in a view.
    frames : int
        Different frames that were in a view.
    """

    latencies_s: list[float] = field(default_factory=list)
    restored_latencies_s: list[float] = field(default_factory=list)
    frames: int = 0


def watch(line: LiveLine, seconds: float) -> Watched:
    """Show what comes for some seconds."""
    found, until, raw, restored = Watched(), time.monotonic() + seconds, None, None
    while time.monotonic() < until:
        view = line.wait(0.1)
        if view is None:
            continue
        line.shown(view)
        found.latencies_s.append(view.latency_s)
        found.frames += view.raw is not raw
        raw = view.raw
        if view.restored_raw is not None and view.restored is not restored:
            restored = view.restored
            found.restored_latencies_s.append(time.monotonic() - (view.restored_raw.time_s or 0.0))
    return found


def percentiles(seconds: list[float]) -> str:
    p50, p95, p99 = np.percentile(seconds, (50, 95, 99)) * 1000 if seconds else (np.nan,) * 3
    return f"{p50:7.1f} {p95:7.1f} {p99:7.1f}"


HEADER = (
    "model              frames acquired/s   views/s restored/s   latency ms 50/95/99% of views, of restored"
    "    CPU ms/view   lost dropped passed"
)


def row(
    frames: np.ndarray,
    rate_hz: float,
    settings: LiveSettings,
    seconds: float,
    loader: Callable[[LiveSettings], Restorer] | None = None,
) -> str:
    with camera(frames, rate_hz) as source, LiveLine(source, settings, loader=loader).prepare() as line:
        line.wait(COMPILING_S)
        watch(line, WARM_UP_S)
        before, cpu, start = line.counters(), time.process_time(), time.monotonic()
        seen = watch(line, seconds)
        after, elapsed = line.counters(), time.monotonic() - start
        cpu = time.process_time() - cpu
    made = after.made - before.made
    acquired, restored = after.acquired - before.acquired, after.restored - before.restored
    return (
        f"{settings.model or 'raw':18} {settings.frames:6}   {acquired / elapsed:8.1f} "
        f"{seen.frames / elapsed:9.1f} {restored / elapsed:10.1f}   {percentiles(seen.latencies_s)}  "
        f"{percentiles(seen.restored_latencies_s)}   {1000 * cpu / made if made else np.nan:10.1f}   "
        f"{after.lost_by_source - before.lost_by_source:5} "
        f"{after.dropped_by_ring - before.dropped_by_ring:7} {after.passed_over - before.passed_over:6}"
    )


class Sleeper:
    """A restorer of single frames that takes its time, without using the processor."""

    id, version, device, frames, tiling = "sleeper", "1", "cpu", (1, 1), TilingRule(mode="whole")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def describe(self) -> dict[str, Any]:
        """Return what identifies it."""
        return {"id": self.id, "version": self.version, "weights_sha256": ""}

    def restore_window(self, frames: np.ndarray) -> np.ndarray:
        """Return the first frame, late."""
        time.sleep(self._seconds)
        return frames[0]


def per_frame(model: str, shape: tuple[int, int], length: int, seconds: float, device: str) -> str:
    """Send frame after frame to a device and wait for each result: nothing but transfers, shifts, network."""
    restorer = load_restorer(model, device=device)
    if not isinstance(restorer, TorchRestorer):
        return f"{model:18} is no network of torch"
    length = length if restorer.frames[1] == 1 else min(length, restorer.frames[1])
    stream = StreamRestorer(restorer, shape, np.dtype(np.uint16), length)
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 4000, (8, *shape), np.uint16)
    shifts = [(0.3 * k, -0.6 * k) for k in range(length - 1, -1, -1)]
    mapping, took, cpu, began, number = IntensityMap.from_signal(frames[0]), [], 0.0, time.monotonic(), 0
    while time.monotonic() - began < WARM_UP_S + seconds or not took:
        start, cpu_start = time.perf_counter(), time.process_time()
        stream.put(frames[number % len(frames)], number % length)
        stream.restore([(number + 1 + k) % length for k in range(length)], shifts, mapping)
        if time.monotonic() - began > WARM_UP_S:
            took.append(time.perf_counter() - start)
            cpu += time.process_time() - cpu_start
        number += 1
    how = "recorded as a graph" if stream.is_graph else "operation by operation"
    return (
        f"{model:18} {length:6}   {percentiles(took)}   {1000 * cpu / len(took):7.1f}   "
        f"{len(took):5} frames, {restorer.precision}, {how}, {restorer.device}"
    )


def fastest(device: str) -> str:
    """Return the network with weights that takes least time for a frame; on a CPU, processor time."""
    clock = time.process_time if pick_device(device).name == "cpu" else time.perf_counter
    took: dict[str, float] = {}
    for card in list_models():
        restorer = load_restorer(card.id, device=device) if card.is_ready else None
        if not isinstance(restorer, TorchRestorer):
            continue
        frame = np.random.default_rng(0).random((restorer.frames[0], *TRIED), np.float32)
        restorer.restore_window(frame)
        start = clock()
        restorer.restore_window(frame)
        took[card.id] = clock() - start
    chosen = min(took, key=lambda name: took[name])
    size = " x ".join(map(str, TRIED))
    print(f"fastest of {len(took)} networks: {chosen}, {1000 * took[chosen]:.1f} ms for {size}")
    return chosen


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


def soak(minutes: float, rate_hz: float) -> None:
    """Run camera, line and a circular recording, keep the last seconds every minute, print how memory goes.

    The first two minutes, in which everything is loaded, compiled and filled, are not compared with.
    """
    process, folder = psutil.Process(), Path(tempfile.mkdtemp())
    frames, samples = played((512, 512)), []
    try:
        with (
            camera(frames, rate_hz) as source,
            LiveLine(source, LiveSettings("mean", frames=3)).prepare() as line,
        ):
            circle, start = CircularRecorder(source, SOAK_HELD_S), time.monotonic()
            line.record(circle)
            for number in range(1, math.ceil(minutes) + 1):
                while time.monotonic() - start < 60 * min(number, minutes) and line.is_running:
                    watch(line, 1.0)
                    samples.append((time.monotonic() - start, process.memory_info().rss / 2**20))
                kept = circle.keep(folder / f"{number}.zarr", counters=line.counters)
                shutil.rmtree(kept.wait())
                cpu = 100 * time.process_time() / (time.monotonic() - start)
                print(
                    f"{samples[-1][0] / 60:5.1f} min: {samples[-1][1]:.1f} MiB, {cpu:.0f} % of a core",
                    end="  ",
                )
                print(line.counters(), flush=True)
            failure = line.failure or line.sink_failure
    finally:
        shutil.rmtree(folder)
    if failure is not None:
        raise failure
    settled = [rss for at, rss in samples if at > SOAK_SETTLED_S] or [rss for _, rss in samples]
    print(f"{len(settled)} samples: first {settled[0]:.1f}, last {settled[-1]:.1f}, ", end="")
    print(f"least {min(settled):.1f}, most {max(settled):.1f} MiB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--models", nargs="+", default=["raw", "mean", "gaussian", "fastest"])
    parser.add_argument("--streams", nargs="+", choices=STREAMS, default=list(STREAMS))
    parser.add_argument("--frames", type=int, default=5, help="newest frames per view")
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--per-frame", action="store_true", help="learned models alone, without the line")
    parser.add_argument(
        "--slow", type=float, metavar="S", help="a restorer that takes so long, by the fastest"
    )
    parser.add_argument("--soak", type=float, metavar="MINUTES")
    parser.add_argument("--rate", type=float, help="frames/s, other than the usual ones of 25 to 100")
    asked = parser.parse_args()
    tune_allocator()
    try:
        pick_device(asked.device)
    except DeviceError as error:
        raise SystemExit(str(error)) from None
    if asked.soak:
        soak(asked.soak, asked.rate or SOAK_HZ)
        return
    if "fastest" in asked.models and not asked.slow:
        asked.models = [fastest(asked.device) if m == "fastest" else m for m in asked.models]
    if asked.per_frame:
        print_per_frame(asked)
    else:
        print_line(asked)


def print_per_frame(asked: argparse.Namespace) -> None:
    print(
        f"Katsuno et al. 2022 took {KATSUNO_MS[0]:g} ms per 512 x 512 frame and wanted {KATSUNO_MS[1]:g} ms"
    )
    for name in asked.streams:
        shape, _ = STREAMS[name]
        print(f"\n{shape[0]} x {shape[1]}, one frame after the other: upload, restoration, download")
        print("model              frames   latency ms 50/95/99%       CPU ms")
        for model in (m for m in asked.models if m not in CLASSICAL):
            print(per_frame(model, shape, asked.frames, asked.seconds, asked.device), flush=True)


def print_line(asked: argparse.Namespace) -> None:
    for name in asked.streams:
        shape, usual_hz = STREAMS[name]
        frames, rate_hz = played(shape), asked.rate or usual_hz
        print(f"\n{shape[0]} x {shape[1]}, camera at {rate_hz:g} frames/s, {asked.seconds:g} s each")
        print(HEADER)
        if asked.slow:
            for model, seconds in (("raw", 0.0), ("fast", 0.0), (f"{asked.slow:g} s", asked.slow)):
                settings = LiveSettings(None if model == "raw" else model, frames=asked.frames)
                loader = partial(_sleeper, seconds)
                print(row(frames, rate_hz, settings, asked.seconds, loader), flush=True)
            continue
        for model in asked.models:
            chosen = None if model == "raw" else model
            device = "auto" if model in CLASSICAL else asked.device
            settings = LiveSettings(model=chosen, frames=asked.frames, device=device)
            print(row(frames, rate_hz, settings, asked.seconds), flush=True)
        print(recording(frames, rate_hz, asked.seconds), flush=True)


def _sleeper(seconds: float, settings: LiveSettings) -> Sleeper:
    return Sleeper(seconds)


if __name__ == "__main__":
    main()
