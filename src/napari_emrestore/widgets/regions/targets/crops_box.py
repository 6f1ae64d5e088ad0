"""Cuts raw crops at the target's magnification, for the microscope to realign to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QLineEdit, QWidget

from napari_emrestore.widgets.forms import column, decimal, form, note, number, set_quietly
from napari_emrestore.widgets.run_bar import RunBar

if TYPE_CHECKING:
    from napari_emrestore.widgets.jobs import Jobs
    from napari_emrestore.widgets.regions.targets.state import TargetsState

_LARGEST_PX = 16384
_LARGEST_NM = 1e5


class CropsBox(QWidget):
    """How the microscope sees at the target, and the button.

    Parameters
    ----------
    jobs : Jobs
        Cuts; its progress is shown, and can be cancelled.

    Signals
    -------
    changed : dict
        Fields of the state and their new values.
    """

    changed = Signal(object)

    def __init__(self, jobs: Jobs) -> None:
        super().__init__()
        self.imitate = QLineEdit()
        self.imitate.setPlaceholderText("empty: as told below")
        self.imitate.setToolTip(
            "Label of a map in the Navigator file above, of one frame taken as the targets will be. Crops "
            "then show what that frame would, and become virtual maps of a new Navigator file"
        )
        self.pixel = decimal(0.001, _LARGEST_NM, digits=3, suffix=" nm")
        self.pixel.setToolTip("Size of a pixel at the target's magnification")
        self.rows_px, self.columns_px = (number(1, _LARGEST_PX, suffix=" px") for _ in range(2))
        self.turn = decimal(-180, 180, digits=1, suffix="°")
        self.turn.setToolTip("From the overview's x to the target's x, towards the overview's y")
        self.mirrored = QCheckBox("Shows y the other way")
        self.run = RunBar(jobs, "Cut crops …")
        self.outcome = note()
        self.rows = form()
        self.rows.addRow("Imitate map", self.imitate)
        self._told: tuple[QWidget, ...] = (
            self.pixel,
            self.rows_px,
            self.columns_px,
            self.turn,
            self.mirrored,
        )
        for title, widget in zip(("Pixel size", "Height", "Width", "Turn", ""), self._told, strict=True):
            self.rows.addRow(title, widget)
        layout = column(self)
        layout.addLayout(self.rows)
        layout.addWidget(self.run)
        layout.addWidget(self.outcome)
        self.outcome.hide()
        self._connect()

    def show_state(self, state: TargetsState) -> None:
        """Show what is chosen and whether crops can be cut."""
        if self.imitate.text() != state.imitate:
            self.imitate.setText(state.imitate)
        for box, value in zip(
            self._told,
            (state.crop_nm, state.crop_height, state.crop_width, state.crop_turn_deg, state.crop_mirrored),
            strict=True,
        ):
            set_quietly(box, value)
            self.rows.setRowVisible(box, not state.imitate)
        self.run.allow(state.why_not_crop())

    def say(self, text: str) -> None:
        """Show what came out."""
        self.outcome.setText(text)
        self.outcome.setVisible(bool(text))

    def _connect(self) -> None:
        self.imitate.editingFinished.connect(
            lambda: self.changed.emit({"imitate": self.imitate.text().strip()})
        )
        self.pixel.valueChanged.connect(lambda value: self.changed.emit({"crop_nm": value}))
        self.rows_px.valueChanged.connect(lambda value: self.changed.emit({"crop_height": value}))
        self.columns_px.valueChanged.connect(lambda value: self.changed.emit({"crop_width": value}))
        self.turn.valueChanged.connect(lambda value: self.changed.emit({"crop_turn_deg": value}))
        self.mirrored.toggled.connect(lambda on: self.changed.emit({"crop_mirrored": on}))
