"""How long napari's main thread is held up while a model adapts in the train dock, against idling.

Measured as in `gui_stall.py`; the model goes to a folder that is removed. Needs a screen (or xvfb-run).

    python benchmarks/gui_train.py --steps 60
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import napari
import numpy as np

from gui_stall import Heartbeat, wait
from napari_emrestore.models import catalogue
from napari_emrestore.widgets.train import TrainDock


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=60)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:256, :256]
    frames = rng.poisson(40 + 25 * np.sin(x / 6) * np.cos(y / 9), (5, 256, 256)) * 20.0
    frames += rng.normal(0, 200, (5, 256, 1))  # rows share noise, so that there is something to gain
    viewer = napari.Viewer()
    viewer.add_image(np.clip(frames, 0, None).astype(np.uint16), name="stream")
    dock = TrainDock(viewer)
    viewer.window.add_dock_widget(dock, name="Train and adapt models")
    dock.state.model, dock.state.meaning, dock.state.steps = "naf-denoise", "aligned", options.steps
    dock.view.model.name.setText("benchmark")
    beat = Heartbeat()
    dock.runs.stepped.connect(lambda step: setattr(beat, "what", step.note))
    wait(lambda: False, 2)
    beat.start()
    wait(lambda: False, 3)
    beat.stop()
    beat.report("idle")
    with tempfile.TemporaryDirectory() as folder:
        catalogue.models_folder = lambda: Path(folder)
        beat.start()
        dock.view.run.button.click()
        wait(lambda: not dock.runs.running)
        beat.stop()
        beat.report("adapting naf-denoise")
        print(dock.view.outcome.text.text())
    viewer.close()


if __name__ == "__main__":
    main()
