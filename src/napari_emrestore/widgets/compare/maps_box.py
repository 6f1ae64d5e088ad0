"""Which difference maps are shown, of which candidate, how far stretched."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QWidget

from napari_emrestore.widgets.compare.choices import layers_of, offer, set_quietly
from napari_emrestore.widgets.forms import column, decimal, form, menu

if TYPE_CHECKING:
    from napari_emrestore.pipeline.comparison.maps import MapKind
    from napari_emrestore.widgets.compare.state import CompareState

_KINDS: dict[MapKind, tuple[str, str]] = {
    "difference": (
        "Signed difference",
        "Candidate minus truth (or raw layer): green is brighter, pink darker",
    ),
    "error": (
        "Absolute error",
        "Size of the difference; without a ground truth it is a change, not an error",
    ),
    "similarity": ("SSIM map", "Structural similarity of the window around each pixel"),
}


class MapsBox(QWidget):
    """Ticks of the kinds of maps.

    Signals
    -------
    changed : dict
        Fields of the state and their new values.
    """

    changed = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.mapped = menu({})
        self.kinds = {kind: QCheckBox(text) for kind, (text, _) in _KINDS.items()}
        self.stretch = decimal(50, 100, digits=1, suffix=" %", step=0.5)
        self.stretch.setToolTip(
            "Share of the pixels within the contrast limits; less shows fainter differences"
        )
        layout = column(self)
        rows = form()
        rows.addRow("Of", self.mapped)
        layout.addLayout(rows)
        for kind, box in self.kinds.items():
            box.setToolTip(_KINDS[kind][1])
            layout.addWidget(box)
            box.toggled.connect(lambda _: self.changed.emit({"maps": self._ticked()}))
        last = form()
        last.addRow("Contrast stretch", self.stretch)
        layout.addLayout(last)
        self.mapped.currentIndexChanged.connect(
            lambda _: self.changed.emit({"mapped": self.mapped.currentData()})
        )
        self.stretch.valueChanged.connect(lambda value: self.changed.emit({"stretch_percent": value}))

    def show_state(self, state: CompareState) -> None:
        """Show what is chosen."""
        others = [layer for layer in state.candidates if layer != state.against]
        offer(self.mapped, layers_of(others), state.mapped)
        for kind, box in self.kinds.items():
            set_quietly(box, kind in state.maps)
        set_quietly(self.stretch, state.stretch_percent)

    def _ticked(self) -> frozenset[MapKind]:
        return frozenset(kind for kind, box in self.kinds.items() if box.isChecked())
