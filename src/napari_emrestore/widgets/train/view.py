"""The train dock as a person sees it: three tasks, what they share, and what comes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QPushButton, QTabBar, QVBoxLayout, QWidget

from napari_emrestore.widgets.forms import note, scrolled, section
from napari_emrestore.widgets.run_bar import RunBar
from napari_emrestore.widgets.train.crops import Crops
from napari_emrestore.widgets.train.curve import Curve
from napari_emrestore.widgets.train.sections import (
    CameraSection,
    FramesSection,
    ModelSection,
    OutcomeSection,
    TruthSection,
)

if TYPE_CHECKING:
    from napari.viewer import Viewer

    from napari_emrestore.widgets.jobs import Jobs
    from napari_emrestore.widgets.train.state import TrainState

_TASKS = {
    "adapt": (
        "Without truth",
        "Fits a model to your microscope from frames alone. It is kept only if it does better on pixels it "
        "never saw.",
    ),
    "teach": (
        "With clean images",
        "Teaches a model what your frames should look like. It is kept only if it does better on a part it "
        "never saw.",
    ),
    "recipe": (
        "By recipe",
        "Trains a network from random weights as one of the bundled models was trained, on a folder of "
        "images. Short forms take many minutes, full ones want a GPU.",
    ),
}


class TrainView(QWidget):
    """All parts of the dock.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Whose layers are offered.
    state : TrainState
        What is shown and set.
    runs, measuring : Jobs
        Whose progress is shown.
    """

    def __init__(self, viewer: Viewer, state: TrainState, runs: Jobs, measuring: Jobs) -> None:
        super().__init__()
        self.tasks = QTabBar()
        self.tasks.setExpanding(True)
        for title, _ in _TASKS.values():
            self.tasks.addTab(title)
        self.promise = note()
        self.frames, self.truth = FramesSection(viewer, state), TruthSection(viewer, state)
        self.model, self.camera = ModelSection(state), CameraSection(viewer, measuring)
        self.run, self.pause = RunBar(runs, "Start"), QPushButton("Pause")
        self.pause.setCheckable(True)
        self.pause.hide()
        self.anew = QPushButton("Begin anew")
        self.anew.setToolTip("Throws away what the stopped run of this name has learnt")
        self.anew.hide()
        self.loss, self.curve = Curve(), Curve()
        self.crops, self.outcome = Crops(), OutcomeSection()
        self.truth_box = section("Ground truth", self.truth)
        self.camera_box = section("Noise of my camera", self.camera, is_open=False)
        self.frames_box = section("Frames", self.frames)
        boxes = (
            self.frames_box,
            self.truth_box,
            section("Model", self.model),
            self.camera_box,
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.addWidget(self.tasks)
        layout.addWidget(self.promise)
        layout.addWidget(scrolled(boxes), 1)
        for widget in (self.run, self.pause, self.anew, self.loss, self.curve, self.crops, self.outcome):
            layout.addWidget(widget)

    @property
    def task(self) -> str:
        """The task whose tab is chosen."""
        return list(_TASKS)[self.tasks.currentIndex()]

    def show_task(self, task: str) -> None:
        """Show the parts of a task."""
        self.tasks.setCurrentIndex(list(_TASKS).index(task))
        self.promise.setText(_TASKS[task][1])
        self.frames_box.setVisible(task != "recipe")
        self.truth_box.setVisible(task == "teach")
        self.camera_box.setVisible(task == "adapt")
        self.model.show_task(task)
