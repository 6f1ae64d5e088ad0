"""Lists what Micro-Manager has on this computer, to be picked from; only when asked, as it loads drivers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QPushButton, QVBoxLayout, QWidget

from napari_emrestore.widgets.forms import menu, note
from napari_emrestore.widgets.jobs import Jobs

if TYPE_CHECKING:
    from napari_emrestore.core import EmRestoreError

_TEXT = "Find cameras of Micro-Manager"
Found = dict[str, dict[str, str]]


class DeviceFinder(QWidget):
    """A button that looks for cameras and configurations, and a menu of what was found.

    Signals
    -------
    picked : dict of str to str
        Settings of the camera ``micromanager``: ``config``, ``adapter`` and ``device``.
    """

    picked = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.jobs = Jobs(self, quiet=True)
        self.button, self.found, self.message = QPushButton(_TEXT), menu({}), note()
        self.button.setToolTip("Asks the device adapters that are installed, which loads their drivers.")
        self.found.setToolTip("What was found; choosing fills in the form below.")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        for widget in (self.button, self.found, self.message):
            layout.addWidget(widget)
        self.found.hide()
        self.message.hide()
        self.button.clicked.connect(self._look)
        self.found.activated.connect(lambda _: self.picked.emit(self.found.currentData()))
        self.jobs.succeeded.connect(self._show)
        self.jobs.failed.connect(self._refuse)
        self.jobs.ended.connect(lambda: self.button.setEnabled(True))

    def _look(self) -> None:
        self.button.setEnabled(False)
        self._say("Looking …")
        self.jobs.start("Looking for cameras", lambda _: find_all())

    def _show(self, found: Found) -> None:
        self.found.clear()
        for text, values in found.items():
            self.found.addItem(text, values)
        self.found.setVisible(bool(found))
        self._say("" if found else "Micro-Manager has no camera here: install its device adapters first.")
        if found:
            self.picked.emit(self.found.currentData())

    def _refuse(self, error: EmRestoreError) -> None:
        self.found.hide()
        self._say(str(error))

    def _say(self, text: str) -> None:
        self.message.setText(text)
        self.message.setVisible(bool(text))


def find_all() -> Found:
    """Return what can be opened, by a text for a menu: a loaded core, configurations, single cameras.

    Raises
    ------
    MissingPackageError
        If pymmcore-plus is not installed.
    """
    from napari_emrestore.cameras.micromanager_devices import find_configurations, find_devices, loaded_core

    found: Found = {}
    core = loaded_core()
    if core is not None:
        found[f"loaded: {core.camera}"] = {"config": "", "adapter": "", "device": ""}
    for path in find_configurations():
        found[path.name] = {"config": str(path), "adapter": "", "device": ""}
    for adapter, devices in find_devices().items():
        for device in devices:
            found[f"{adapter}: {device}"] = {"config": "", "adapter": adapter, "device": device}
    return found
