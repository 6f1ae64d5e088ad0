"""Which camera, and a form made of its own settings."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from qtpy.QtCore import QSignalBlocker, Qt, Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from napari_emrestore.cameras import describe_settings
from napari_emrestore.core import InputError
from napari_emrestore.widgets.forms import column, form, menu, note, section
from napari_emrestore.widgets.live.device_finder import DeviceFinder
from napari_emrestore.widgets.live.wording import words_for
from napari_emrestore.widgets.restore.binding import tie_menu

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from napari_emrestore.cameras import CameraKind, CameraSetting
    from napari_emrestore.widgets.live.state import LiveState

_FIRST = {
    "simulated": ("frame_rate_hz", "frame_shape", "dose_e", "velocity_px_s"),
    "replay": ("source", "frame_rate_hz", "repeat"),
    "folder": ("folder", "order", "existing"),
    "micromanager": ("config", "adapter", "device", "exposure_ms", "binning"),
    "network": ("address", "allow_remote"),
}
"""Settings to see at once; the others are below *More settings*. Cameras of other packages show all."""
_FOLDERS, _FILES = ("folder",), ("config", "source", "specimen")
_WITH_DEVICES = "micromanager"


class SourceBox(QWidget):
    """The menu of cameras, and the settings of the chosen one.

    Parameters
    ----------
    state : LiveState
        Says and is told what is set.
    cameras : sequence of CameraKind
        The table.

    Signals
    -------
    typed : str, str
        Name of a setting, and what is typed for it, letter by letter.
    entered : str
        Name of a setting whose value is complete and can be read.
    """

    typed = Signal(str, str)
    entered = Signal(str)

    def __init__(self, state: LiveState, cameras: Sequence[CameraKind]) -> None:
        super().__init__()
        self._state = state
        self._summaries = {row.name: row.summary for row in cameras}
        self.menu = menu({row.name: row.name for row in cameras})
        for position, row in enumerate(cameras):
            self.menu.setItemData(position, row.summary, Qt.ItemDataRole.ToolTipRole)
        self.menu.setToolTip("Where frames come from; the settings below are remembered for each.")
        self.summary = note()
        self.fields: dict[str, QWidget] = {}
        self._entries: dict[str, QWidget] = {}
        self._place = QVBoxLayout()
        self._form: QWidget | None = None
        self.finder = DeviceFinder(self)
        self.finder.picked.connect(self._pick_device)
        rows = form()
        rows.addRow("Camera", self.menu)
        layout = column(self)
        layout.addLayout(rows)
        layout.addWidget(self.summary)
        layout.addWidget(self.finder)
        layout.addLayout(self._place)
        tie_menu(self.menu, state, "camera")
        self.show_camera()

    def show_camera(self) -> None:
        """Show the form of the camera that is set."""
        if self._form is not None:
            self._place.removeWidget(self._form)
            self._form.hide()
            self._form.deleteLater()
        name = self._state.camera
        self.summary.setText(f"{self._summaries.get(name, name)}.")
        self.fields, self._entries = {}, {}
        self.finder.setVisible(name == _WITH_DEVICES)
        settings = describe_settings(name)
        first = _FIRST.get(name, tuple(setting.name for setting in settings))
        self._form = QWidget()
        layout = QVBoxLayout(self._form)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(self._rows([s for s in settings if s.name in first or s.required]))
        rest = [s for s in settings if s.name not in first and not s.required]
        if rest:
            content = QWidget()
            column(content).addLayout(self._rows(rest))
            layout.addWidget(section("More settings", content, is_open=False))
        self._place.addWidget(self._form)

    def lock(self, locked: bool, changeable: Collection[str] = ()) -> None:
        """Keep the settings as they are while the camera is open, but for those it can change meanwhile."""
        self.menu.setEnabled(not locked)
        self.finder.setEnabled(not locked)
        for name, row in self._entries.items():
            row.setEnabled(not locked or name in changeable)

    def show_text(self, name: str) -> None:
        """Show what is set for a setting now, telling nobody."""
        field, text = self.fields[name], self._state.text_for(name)
        with QSignalBlocker(field):
            if isinstance(field, QLineEdit):
                field.setText(text)
                field.setStyleSheet("")
            elif isinstance(field, QComboBox):
                field.setCurrentIndex(field.findData(text))
            elif isinstance(field, QCheckBox):
                field.setChecked(text.lower() == "true")

    def _pick_device(self, values: dict[str, str]) -> None:
        """Fill in what was picked from the list of devices."""
        for name, text in values.items():
            self.typed.emit(name, text)
        self.show_camera()

    def _rows(self, settings: Sequence[CameraSetting]) -> QFormLayout:
        rows = form()
        rows.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
        for setting in settings:
            field = self._entries[setting.name] = self._field(setting)
            words = words_for(self._state.camera, setting)
            rows.addRow(words.label, field)
            for widget in (field, self.fields[setting.name], rows.labelForField(field)):
                if widget is not None:
                    widget.setToolTip(f"<qt>{words.tip}</qt>")
        return rows

    def _field(self, setting: CameraSetting) -> QWidget:
        text = self._state.text_of(setting)
        if setting.kind == "flag":
            tick = QCheckBox()
            tick.setChecked(text.lower() == "true")
            tick.toggled.connect(lambda on: self._tell(setting, str(on)))
            self.fields[setting.name] = tick
            return tick
        if setting.kind == "choice":
            choices: QComboBox = menu({choice: choice for choice in setting.choices})
            choices.setCurrentIndex(choices.findData(text))
            choices.currentTextChanged.connect(partial(self._tell, setting))
            self.fields[setting.name] = choices
            return choices
        line = QLineEdit(text)
        line.setMinimumWidth(60)
        line.setCursorPosition(0)
        line.setPlaceholderText(words_for(self._state.camera, setting).empty)
        line.textEdited.connect(lambda _: self._take(setting, line))
        line.editingFinished.connect(lambda: self._enter(setting, line))
        self.fields[setting.name] = line
        self._mark(setting, line)
        return self._with_browser(setting, line) if setting.name in (*_FOLDERS, *_FILES) else line

    def _tell(self, setting: CameraSetting, text: str) -> None:
        self.typed.emit(setting.name, text)
        self.entered.emit(setting.name)

    def _enter(self, setting: CameraSetting, line: QLineEdit) -> None:
        if line.isModified() and not line.styleSheet():
            line.setModified(False)
            self.entered.emit(setting.name)

    def _take(self, setting: CameraSetting, line: QLineEdit) -> None:
        self._mark(setting, line)
        self.typed.emit(setting.name, line.text())

    def _mark(self, setting: CameraSetting, line: QLineEdit) -> None:
        """Frame what cannot be read; the reason is said beside the start button."""
        try:
            setting.parse(line.text())
        except InputError:
            line.setStyleSheet("border: 1px solid #d9453d")
        else:
            line.setStyleSheet("")

    def _with_browser(self, setting: CameraSetting, line: QLineEdit) -> QWidget:
        browse, holder = QToolButton(), QWidget()
        browse.setText("…")
        browse.setToolTip("Choose a folder." if setting.name in _FOLDERS else "Choose a file.")
        layout = QHBoxLayout(holder)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(line, 1)
        layout.addWidget(browse)

        def ask() -> None:
            if setting.name in _FOLDERS:
                path = QFileDialog.getExistingDirectory(self, browse.toolTip(), line.text())
            else:
                path = QFileDialog.getOpenFileName(self, browse.toolTip(), line.text())[0]
            if path:
                line.setText(path)
                self._take(setting, line)

        browse.clicked.connect(ask)
        return holder
