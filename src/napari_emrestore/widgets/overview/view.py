"""The overview dock as a person sees it: what is assembled, how, and where it goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from napari_emrestore.widgets.forms import (
    column,
    decimal,
    form,
    menu,
    note,
    number,
    scrolled,
    section,
    set_quietly,
)
from napari_emrestore.widgets.layer_menu import LayerMenu
from napari_emrestore.widgets.run_bar import RunBar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari.layers import Image
    from napari.viewer import Viewer

    from napari_emrestore.widgets.jobs import Jobs
    from napari_emrestore.widgets.overview.state import OverviewState

_COMPOSED = {"blend": "mean of frames", "best": "nearest frame"}
_MATCHED = {"shading": "light and brightness", "brightness": "brightness", "none": "nothing"}


class OverviewView(QWidget):
    """All parts of the dock.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Whose stacks are offered.
    models : mapping of str to str
        Models and what they are for.
    jobs : Jobs
        Whose progress is shown.

    Signals
    -------
    changed : dict
        Settings that a person changed, by name.
    """

    changed = Signal(object)

    def __init__(self, viewer: Viewer, models: Mapping[str, str], jobs: Jobs) -> None:
        super().__init__()
        self.layer = LayerMenu(viewer, wanted=_is_stack)
        self.recording, self.find_recording = QLineEdit(), QPushButton("…")
        self.output, self.find_output = QLineEdit(), QPushButton("…")
        self.model = menu({})
        self.fill_models(models)
        self.frames = number(1, 32)
        self.composition, self.matching = menu(_COMPOSED), menu(_MATCHED)
        self.dark = decimal(-1e6, 1e6, digits=1)
        self.use_stage = QCheckBox("Use stage positions")
        self.maps = QCheckBox("Write maps too")
        self.run = RunBar(jobs, "Build overview")
        self.facts = note()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.addWidget(
            scrolled(
                (
                    section("Scan", self._scan()),
                    section("Overview", self._overview()),
                    self.run,
                    self.facts,
                )
            )
        )
        self._explain()
        self._connect()

    def fill_models(self, models: Mapping[str, str]) -> None:
        """Offer these models; the chosen one stays if it is among them."""
        chosen = self.model.currentData()
        self.model.blockSignals(True)
        self.model.clear()
        self.model.addItem("none, raw only", "")
        for name, text in models.items():
            self.model.addItem(name, name)
            self.model.setItemData(self.model.count() - 1, text, 3)  # tool tip
        self.model.setCurrentIndex(max(0, self.model.findData(chosen)))
        self.model.blockSignals(False)

    def show_state(self, state: OverviewState) -> None:
        """Show what is set, and why it cannot run."""
        for line, text in ((self.recording, state.recording), (self.output, state.output)):
            if line.text() != text:
                line.setText(text)
        for box, chosen in (
            (self.model, state.model),
            (self.composition, state.composition),
            (self.matching, state.matching),
        ):
            box.blockSignals(True)
            box.setCurrentIndex(max(0, box.findData(chosen)))
            box.blockSignals(False)
        for name in ("frames", "dark", "use_stage", "maps"):
            set_quietly(getattr(self, name), getattr(state, name))
        self.layer.setEnabled(not state.recording)
        self.frames.setEnabled(bool(state.model) or state.maps)
        self.run.allow(state.obstacle())

    def _scan(self) -> QWidget:
        rows = form()
        rows.addRow("Layer", self.layer)
        rows.addRow("or file", _beside(self.recording, self.find_recording))
        rows.addRow("Dark level", self.dark)
        rows.addRow("Even out", self.matching)
        return _boxed(rows, self.use_stage)

    def _overview(self) -> QWidget:
        rows = form()
        rows.addRow("Restore with", self.model)
        rows.addRow("Frames per place", self.frames)
        rows.addRow("Raw shows", self.composition)
        rows.addRow("Write to", _beside(self.output, self.find_output))
        return _boxed(rows, self.maps)

    def _explain(self) -> None:
        self.recording.setPlaceholderText("a recording")
        self.output.setPlaceholderText("a new .zarr folder")
        for widget, text in (
            (self.layer, "A stack of frames that overlap: a scan, or several strips."),
            (
                self.recording,
                "Recording, stack or folder. One that is still being recorded is followed until it is "
                "closed, or has gained nothing for half a minute.",
            ),
            (self.dark, "What the detector gives without electrons; light is evened out above it."),
            (self.matching, "Uneven illumination and changes of brightness from frame to frame."),
            (
                self.use_stage,
                "If there are any: they tell strips apart and place frames that show nothing recognisable.",
            ),
            (self.model, "Each place is restored from the frames that cover it."),
            (self.frames, "The frames nearest to each place; fewer are used where there are fewer."),
            (self.composition, "How the raw mosaic is put together."),
            (self.maps, "Coverage, frame count, registration residual and confidence, hidden at first."),
            (self.output, "An interrupted overview of the same frames and settings is gone on with."),
        ):
            widget.setToolTip(text)

    def _connect(self) -> None:
        for line, name in ((self.recording, "recording"), (self.output, "output")):
            line.editingFinished.connect(lambda line=line, name=name: self._tell(name, line.text().strip()))
        for box, name in (
            (self.model, "model"),
            (self.composition, "composition"),
            (self.matching, "matching"),
        ):
            box.currentIndexChanged.connect(lambda _, box=box, name=name: self._tell(name, box.currentData()))
        self.frames.valueChanged.connect(lambda value: self._tell("frames", value))
        self.dark.valueChanged.connect(lambda value: self._tell("dark", value))
        self.use_stage.toggled.connect(lambda value: self._tell("use_stage", value))
        self.maps.toggled.connect(lambda value: self._tell("maps", value))

    def _tell(self, name: str, value: Any) -> None:
        self.changed.emit({name: value})


def _is_stack(layer: Image) -> bool:
    finest = layer.data[0] if layer.multiscale else layer.data
    return not layer.rgb and finest.ndim >= 3 and np.dtype(finest.dtype).kind in "buif"


def _beside(line: QWidget, button: QPushButton) -> QWidget:
    holder = QWidget()
    layout = QHBoxLayout(holder)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(4)
    layout.addWidget(line, 1)
    button.setFixedWidth(28)
    layout.addWidget(button)
    return holder


def _boxed(rows: Any, *below: QWidget) -> QWidget:
    holder = QWidget()
    layout = column(holder)
    layout.addLayout(rows)
    for widget in below:
        layout.addWidget(widget)
    return holder
