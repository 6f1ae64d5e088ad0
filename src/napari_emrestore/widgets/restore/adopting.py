"""A button that makes a model file of anybody one of the menu."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFileDialog, QVBoxLayout, QWidget

from napari_emrestore.widgets.jobs import Jobs
from napari_emrestore.widgets.model_news import tell
from napari_emrestore.widgets.run_bar import RunBar

if TYPE_CHECKING:
    from napari_emrestore.core import ModelCard

_KINDS = "Models (*.onnx *.pt *.pth *.ts *.torchscript *.zip *.yaml *.toml *.safetensors)"


class AdoptBox(QWidget):
    """Opens a file, tries it, and says why it cannot be used.

    Signals
    -------
    adopted : str
        Id of a model that every menu offers now.
    """

    adopted = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.jobs = Jobs(self)
        self.run = RunBar(self.jobs, "Open a model file …")
        self.run.button.setToolTip(
            "ONNX, TorchScript, a package of the BioImage Model Zoo (.zip, or the .yaml in its folder), or a "
            "card of ours. It is tried first, and stays where it is."
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.run)
        self.run.asked.connect(self._ask)
        self.jobs.succeeded.connect(self._show)

    def _ask(self) -> None:
        from napari_emrestore.models import adopt_model

        path, _ = QFileDialog.getOpenFileName(self, "Open a model file", "", _KINDS)
        if path:
            self.jobs.start("Opening a model", lambda _: adopt_model(path))

    def _show(self, card: ModelCard) -> None:
        self.run.say(f"{card.id} is in every model menu.")
        tell()
        self.adopted.emit(card.id)
