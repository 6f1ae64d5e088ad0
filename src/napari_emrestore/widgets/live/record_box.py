"""Where and how long frames are recorded, how long the disk lasts, and what became of the recording."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QLineEdit, QPushButton, QToolButton, QWidget

from napari_emrestore.widgets.forms import column, decimal, form, menu, note, number
from napari_emrestore.widgets.live.lamps import Lamp
from napari_emrestore.widgets.live.state import FORMATS, RECORD_MODES
from napari_emrestore.widgets.restore.binding import tie_menu, tie_number, tie_text

if TYPE_CHECKING:
    from napari_emrestore.widgets.live.lamps import Level
    from napari_emrestore.widgets.live.state import LiveState

_MOST_FRAMES, _LONGEST_S = 10_000_000, 3600.0


class RecordBox(QWidget):
    """Every raw frame to the disk, whatever is dropped on the way to the screen.

    Signals
    -------
    asked
        The button was pressed: start, stop, or keep.
    """

    asked = Signal()

    def __init__(self, state: LiveState) -> None:
        super().__init__()
        self._state = state
        self.mode = menu(RECORD_MODES)
        self.mode.setToolTip("How long a recording is.")
        self.frames = number(1, _MOST_FRAMES, step=100)
        self.frames.setToolTip("The recording is complete after so many.")
        self.seconds = decimal(0.1, _LONGEST_S, digits=1, suffix=" s")
        self.seconds.setToolTip(
            "Held in memory, up to 1 GiB, until you press Keep; older frames are forgotten."
        )
        self.folder, self.name = QLineEdit(), QLineEdit()
        self.folder.setPlaceholderText("home folder")
        self.folder.setToolTip("Where recordings are written; made if it is not there.")
        self.name.setToolTip("Date and time are added, so that nothing is ever written over.")
        self.format = menu(FORMATS)
        self.format.setToolTip(
            "All hold every pixel as it came, uncompressed, and can be read while they grow."
        )
        self.button = QPushButton("Record")
        self.forecast, self.lamp = note(), Lamp()
        self.lamp.hide()
        self._rows = form()
        self._rows.addRow("Record", self.mode)
        self._rows.addRow("Frames", self.frames)
        self._rows.addRow("Seconds", self.seconds)
        self._rows.addRow("Folder", self._with_browser())
        self._rows.addRow("Name", self.name)
        self._rows.addRow("Format", self.format)
        layout = column(self)
        layout.addLayout(self._rows)
        for widget in (self.forecast, self.button, self.lamp):
            layout.addWidget(widget)
        tie_menu(self.mode, state, "record_mode")
        tie_menu(self.format, state, "suffix")
        tie_number(self.frames, state, "record_frames")
        tie_number(self.seconds, state, "record_seconds")
        tie_text(self.folder, state, "folder")
        tie_text(self.name, state, "recording")
        self.button.clicked.connect(self.asked)
        self.show_mode()

    def show_mode(self) -> None:
        """Show the rows of the chosen mode."""
        self._rows.setRowVisible(self.frames, self._state.record_mode == "fixed")
        self._rows.setRowVisible(self.seconds, self._state.record_mode == "circular")

    def show_button(self, text: str, *, enabled: bool, tip: str = "") -> None:
        """Show what a press would do now."""
        self.button.setText(text)
        self.button.setEnabled(enabled)
        self.button.setToolTip(tip)

    def lock(self, locked: bool) -> None:
        """Keep the settings as they are while frames are written."""
        for widget in (self.mode, self.frames, self.seconds, self.folder, self.name, self.format):
            widget.setEnabled(not locked)

    def say(self, level: Level, text: str) -> None:
        """Show how the recording stands or ended."""
        self.lamp.setVisible(bool(text))
        self.lamp.show_state(level, text)

    def say_room(self, text: str) -> None:
        """Show how long the disk will last."""
        self.forecast.setVisible(bool(text))
        if self.forecast.text() != text:
            self.forecast.setText(text)

    def _with_browser(self) -> QHBoxLayout:
        browse = QToolButton()
        browse.setText("…")
        browse.setToolTip("Choose a folder.")
        layout = QHBoxLayout()
        layout.setSpacing(2)
        layout.addWidget(self.folder, 1)
        layout.addWidget(browse)

        def ask() -> None:
            path = QFileDialog.getExistingDirectory(self, "Folder for recordings", self.folder.text())
            if path:
                self._state.folder = path

        browse.clicked.connect(ask)
        return layout
