"""Weights that are not here yet: said beside the model, and downloaded when a person asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_emrestore.widgets.forms import note
from napari_emrestore.widgets.jobs import Jobs
from napari_emrestore.widgets.model_news import tell
from napari_emrestore.widgets.run_bar import RunBar

if TYPE_CHECKING:
    from napari_emrestore.core import ModelCard


class FetchBox(QWidget):
    """A sentence and a button with a bar; seen only for a model whose weights must be downloaded."""

    def __init__(self) -> None:
        super().__init__()
        self.jobs = Jobs(self)
        self.text, self.run = note(), RunBar(self.jobs, "Download now")
        self._card: ModelCard | None = None
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.text)
        layout.addWidget(self.run)
        self.run.asked.connect(self._fetch)
        self.jobs.cancelled.connect(lambda: self.run.say("Stopped. What has come is kept for the next try."))
        self.jobs.succeeded.connect(lambda _: tell())
        self.hide()

    def show_card(self, card: ModelCard | None) -> None:
        """Offer the weights of a model if they are not here."""
        self.setVisible(card is not None and card.weights is not None and not card.is_ready)
        if self.jobs.running or card is None:
            return
        if card != self._card:
            self.run.say("")
        self._card = card
        host = urlsplit(card.weights_url).hostname
        self.text.setText(f"Its weights are not here yet. They come from {host}, now or with the first run.")

    def _fetch(self) -> None:
        from napari_emrestore.models import fetch_weights

        card = self._card
        if card is not None:
            self.jobs.start(f"Downloading {card.id}", lambda monitor: fetch_weights(card, monitor))
