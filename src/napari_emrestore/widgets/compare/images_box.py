"""Which layers are compared: ticked candidates, ground truth, raw layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QCheckBox, QListWidget, QListWidgetItem, QWidget

from napari_emrestore.widgets.compare.choices import layers_of, offer, set_quietly, set_tick, ticked
from napari_emrestore.widgets.forms import column, form, menu, note

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_emrestore.widgets.compare.state import CompareState

_LIST_ROWS = 6


class ImagesBox(QWidget):
    """Ticks and menus of layers.

    Signals
    -------
    changed : dict
        Fields of the state and their new values.
    """

    changed = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.automatic = QCheckBox("Follow new restorations")
        self.automatic.setToolTip(
            "Tick restorations, their input and a layer called 'truth' by themselves; ticking by hand ends it"
        )
        self.candidates = QListWidget()
        self.candidates.setToolTip("Layers to compare, one to eight")
        self.truth, self.raw = menu({}), menu({})
        self.truth.setToolTip("What the candidates should look like; without it only changes are told")
        self.raw.setToolTip("The unrestored layer: reference without a truth, and shown while a key is held")
        self.problem = note()
        self.problem.hide()
        rows = form()
        rows.addRow("Ground truth", self.truth)
        rows.addRow("Raw layer", self.raw)
        layout = column(self)
        layout.addWidget(self.automatic)
        layout.addWidget(self.candidates)
        layout.addLayout(rows)
        layout.addWidget(self.problem)
        self.automatic.toggled.connect(lambda on: self.changed.emit({"automatic": on}))
        self.candidates.itemChanged.connect(lambda _: self._tell({"candidates": self._ticked()}))
        self.truth.currentIndexChanged.connect(lambda _: self._tell({"truth": self.truth.currentData()}))
        self.raw.currentIndexChanged.connect(lambda _: self._tell({"raw": self.raw.currentData()}))

    def show_state(self, state: CompareState, layers: Sequence[Any]) -> None:
        """Show what is chosen among the comparable layers."""
        set_quietly(self.automatic, state.automatic)
        self.candidates.blockSignals(True)
        self.candidates.clear()
        for layer in layers:
            item = QListWidgetItem(layer.name)
            item.setData(Qt.ItemDataRole.UserRole, layer)
            item.setToolTip(layer.name)
            item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsUserCheckable)
            set_tick(item, layer in state.candidates)
            self.candidates.addItem(item)
        rows = min(max(self.candidates.count(), 2), _LIST_ROWS)
        height = self.candidates.sizeHintForRow(0) if layers else self.fontMetrics().height()
        self.candidates.setFixedHeight(rows * height + 2 * self.candidates.frameWidth() + 4)
        self.candidates.blockSignals(False)
        offer(self.truth, layers_of(layers, "none"), state.truth)
        offer(self.raw, layers_of(layers, "none"), state.raw)

    def say(self, text: str) -> None:
        """Show why nothing can be compared; an empty text hides it."""
        self.problem.setText(text)
        self.problem.setVisible(bool(text))

    def _ticked(self) -> tuple[Any, ...]:
        return tuple(item.data(Qt.ItemDataRole.UserRole) for item in ticked(self.candidates))

    def _tell(self, values: dict[str, Any]) -> None:
        self.changed.emit({"automatic": False, **values})
