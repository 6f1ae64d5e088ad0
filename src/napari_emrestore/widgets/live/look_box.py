"""How the view is looked at: raw beside restored, contrast, histogram, region, ground truth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari.layers import Shapes
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QCheckBox, QHBoxLayout, QPushButton, QSlider, QToolButton, QWidget

from napari_emrestore.widgets.forms import column, form, menu, note
from napari_emrestore.widgets.layer_menu import LayerMenu
from napari_emrestore.widgets.live.state import LOOKS
from napari_emrestore.widgets.restore.binding import tie_check, tie_menu

if TYPE_CHECKING:
    from napari.viewer import Viewer

    from napari_emrestore.widgets.live.pictures import TruthScores
    from napari_emrestore.widgets.live.state import LiveState

_DIVIDER_STEPS = 200


class LookBox(QWidget):
    """Everything about looking; it changes no image, except that a region crops them."""

    def __init__(self, viewer: Viewer, state: LiveState) -> None:
        super().__init__()
        self.look = menu(LOOKS)
        self.look.setToolTip("How raw and restored view are seen together.")
        self.divider = QSlider(Qt.Orientation.Horizontal)
        self.divider.setRange(0, _DIVIDER_STEPS)
        self.divider.setValue(_DIVIDER_STEPS // 2)
        self.divider.setToolTip("Raw left of the divider, restored right of it.")
        self.hold = QPushButton("Hold to see raw")
        self.hold.setToolTip("Shows the raw layer alone while pressed.")
        self.contrast = QCheckBox("Contrast follows the view")
        self.contrast.setToolTip(
            "Off, or as soon as you move napari's contrast slider: limits stay as they are."
        )
        self.histogram = QCheckBox("Histogram in layer controls")
        self.histogram.setToolTip("Napari's own histogram of the layer that is looked at.")
        self.region = LayerMenu(viewer, none_text="whole frame", kind=Shapes)
        self.region.setToolTip("The last shape of this layer is the part of the frame that is looked at.")
        self.draw = QToolButton()
        self.draw.setText("Draw")
        self.draw.setToolTip("Adds a rectangle that you can move and resize while the camera runs.")
        self.region_text = note()
        self.truth = QCheckBox("Ground truth, with live scores")
        self.truth.setToolTip("The simulated microscope knows what its frames should have been.")
        self.scores = note()
        self._rows = form()
        region = QHBoxLayout()
        region.addWidget(self.region, 1)
        region.addWidget(self.draw)
        self._rows.addRow("Show", self.look)
        self._rows.addRow("Divider", self.divider)
        self._rows.addRow("Region", region)
        layout = column(self)
        layout.addLayout(self._rows)
        for widget in (self.region_text, self.hold, self.contrast, self.histogram, self.truth, self.scores):
            layout.addWidget(widget)
        tie_menu(self.look, state, "look")
        tie_check(self.contrast, state, "auto_contrast")
        tie_check(self.truth, state, "truth")
        self.say_region("")
        self.scores.hide()
        self.show_look(state.look)

    @property
    def share(self) -> float:
        """Where the divider stands, 0 (left) to 1."""
        return self.divider.value() / _DIVIDER_STEPS

    def move_divider(self, share: float) -> None:
        """Put the slider where the divider was dragged to."""
        self.divider.setValue(round(share * _DIVIDER_STEPS))

    def show_look(self, look: str) -> None:
        """Show the divider only where there is one."""
        self._rows.setRowVisible(self.divider, look == "split")

    def say_region(self, text: str) -> None:
        """Say which region is used, or why a drawn one is not; nothing for the whole frame."""
        self.region_text.setText(text)
        self.region_text.setVisible(bool(text))

    def show_scores(self, scores: TruthScores | None, model: str) -> None:
        """Show a measurement with the number of its frame, or none."""
        self.scores.setVisible(scores is not None)
        if scores is None:
            return
        rows = [("raw", scores.raw), *([(model, scores.restored)] if scores.restored else [])]
        lines = [f"{name}: SSIM {ssim:.3f}, PSNR {psnr:.1f} dB" for name, (ssim, psnr) in rows]
        self.scores.setText("\n".join([*lines, f"Frame {scores.frame} against its ground truth."]))
