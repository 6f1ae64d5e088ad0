"""The bake-off: models, box, blind or not, the vote and the winner."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QWidget,
)

from napari_emrestore.widgets.compare.choices import items_of, layers_of, offer, set_quietly, set_tick, ticked
from napari_emrestore.widgets.forms import column, form, menu, note, number
from napari_emrestore.widgets.run_bar import RunBar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from napari_emrestore.widgets.compare.state import CompareState
    from napari_emrestore.widgets.jobs import Jobs

_LIST_PX = 150


class BakeBox(QWidget):
    """What takes part, the run, the vote and what to do with the winner.

    Signals
    -------
    changed : dict
        Fields of the state and their new values.
    voted : str
        A letter.
    applied : str
        A model that is to restore the whole layer.
    """

    changed = Signal(object)
    voted = Signal(str)
    applied = Signal(str)

    def __init__(self, jobs: Jobs, models: Mapping[str, str]) -> None:
        super().__init__()
        self.baked = menu({})
        self.baked.setToolTip("Image or stack that the models restore a small box of")
        self.models = QListWidget()
        self.models.setFixedHeight(_LIST_PX)
        self.fill_models(models)
        self.box, self.frames = number(32, 2048, suffix=" px", step=32), number(1, 32)
        self.box.setToolTip("Side of the box around the centre of the view; a selected rectangle goes first")
        self.frames.setToolTip("Frames around the one shown, registered first; 1 takes it alone")
        self.blind = QCheckBox("Hide the names until I have voted")
        self.run = RunBar(jobs, "Run bake-off")
        self.result = note()
        self.result.hide()
        self.vote = QWidget()
        self._letters = QHBoxLayout(self.vote)
        self._letters.setContentsMargins(0, 0, 0, 0)
        self.winner, self.apply = menu({}), QPushButton("Restore the whole layer with it")
        self.apply.setToolTip("Opens the restore dock with this model chosen")
        self._arrange()
        self._connect()
        self.show_vote(())
        self.show_winners((), "")

    def fill_models(self, models: Mapping[str, str]) -> None:
        """Offer these models and no others, none of them ticked, telling nobody."""
        self.models.blockSignals(True)
        self.models.clear()
        for model, summary in models.items():
            item = QListWidgetItem(model)
            item.setToolTip(summary)
            item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsUserCheckable)
            item.setCheckState(Qt.CheckState.Unchecked)
            self.models.addItem(item)
        self.models.blockSignals(False)

    def show_state(self, state: CompareState, layers: Sequence[Any]) -> None:
        """Show what is chosen."""
        offer(self.baked, layers_of(layers), state.baked)
        self.models.blockSignals(True)
        for item in items_of(self.models):
            set_tick(item, item.text() in state.models)
        self.models.blockSignals(False)
        for box, value in ((self.box, state.box_px), (self.frames, state.frames)):
            set_quietly(box, value)
        set_quietly(self.blind, state.blind)
        self.run.allow(state.why_not_bake())

    def show_vote(self, letters: Sequence[str]) -> None:
        """Ask for a vote among letters; none takes the question away."""
        while self._letters.count():
            item = self._letters.takeAt(0)
            widget = None if item is None else item.widget()
            if widget is not None:
                widget.deleteLater()
        self.vote.setVisible(bool(letters))
        if not letters:
            return
        self._letters.addWidget(QLabel("Best:"))
        for letter in letters:
            button = QPushButton(letter)
            button.setMinimumWidth(24)
            button.clicked.connect(lambda _=False, letter=letter: self.voted.emit(letter))
            self._letters.addWidget(button)

    def show_winners(self, models: Sequence[str], chosen: str) -> None:
        """Offer models for the whole layer; none takes the offer away."""
        offer(self.winner, [(model, model) for model in models], chosen or None)
        self.winner.setVisible(bool(models))
        self.apply.setVisible(bool(models))
        self.apply.setEnabled(bool(chosen))

    def say(self, text: str) -> None:
        """Show what came out, or what failed."""
        self.result.setText(text)
        self.result.setVisible(bool(text))

    def _arrange(self) -> None:
        rows = form()
        rows.addRow("Layer", self.baked)
        layout = column(self)
        layout.addLayout(rows)
        layout.addWidget(self.models)
        sizes = form()
        sizes.addRow("Box", self.box)
        sizes.addRow("Frames of a stack", self.frames)
        layout.addLayout(sizes)
        for part in (self.blind, self.run, self.result, self.vote, self.winner, self.apply):
            layout.addWidget(part)

    def _connect(self) -> None:
        self.baked.currentIndexChanged.connect(
            lambda _: self.changed.emit({"baked": self.baked.currentData()})
        )
        self.models.itemChanged.connect(lambda _: self.changed.emit({"models": self._ticked()}))
        self.box.valueChanged.connect(lambda value: self.changed.emit({"box_px": value}))
        self.frames.valueChanged.connect(lambda value: self.changed.emit({"frames": value}))
        self.blind.toggled.connect(lambda on: self.changed.emit({"blind": on}))
        self.winner.currentIndexChanged.connect(lambda _: self.apply.setEnabled(True))
        self.apply.clicked.connect(lambda: self.applied.emit(self.winner.currentData()))

    def _ticked(self) -> tuple[str, ...]:
        return tuple(item.text() for item in ticked(self.models))
