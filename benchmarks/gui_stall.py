"""How long napari's main thread is held up while the restore dock runs, against idling and adding a layer.

A timer beats every 10 ms; the longest gap between two beats is the longest time in which a person could not
move the canvas. Needs a screen (or xvfb-run).

    python benchmarks/gui_stall.py --side 2048 --frames 5 --models gaussian,burst-naf
"""

from __future__ import annotations

import argparse
import time

import napari
import numpy as np
from qtpy.QtCore import QElapsedTimer, QEventLoop, Qt, QTimer
from qtpy.QtWidgets import QApplication

from napari_emrestore.widgets.restore import RestoreDock

BEAT_MS = 10


class Heartbeat:
    """Gaps between the beats of a timer on the main thread, with what went on."""

    def __init__(self) -> None:
        self.gaps: list[tuple[float, str]] = []
        self.what = "start"
        self._clock = QElapsedTimer()
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(BEAT_MS)
        self._timer.timeout.connect(self._beat)

    def start(self) -> None:
        """Begin to beat."""
        self.gaps.clear()
        self._clock.start()
        self._timer.start()

    def stop(self) -> None:
        """Beat a last time."""
        self._beat()
        self._timer.stop()

    def _beat(self) -> None:
        self.gaps.append((self._clock.nsecsElapsed() / 1e6, self.what))
        self._clock.restart()

    def report(self, title: str) -> None:
        """Print the gaps."""
        gaps = np.array([gap for gap, _ in self.gaps])
        longest = sorted(self.gaps, reverse=True)[:3]
        told = ", ".join(f"{gap:.0f} ms ({what})" for gap, what in longest)
        print(
            f"{title:<32} {gaps.sum() / 1e3:7.1f} s   longest {gaps.max():6.0f} ms   "
            f"99 % below {np.percentile(gaps, 99):5.0f} ms   over 100 ms: {(gaps > 100).sum():3d}   [{told}]"
        )


def wait(until, seconds: float = 600) -> None:
    started = time.perf_counter()
    while not until() and time.perf_counter() - started < seconds:
        QApplication.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, BEAT_MS)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--side", type=int, default=2048)
    parser.add_argument("--frames", type=int, default=5)
    parser.add_argument("--models", default="gaussian,burst-naf")
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    coarse = rng.normal(size=(options.side // 16 + 2, options.side // 16 + 2)).astype(np.float32)
    scene = np.kron(coarse, np.ones((16, 16), np.float32))[: options.side, : options.side]
    frames = np.stack(
        [rng.poisson(np.clip(100 + 30 * np.roll(scene, k, 1), 1, None)) for k in range(options.frames)]
    )
    viewer = napari.Viewer()
    viewer.add_image(frames.astype(np.uint16), name="stream")
    dock = RestoreDock(viewer)
    viewer.window.add_dock_widget(dock, name="Restore images")
    dock.state.frames, dock.state.kind = options.frames, "translation"
    beat = Heartbeat()
    dock.runs.stepped.connect(lambda step: setattr(beat, "what", step.note))
    dock.runs.succeeded.connect(lambda _: setattr(beat, "what", "showing the result"))
    wait(lambda: False, 2)
    beat.start()
    wait(lambda: False, 3)
    beat.stop()
    beat.report("idle")
    beat.start()
    layer = viewer.add_image(frames[0].astype(np.float32), contrast_limits=(0, 200))
    wait(lambda: False, 0.5)
    beat.stop()
    beat.report("napari adds a layer of this size")
    viewer.layers.remove(layer)
    for model in options.models.split(","):
        for title in (f"{model}, first run", f"{model}, again"):
            dock.state.model = model
            beat.what = "start"
            beat.start()
            dock.view.run.button.click()
            wait(lambda: not dock.runs.running)
            wait(lambda: False, 0.5)
            beat.stop()
            beat.report(title)
            if dock.view.run.label.text().startswith(("Cancelled", "A ")):
                print(dock.view.run.label.text())
    viewer.close()


if __name__ == "__main__":
    main()
