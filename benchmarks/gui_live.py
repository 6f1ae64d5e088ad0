"""How long napari's main thread is held up while the live dock runs.

A timer beats every 10 ms; the longest gap between two beats, beyond those 10 ms, is the longest time in
which a person could not move the canvas. Frames are simulated beforehand and played at the camera's rate, so
that the simulation costs nothing; the first 15 seconds, in which layers are made and the model is loaded, are
told apart. On a machine that is busy with other things, look at *busy*: processor time of the main thread
from beat to beat, which others cannot lengthen. While a beat is late another thread looks where the main
thread is: the longest stalls come with their places, innermost call last.
Needs a screen (or xvfb-run, where the processor draws and the draw sets the pace).

    python benchmarks/gui_live.py --minutes 5
    python benchmarks/gui_live.py --minutes 0.5 --streams 512 --models mean --looks split --record
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import threading
import time
import traceback
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import napari
import numpy as np

from gui_stall import BEAT_MS, Heartbeat, wait
from live import STREAMS, played
from napari_emrestore.core import Acquisition
from napari_emrestore.io import write_image
from napari_emrestore.widgets.live import LiveDock

if TYPE_CHECKING:
    from types import FrameType

WARM_UP_S = 15.0
LATE_S, LOOK_S = 0.05, 0.01
THRESHOLDS_MS = (16, 33, 50, 100, 200)
LONGEST = 3
COUNTED = ("acquired", "made", "restored", "shown", "dropped_by_ring", "passed_over", "lost_by_source")


def filmed(folder: Path, name: str) -> Path:
    """Return a file of simulated frames to be played."""
    shape, _ = STREAMS[name]
    return Path(write_image(folder / f"{name}.mrc", played(shape), Acquisition(f"film {name}")))


class BusyBeat(Heartbeat):
    """A heartbeat that also tells how long the main thread has computed since the beat before, and where."""

    def __init__(self) -> None:
        self.busy: list[float] = []
        self._spent = self._beat_s = 0.0
        self._places: Counter[str] = Counter()
        self._beating = threading.Event()
        threading.Thread(target=self._look, args=(threading.get_ident(),), daemon=True).start()
        super().__init__()

    def start(self) -> None:
        """Begin to beat."""
        self.busy.clear()
        self._places.clear()
        self._spent, self._beat_s = time.thread_time(), time.perf_counter()
        self._beating.set()
        super().start()

    def stop(self) -> None:
        """Beat a last time."""
        super().stop()
        self._beating.clear()

    def _beat(self) -> None:
        spent = time.thread_time()
        self.busy.append(1e3 * (spent - self._spent))
        self._spent = spent
        places, self._places = self._places, Counter()
        self.what = places.most_common(1)[0][0] if places else ""
        super()._beat()
        self._beat_s = time.perf_counter()

    def _look(self, main: int) -> None:
        """Note where the main thread is while a beat is late."""
        while True:
            self._beating.wait()
            time.sleep(LOOK_S)
            if time.perf_counter() - self._beat_s > LATE_S:
                self._places[place_of(sys._current_frames()[main])] += 1  # noqa: SLF001 - its only name


def place_of(frame: FrameType) -> str:
    """Return the calls around a frame that are below the event loop of this script, innermost last."""
    calls = traceback.extract_stack(frame)
    own = [call for call in calls if not call.filename.endswith(("gui_live.py", "gui_stall.py"))]
    return " > ".join(f"{Path(call.filename).stem}.{call.name}:{call.lineno}" for call in own[-6:]) or "Qt"


def row(beat: BusyBeat) -> str:
    """Return the stalls of a heartbeat."""
    gaps, busy = np.array([gap for gap, _ in beat.gaps]) - BEAT_MS, np.array(beat.busy)
    return (
        f"longest stall {gaps.max():6.0f} ms   99.9 % below {np.percentile(gaps, 99.9):5.0f} ms   "
        f"99 % below {np.percentile(gaps, 99):5.0f} ms   over 100 ms: {(gaps > 100).sum():4d}   "
        f"busy {busy.max():5.0f} ms at most, 99.9 % below {np.percentile(busy, 99.9):4.0f} ms"
    )


def details(beat: BusyBeat) -> list[str]:
    """Return which share of the beats is in time, and where the longest stalls were."""
    gaps = np.array([gap for gap, _ in beat.gaps]) - BEAT_MS
    shares = ", ".join(f"{limit} ms: {100 * np.mean(gaps <= limit):.2f} %" for limit in THRESHOLDS_MS)
    longest = sorted(zip(beat.gaps, beat.busy, strict=True), reverse=True)[:LONGEST]
    return [
        f"beats late by at most {shares}",
        *(
            f"{gap - BEAT_MS:.0f} ms (busy {busy:.0f}): {what}"
            for (gap, what), busy in longest
            if gap - BEAT_MS > 1e3 * LATE_S
        ),
    ]


def watch(dock: LiveDock, beat: BusyBeat, seconds: float, title: str) -> None:
    """Let it run, and print the stalls and where the frames went."""
    line = dock.opened.line if dock.opened else None
    before = line.counters() if line else None
    cpu, start = time.process_time(), time.perf_counter()
    beat.start()
    wait(lambda: False, seconds)
    beat.stop()
    elapsed = time.perf_counter() - start
    share = f"CPU {100 * (time.process_time() - cpu) / elapsed:3.0f} %"
    print(f"{title:<34} {elapsed:6.0f} s   {row(beat)}   {share}")
    if line and before:
        after = line.counters()
        rates = [
            f"{name.replace('_', ' ')} {(getattr(after, name) - getattr(before, name)) / elapsed:.1f}/s"
            for name in COUNTED
        ]
        rates.append(f"latency {after.latency_ms_p50:.0f} / {after.latency_ms_p95:.0f} ms")
        rates.append(
            f"of restorations {after.restored_latency_ms_p50:.0f} / {after.restored_latency_ms_p95:.0f} ms"
        )
        print(f"{'':<34} {', '.join(rates)}")
    for line_of_text in details(beat):
        print(f"{'':<34} {line_of_text}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=5.0, help="of each stream and model")
    parser.add_argument("--streams", nargs="+", choices=STREAMS, default=list(STREAMS))
    parser.add_argument("--models", nargs="+", default=["raw", "mean"])
    parser.add_argument("--looks", nargs="+", default=["stacked"], help="stacked, grid, split, blink")
    parser.add_argument("--frames", type=int, default=5)
    parser.add_argument("--record", action="store_true", help="record every frame meanwhile")
    asked = parser.parse_args()
    viewer = napari.Viewer()
    dock = LiveDock(viewer)
    viewer.window.add_dock_widget(dock, name="Live camera")
    beat = BusyBeat()
    wait(lambda: False, 2)
    beat.start()
    wait(lambda: False, 3)
    beat.stop()
    print(f"{'idle':<34} {3:6.0f} s   {row(beat)}")
    with tempfile.TemporaryDirectory() as folder:
        for name in asked.streams:
            film = filmed(Path(folder), name)
            for model in asked.models:
                for look in asked.looks:
                    run(dock, beat, film, name, model, look, asked)
    viewer.close()


def run(
    dock: LiveDock, beat: BusyBeat, film: Path, name: str, model: str, look: str, asked: argparse.Namespace
) -> None:
    """Start the dock on a film, measure, stop it."""
    _, rate_hz = STREAMS[name]
    dock.state.camera = "replay"
    dock.state.typed = {
        "replay": {"source": str(film), "frame_rate_hz": str(rate_hz), "repeat": "True", "held_frames": "32"}
    }
    dock.state.restore, dock.state.frames, dock.state.look = model != "raw", asked.frames, look
    dock.state.model = "mean" if model == "raw" else model
    dock.state.folder = str(film.parent)
    title = f"{name} at {rate_hz:g}/s, {model}, {look}"
    dock.start()
    watch(dock, beat, WARM_UP_S, f"{title}, start")
    wait(lambda: dock.layers.shown is not None)  # on a busy machine it takes longer
    if asked.record:
        dock.view.record.button.click()
    watch(dock, beat, 60 * asked.minutes, title)
    beat.start()
    dock.stop()
    wait(lambda: not dock.sessions.running and not dock.desk.jobs.running)
    beat.stop()
    print("\n".join(f"{'':<34} {text}" for text in (f"stopping: {row(beat)}", *details(beat))))
    if asked.record:
        print(f"{'':<34} {dock.view.record.lamp.label.text()}")
        for recording in film.parent.glob("*.zarr"):
            shutil.rmtree(recording)


if __name__ == "__main__":
    main()
