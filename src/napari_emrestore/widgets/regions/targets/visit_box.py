"""Connects a microscope, drives its stage to regions and takes frames of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QLineEdit, QPushButton, QWidget

from napari_emrestore.widgets.forms import column, decimal, form, note, number, set_quietly
from napari_emrestore.widgets.regions.targets.choosing import choosing
from napari_emrestore.widgets.run_bar import RunBar

if TYPE_CHECKING:
    from napari_emrestore.widgets.jobs import Jobs
    from napari_emrestore.widgets.regions.targets.state import TargetsState

_MOST_FRAMES = 1000
_WIDEST_UM = 1e5


class VisitBox(QWidget):
    """The microscope, "go there" and the round.

    Parameters
    ----------
    jobs : Jobs
        Drives; its progress is shown, and can be cancelled, which halts the stage.

    Signals
    -------
    changed : dict
        Fields of the state and their new values.
    config_asked
        A configuration is to be chosen.
    connect_asked, go_asked
        Buttons.
    """

    changed = Signal(object)
    config_asked = Signal()
    connect_asked = Signal()
    go_asked = Signal()

    def __init__(self, jobs: Jobs) -> None:
        super().__init__()
        self.config = QLineEdit()
        self.config.setPlaceholderText("empty: the loaded core")
        self.config.setToolTip(
            "A configuration of Micro-Manager; empty joins the core that another plugin or the live "
            "dock has loaded"
        )
        self.choose = choosing(self.config, "Choose a configuration")
        self.link = QPushButton("Connect")
        self.margin = decimal(0, _WIDEST_UM, digits=1, suffix=" µm")
        self.margin.setToolTip("How far beyond the overview the stage may go; farther targets move nothing")
        self.frames = number(1, _MOST_FRAMES)
        self.nearest = QCheckBox("Nearest next, not in their order")
        self.fields = QCheckBox("Several fields for large regions")
        self.go = QPushButton("Go to selected region")
        self.run = RunBar(jobs, "Visit regions …")
        self.place = note()
        rows = form()
        rows.addRow("Configuration", self.config)
        rows.addRow("", self.link)
        rows.addRow("Beyond rim", self.margin)
        rows.addRow("Frames each", self.frames)
        layout = column(self)
        layout.addLayout(rows)
        for widget in (self.nearest, self.fields, self.go, self.run, self.place):
            layout.addWidget(widget)
        self.place.hide()
        self._connect()

    def show_state(self, state: TargetsState, *, busy: bool) -> None:
        """Show what is chosen and what can be done."""
        if self.config.text() != state.config:
            self.config.setText(state.config)
        self.config.setEnabled(not state.microscope)
        self.link.setText(f"Disconnect {state.microscope}" if state.microscope else "Connect")
        self.link.setEnabled(not busy)
        for box, value in (
            (self.margin, state.margin_um),
            (self.frames, state.frames),
            (self.nearest, state.nearest),
            (self.fields, state.fields),
        ):
            set_quietly(box, value)
        reason = state.why_not_go()
        self.go.setEnabled(not reason and not busy)
        self.go.setToolTip(reason)
        self.run.allow(state.why_not_visit())

    def say(self, text: str) -> None:
        """Show where the stage stands, or what was taken."""
        self.place.setText(text)
        self.place.setVisible(bool(text))

    def _connect(self) -> None:
        self.config.editingFinished.connect(lambda: self.changed.emit({"config": self.config.text().strip()}))
        self.margin.valueChanged.connect(lambda value: self.changed.emit({"margin_um": value}))
        self.frames.valueChanged.connect(lambda value: self.changed.emit({"frames": value}))
        self.nearest.toggled.connect(lambda on: self.changed.emit({"nearest": on}))
        self.fields.toggled.connect(lambda on: self.changed.emit({"fields": on}))
        self.choose.triggered.connect(lambda: self.config_asked.emit())
        self.link.clicked.connect(lambda: self.connect_asked.emit())
        self.go.clicked.connect(lambda: self.go_asked.emit())
