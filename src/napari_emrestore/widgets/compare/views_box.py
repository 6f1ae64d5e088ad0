"""How candidates are looked at: grid, blink, swipe, and the keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QButtonGroup, QCheckBox, QHBoxLayout, QPushButton, QSlider, QWidget

from napari_emrestore.widgets.compare.choices import layers_of, offer, set_quietly
from napari_emrestore.widgets.forms import column, form, menu, note

if TYPE_CHECKING:
    from napari_emrestore.widgets.compare.state import CompareState, ViewMode

_STEPS = 1000
_MODES: dict[ViewMode, tuple[str, str]] = {
    "layers": ("Layers", "napari as it was"),
    "grid": ("Grid", "All candidates beside each other, moving together"),
    "blink": ("Blink", "One candidate at a time; the key shows the next"),
    "swipe": ("Swipe", "One candidate left of a divider, another right of it"),
}


class ViewsBox(QWidget):
    """Buttons of the ways to look, the divider, and the keys in words.

    Signals
    -------
    changed : dict
        Fields of the state and their new values.
    next_asked
        Blink to the next candidate.
    """

    changed = Signal(object)
    next_asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.modes = {mode: QPushButton(text) for mode, (text, _) in _MODES.items()}
        group = QButtonGroup(self)
        buttons = QHBoxLayout()
        buttons.setSpacing(2)
        for mode, button in self.modes.items():
            button.setCheckable(True)
            button.setToolTip(_MODES[mode][1])
            group.addButton(button)
            buttons.addWidget(button)
            button.clicked.connect(lambda _=False, mode=mode: self.changed.emit({"view": mode}))
        self.divider = QSlider(Qt.Orientation.Horizontal)
        self.divider.setRange(0, _STEPS)
        self.divider.setToolTip("Place of the divider; it can also be dragged in the image")
        self.left, self.right = menu({}), menu({})
        self.swipe = QWidget()
        rows = form()
        self.swipe.setLayout(rows)
        rows.addRow("Left", self.left)
        rows.addRow("Right", self.right)
        rows.addRow("Divider", self.divider)
        self.same_contrast = QCheckBox("Same contrast for all")
        self.same_contrast.setToolTip("Contrast limits of the truth, or of the raw layer, until you leave")
        self.next = QPushButton("Show the next")
        self.keys = note()
        layout = column(self)
        layout.addLayout(buttons)
        for part in (self.same_contrast, self.swipe, self.next, self.keys):
            layout.addWidget(part)
        self.divider.valueChanged.connect(lambda value: self.changed.emit({"divider": value / _STEPS}))
        for combo in (self.left, self.right):
            combo.currentIndexChanged.connect(lambda _: self._tell_pair())
        self.same_contrast.toggled.connect(lambda on: self.changed.emit({"same_contrast": on}))
        self.next.clicked.connect(lambda: self.next_asked.emit())

    def show_state(self, state: CompareState, keys: dict[str, str]) -> None:
        """Show what is chosen, and the keys by what they do."""
        for mode, button in self.modes.items():
            button.setChecked(mode == state.view)
            button.setEnabled(mode == "layers" or not state.why_not_measure())
        set_quietly(self.same_contrast, state.same_contrast)
        self.same_contrast.setVisible(state.view != "layers")
        self.swipe.setVisible(state.view == "swipe")
        self.next.setVisible(state.view == "blink")
        set_quietly(self.divider, round(state.divider * _STEPS))
        shown = [*state.candidates, *([state.truth] if state.truth is not None else [])]
        pair: tuple[Any, ...] = state.swipe_pair or (None, None)
        offer(self.left, layers_of(shown), pair[0])
        offer(self.right, layers_of(shown), pair[1])
        listed = ", ".join(f"{key}: {what}" for what, key in keys.items())
        self.keys.setText(f"Keys in the image: {listed}. Change them in Preferences, Shortcuts, Viewer.")

    def show_divider(self, divider: float) -> None:
        """Show where the divider was dragged to."""
        set_quietly(self.divider, round(divider * _STEPS))

    def _tell_pair(self) -> None:
        self.changed.emit({"swiped": (self.left.currentData(), self.right.currentData())})
