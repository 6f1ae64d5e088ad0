"""Writes regions for another program and reads those of another one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QHBoxLayout, QLineEdit, QPushButton, QWidget

from napari_emrestore.overview.targets.catalogue import TARGET_FORMATS
from napari_emrestore.widgets.forms import column, form, menu, note, set_quietly
from napari_emrestore.widgets.regions.targets.choosing import choosing

if TYPE_CHECKING:
    from napari_emrestore.widgets.regions.targets.state import TargetsState

_FIELDS_OF = {"serialem": ("nav", "map_label", "first_row"), "micromanager": ("xy_device", "z_device")}
_FIRST_ROWS = {"auto": "as its file says", "top": "at the top", "bottom": "at the bottom"}
_TITLES = {
    "nav": (
        "Navigator file",
        "SerialEM's file with the map that the overview was saved from: regions are then written in pixels "
        "of that map, and SerialEM finds their stage positions itself. Empty: positions by the stage map",
        "empty: by the stage map",
    ),
    "map_label": (
        "Map label",
        "Needed where several maps have the overview's proportions",
        "found by its size",
    ),
    "xy_device": ("XY stage", "As Micro-Manager's configuration names it", ""),
    "z_device": ("Focus drive", "With it, positions carry the height of the stage map", "none"),
}


class FilesBox(QWidget):
    """Format, its options, and the two buttons.

    Signals
    -------
    changed : dict
        Fields of the state and their new values.
    export_asked, import_asked, nav_asked
        A file is to be chosen.
    """

    changed = Signal(object)
    export_asked = Signal()
    import_asked = Signal()
    nav_asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.format = menu({row.name: row.title for row in TARGET_FORMATS})
        self.only_selected = QCheckBox("Only selected regions")
        self.lines = {name: QLineEdit() for name in _TITLES}
        self.first_row = menu(_FIRST_ROWS)
        self.first_row.setToolTip(
            "Where the overview's first row is on SerialEM's screen. MRC files are stored from the bottom up "
            "and stand upside down here; choose the bottom if the overview does beside SerialEM's picture"
        )
        self.export = QPushButton("Export …")
        self.take = QPushButton("Import …")
        self.take.setToolTip("Files of all these formats; regions are added, and can be undone")
        self.outcome = note()
        self.rows = form()
        self.rows.addRow("Format", self.format)
        for name, (title, meaning, empty) in _TITLES.items():
            self.lines[name].setToolTip(meaning)
            self.lines[name].setPlaceholderText(empty)
            self.rows.addRow(title, self.lines[name])
        self.rows.insertRow(3, "First row", self.first_row)
        self.choose_nav = choosing(self.lines["nav"], "Choose a Navigator file")
        layout = column(self)
        layout.addLayout(self.rows)
        layout.addWidget(self.only_selected)
        buttons = QHBoxLayout()
        buttons.addWidget(self.export)
        buttons.addWidget(self.take)
        layout.addLayout(buttons)
        layout.addWidget(self.outcome)
        self.outcome.hide()
        self._connect()

    def show_state(self, state: TargetsState) -> None:
        """Show what is chosen and whether it can be written."""
        self.format.blockSignals(True)
        self.format.setCurrentIndex(self.format.findData(state.format))
        self.format.blockSignals(False)
        set_quietly(self.only_selected, state.only_selected)
        self.first_row.blockSignals(True)
        self.first_row.setCurrentIndex(self.first_row.findData(state.first_row))
        self.first_row.blockSignals(False)
        for name, line in self.lines.items():
            if line.text() != getattr(state, name):
                line.setText(getattr(state, name))
        for name, box in {**self.lines, "first_row": self.first_row}.items():
            self.rows.setRowVisible(box, name in _FIELDS_OF.get(state.format, ()))
        reason = state.why_not_export()
        self.export.setEnabled(not reason)
        self.export.setToolTip(reason)
        self.take.setEnabled(state.regions is not None)

    def say(self, text: str) -> None:
        """Show what came out."""
        self.outcome.setText(text)
        self.outcome.setVisible(bool(text))

    def _connect(self) -> None:
        self.format.currentIndexChanged.connect(
            lambda _: self.changed.emit({"format": self.format.currentData()})
        )
        self.first_row.currentIndexChanged.connect(
            lambda _: self.changed.emit({"first_row": self.first_row.currentData()})
        )
        self.only_selected.toggled.connect(lambda on: self.changed.emit({"only_selected": on}))
        for name, line in self.lines.items():
            line.editingFinished.connect(
                lambda name=name, line=line: self.changed.emit({name: line.text().strip()})
            )
        self.export.clicked.connect(lambda: self.export_asked.emit())
        self.take.clicked.connect(lambda: self.import_asked.emit())
        self.choose_nav.triggered.connect(lambda: self.nav_asked.emit())
