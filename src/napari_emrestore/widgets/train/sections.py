"""The parts of the train dock: frames, model, camera noise. They show and pass on, nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QLineEdit, QPushButton, QWidget

from napari_emrestore.training import bundled_recipes
from napari_emrestore.widgets.folder_line import FolderLine
from napari_emrestore.widgets.forms import column, form, menu, note, number
from napari_emrestore.widgets.layer_menu import LayerMenu
from napari_emrestore.widgets.restore.binding import tie_menu, tie_number
from napari_emrestore.widgets.restore.sections import is_offered
from napari_emrestore.widgets.run_bar import RunBar
from napari_emrestore.widgets.train.state import MEANINGS, MEASURED, METHODS, TEACHINGS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari.viewer import Viewer
    from qtpy.QtWidgets import QComboBox

    from napari_emrestore.core import ModelCard
    from napari_emrestore.widgets.jobs import Jobs
    from napari_emrestore.widgets.train.state import TrainState

_MOST_STEPS = 100_000
_TOLD = {
    "pairs": "It is brought onto the frames by itself: shift, rotation, sampling and grey levels. Files of "
    "two folders go together in the order of their names.",
    "clean": "Gain, dose, read noise and blur are read off the frames and put onto the clean image; a stack "
    "gives several.",
}


class FramesSection(QWidget):
    """Which frames, and what they are to each other."""

    def __init__(self, viewer: Viewer, state: TrainState) -> None:
        super().__init__()
        self._rows = form()
        column(self).addLayout(self._rows)
        self.layer = LayerMenu(viewer, wanted=is_offered)
        self.layer.setToolTip("Frames as the detector gave them: not restored, scaled or averaged")
        self.axes = note()
        self.meaning, self.burst = menu(MEANINGS), number(1, 32)
        self.burst.setToolTip("Frames that show one scene; a longer series is cut into such bursts")
        self._rows.addRow("Frames", self.layer)
        self._rows.addRow(self.axes)
        self._rows.addRow("They are", self.meaning)
        self._rows.addRow("Per scene", self.burst)
        self.folder = FolderLine("Folder of frames", "none")
        self.folder.setToolTip("One file for each place: an image, or a stack of frames of it")
        self._rows.addRow("or folder", self.folder)
        tie_folder(self.folder, state, "frames_folder")
        tie_menu(self.meaning, state, "meaning")
        tie_number(self.burst, state, "burst")

    def show_rows(self, state: TrainState, *, is_stack: bool) -> None:
        """Show only the rows that matter."""
        layer = not state.uses_folders
        self.layer.setEnabled(layer)
        self._rows.setRowVisible(self.axes, layer)
        self._rows.setRowVisible(self.meaning, layer and is_stack)
        self._rows.setRowVisible(self.burst, layer and is_stack and state.meaning != "single")
        self._rows.setRowVisible(self.folder, state.task == "teach" and state.teaching == "pairs")


class ModelSection(QWidget):
    """Where to start from, how, and what the new model is called."""

    def __init__(self, state: TrainState) -> None:
        super().__init__()
        self._state = state
        self._rows = form()
        self.model, self.method = menu({}), menu(METHODS)
        self.method.setToolTip(
            "Frames of one scene predict each other (noise2noise); for single images hidden pixels are "
            "predicted (noise2void); fresh statistics are for networks with batch normalisation"
        )
        self.noise = menu({MEASURED: "measured"})
        self.noise.setToolTip("What a model that asks for the noise is told: a camera's calibration is surer")
        self.recipe, self.about = menu({name: name for name in bundled_recipes()}), note()
        self.data = FolderLine("Folder with the recipe's images", "none")
        self.steps, self.teach_steps, self.recipe_steps = (number(1, _MOST_STEPS, step=100) for _ in range(3))
        self.name = QLineEdit(state.name)
        self.name.setPlaceholderText("for example talos-2026")
        for text, box in (
            ("Recipe", self.recipe),
            ("", self.about),
            ("Images", self.data),
            ("Start from", self.model),
            ("Method", self.method),
            ("Noise", self.noise),
            ("Steps", self.steps),
            ("Steps", self.teach_steps),
            ("Steps", self.recipe_steps),
            ("Name", self.name),
        ):
            self._rows.addRow(*((text, box) if text else (box,)))
        self.remove = QPushButton("Remove this model")
        self.remove.setToolTip("Takes a model away that was made here; what it came from was never changed")
        self._rows.addRow(self.remove)
        column(self).addLayout(self._rows)
        menus = {"recipe": self.recipe, "model": self.model, "method": self.method, "noise": self.noise}
        for field, box in menus.items():
            tie_menu(box, state, field)
        for field in ("steps", "teach_steps", "recipe_steps"):
            tie_number(getattr(self, field), state, field)
        tie_folder(self.data, state, "data_folder")
        state.recipe = self.recipe.currentData()
        self.name.textChanged.connect(lambda text: setattr(state, "name", text.strip()))

    def fill_models(self, cards: Iterable[ModelCard]) -> None:
        """Offer models; the chosen one stays chosen."""
        entries = {card.id: card.id if card.weights else f"{card.id} (untrained)" for card in cards}
        _refill(self.model, entries, self._state.model)
        self._state.model = self.model.currentData() or ""

    def fill_noise(self, cameras: Iterable[str]) -> None:
        """Offer calibrations; the chosen one stays chosen."""
        entries = {MEASURED: "measured", **{name: f"camera {name}" for name in cameras}}
        _refill(self.noise, entries, self._state.noise)
        self._state.noise = self.noise.currentData()

    def show_task(self, task: str) -> None:
        """Show only what matters for it."""
        by_recipe, measures = task == "recipe", task == "teach" and self._state.teaching == "clean"
        learns = task == "adapt" and self._state.method != "statistics"
        for box, matters in (
            (self.recipe, by_recipe),
            (self.about, by_recipe),
            (self.data, by_recipe),
            (self.recipe_steps, by_recipe),
            (self.model, not by_recipe),
            (self.method, task == "adapt"),
            (self.steps, learns),
            (self.noise, task == "adapt" or measures),
            (self.teach_steps, task == "teach"),
        ):
            self._rows.setRowVisible(box, matters)

    def show_removal(self, *, offered: bool) -> None:
        """Show whether the chosen model can be taken away."""
        self._rows.setRowVisible(self.remove, offered)


class TruthSection(QWidget):
    """Where ground truth comes from."""

    def __init__(self, viewer: Viewer, state: TrainState) -> None:
        super().__init__()
        self.teaching = menu(TEACHINGS)
        self.layer = LayerMenu(viewer, none_text="none", wanted=is_offered)
        self.folder = FolderLine("Folder of clean images", "none")
        self.told = note()
        rows = form()
        rows.addRow("Clean image", self.layer)
        rows.addRow("or folder", self.folder)
        rows.addRow("It shows", self.teaching)
        tie_folder(self.folder, state, "clean_folder")
        state.events.clean_folder.connect(lambda path: self.layer.setEnabled(not path))
        self.layer.setEnabled(not state.clean_folder)
        layout = column(self)
        layout.addLayout(rows)
        layout.addWidget(self.told)
        tie_menu(self.teaching, state, "teaching")
        state.events.teaching.connect(lambda teaching: self.told.setText(_TOLD[teaching]))
        self.told.setText(_TOLD[state.teaching])


class CameraSection(QWidget):
    """Measuring the noise of a camera and keeping it.

    Signals
    -------
    asked
        The person wants it measured.
    """

    asked = Signal()

    def __init__(self, viewer: Viewer, jobs: Jobs) -> None:
        super().__init__()
        self.dark = LayerMenu(viewer, none_text="none", wanted=is_offered)
        self.dark.setToolTip("Frames without beam: they tell offset and read noise for themselves")
        self.name = QLineEdit()
        self.name.setPlaceholderText("for example ceta-bin2")
        self.found = note()
        self.run = RunBar(jobs, "Measure and keep")
        rows = form()
        rows.addRow("Dark frames", self.dark)
        rows.addRow("Camera", self.name)
        layout = column(self)
        layout.addWidget(note("Fits gain and read noise on the frames above; restoring can take them then."))
        layout.addLayout(rows)
        for widget in (self.run, self.found):
            layout.addWidget(widget)
        self.run.asked.connect(self.asked)


class OutcomeSection(QWidget):
    """What came of it, and what can be done with it."""

    def __init__(self) -> None:
        super().__init__()
        self.text = note()
        self.use, self.remove = QPushButton("Restore with it"), QPushButton("Remove it")
        self.remove.setToolTip("Takes the new model away again; what it came from was never changed")
        layout = column(self)
        for widget in (self.text, self.use, self.remove):
            layout.addWidget(widget)
        self.show_outcome("", "")

    def show_outcome(self, text: str, model_id: str) -> None:
        """Show a text, and buttons for a new model."""
        self.text.setText(text)
        self.setVisible(bool(text))
        for button in (self.use, self.remove):
            button.setVisible(bool(model_id))


def tie_folder(line: FolderLine, state: TrainState, name: str) -> None:
    """Keep the path in a line and a field of a state equal."""
    line.show_path(getattr(state, name))
    line.entered.connect(lambda path: setattr(state, name, path))
    getattr(state.events, name).connect(line.show_path)


def _refill(box: QComboBox, entries: dict[str, str], chosen: str) -> None:
    box.blockSignals(True)
    box.clear()
    for data, text in entries.items():
        box.addItem(text, data)
    box.setCurrentIndex(max(box.findData(chosen), 0))
    box.blockSignals(False)
