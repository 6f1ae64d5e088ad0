"""Which layer is the overview, and what else is known on its pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QWidget

from napari_emrestore.widgets.fold import Fold
from napari_emrestore.widgets.forms import column, form, note
from napari_emrestore.widgets.layer_menu import LayerMenu

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.viewer import Viewer

_OTHERS = {
    "restored": ("Restored", "The same overview, restored: shown beside the raw one and measured too"),
    "truth": ("Ground truth", "Where it is known: for SSIM and PSNR of each region"),
    "confidence": ("Confidence", "Map from 0 to 1 of how far the restoration can be trusted"),
    "frame_count": ("Frame count", "Map of how many frames cover each pixel of a mosaic"),
    "registration": ("Registration", "Map of the registration residual of a mosaic, in pixels"),
}


class OverviewBox(QWidget):
    """Menus of layers.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Whose layers are offered.
    fits : callable
        Tells of a layer whether it lies on the pixels of the overview.

    Signals
    -------
    picked : str, layer or None
        A field of the state, and the layer chosen for it.
    """

    picked = Signal(str, object)

    def __init__(self, viewer: Viewer, fits: Callable[[Any], bool]) -> None:
        super().__init__()
        self.overview = LayerMenu(viewer)
        self.overview.setToolTip(
            "Image that regions lie on; also multiscale, also a stack: its slice in view"
        )
        self.others = {
            name: LayerMenu(viewer, none_text="none", wanted=lambda layer: fits(layer)) for name in _OTHERS
        }
        self.facts = note()
        rows = form()
        rows.addRow("Overview", self.overview)
        rows.addRow("Restored", self.others["restored"])
        more, more_rows = QWidget(), form()
        for name, (title, meaning) in _OTHERS.items():
            self.others[name].setToolTip(meaning)
            if name != "restored":
                more_rows.addRow(title, self.others[name])
        column(more).addLayout(more_rows)
        layout = column(self)
        layout.addLayout(rows)
        layout.addWidget(Fold("Truth and maps", more, is_open=False))
        layout.addWidget(self.facts)
        self.overview.picked.connect(lambda layer: self.picked.emit("overview", layer))
        for name, box in self.others.items():
            box.picked.connect(lambda layer, name=name: self.picked.emit(name, layer))

    def say(self, text: str) -> None:
        """Show what the overview is, or why it cannot be used."""
        self.facts.setText(text)
        self.facts.setVisible(bool(text))
