"""A line for the path of a folder, with a button that asks for one."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QLineEdit, QToolButton, QWidget


class FolderLine(QWidget):
    """A path to type or to pick; empty for no folder.

    Parameters
    ----------
    title : str
        What the dialog asks for.
    hint : str
        Shown in the empty line.

    Signals
    -------
    entered : str
        The path, when a person has finished it.
    """

    entered = Signal(str)

    def __init__(self, title: str, hint: str = "") -> None:
        super().__init__()
        self._title = title
        self.line, self.browse = QLineEdit(), QToolButton()
        self.line.setPlaceholderText(hint)
        self.line.setClearButtonEnabled(True)
        self.browse.setText("…")
        self.browse.setToolTip(title)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self.line, 1)
        layout.addWidget(self.browse)
        self.line.editingFinished.connect(self._tell)
        # the cross in the line changes the text without finishing it
        self.line.textChanged.connect(lambda text: None if text else self._tell())
        self.browse.clicked.connect(self._ask)

    def show_path(self, path: str) -> None:
        """Show a path, telling nobody."""
        self.line.blockSignals(True)
        self.line.setText(path)
        self.line.blockSignals(False)
        self.line.setToolTip(path)

    def _ask(self) -> None:
        path = QFileDialog.getExistingDirectory(self, self._title, self.line.text())
        if path:
            self.show_path(path)
            self._tell()

    def _tell(self) -> None:
        path = self.line.text().strip()
        self.line.setToolTip(path)
        self.entered.emit(path)
