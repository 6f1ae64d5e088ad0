"""The foldable parts of the restore dock: input, alignment, computer. They show and pass on, nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QWidget

from napari_emrestore.core import WARP_KINDS
from napari_emrestore.pipeline.settings import LONGEST_BURST
from napari_emrestore.restoration.calibration import list_calibrations
from napari_emrestore.widgets.forms import column, form, menu, note, number
from napari_emrestore.widgets.layer_menu import LayerMenu
from napari_emrestore.widgets.layers import METADATA_KEY
from napari_emrestore.widgets.restore.binding import tie_menu, tie_number
from napari_emrestore.widgets.restore.state import MEANINGS

if TYPE_CHECKING:
    from napari.layers import Image
    from napari.viewer import Viewer

    from napari_emrestore.widgets.restore.state import RestoreState

_KINDS = {
    "none": "none, leave them as they are",
    "translation": "shift",
    "euclidean": "shift and rotation",
    "affine": "affine (also stretch and shear)",
    "homography": "perspective",
}
_REFERENCES = {"sharpest": "the sharpest frame", "middle": "the middle frame", "number": "frame number"}


def is_offered(layer: Image) -> bool:
    """Return whether a layer is an image of its own, not a preview of ours."""
    return not layer.metadata.get(METADATA_KEY, {}).get("preview", False)


class InputSection(QWidget):
    """Which layer, what its axes mean, and against which truth it is measured."""

    def __init__(self, viewer: Viewer, state: RestoreState) -> None:
        super().__init__()
        rows = form()
        column(self).addLayout(rows)
        self.layer = LayerMenu(viewer, wanted=is_offered)
        self.axes = note()
        self.meaning = menu(MEANINGS)
        self.truth = LayerMenu(viewer, none_text="none", wanted=is_offered)
        self.truth_frame = number(0, 0)
        self._rows = rows
        rows.addRow("Image", self.layer)
        rows.addRow(self.axes)
        rows.addRow("Frames are", self.meaning)
        rows.addRow("Ground truth", self.truth)
        rows.addRow("… of frame", self.truth_frame)
        self.truth.setToolTip("A noise-free image of the same field: results are measured against it.")
        self.meaning.setToolTip(
            "What follows along the first axis. A time series is aligned and fused in bursts, an aligned "
            "burst fused as it is; sections and single images are restored one by one."
        )
        self.truth_frame.setToolTip("The input frame that the ground truth shows, counted from 0.")
        tie_menu(self.meaning, state, "meaning")
        tie_number(self.truth_frame, state, "truth_frame")

    def show_input(self, text: str, *, frames: int, is_stack: bool, truth_is_one: bool) -> None:
        """Show the axes in words, and only the rows that matter for them."""
        self.axes.setText(text)
        self._rows.setRowVisible(self.meaning, is_stack)
        self._rows.setRowVisible(self.truth_frame, is_stack and truth_is_one)
        self.truth_frame.setRange(0, max(frames - 1, 0))


class AlignmentSection(QWidget):
    """How the frames of a burst are brought onto each other."""

    def __init__(self, state: RestoreState) -> None:
        super().__init__()
        rows = form()
        column(self).addLayout(rows)
        self.kind = menu({name: _KINDS[name] for name in ("none", *WARP_KINDS)})
        self.reference = menu(_REFERENCES)
        self.reference_frame = number(0, LONGEST_BURST - 1)
        rows.addRow("Motion", self.kind)
        rows.addRow("Onto", self.reference)
        rows.addRow("Number", self.reference_frame)
        rows.addRow(
            note("Dead rims, grid bars and missing pixels are left out of the alignment by themselves.")
        )
        self.kind.setToolTip("How frames may differ from each other. The simplest that fits is the safest.")
        self.reference_frame.setToolTip("Counted from 0 within the burst.")
        tie_menu(self.kind, state, "kind")
        tie_menu(self.reference, state, "reference")
        tie_number(self.reference_frame, state, "reference_frame")

        def show_number(reference: str) -> None:
            rows.setRowVisible(self.reference_frame, reference == "number")

        show_number(state.reference)
        state.events.reference.connect(show_number)


class DeviceMenu(QComboBox):
    """Where networks run; looks for devices when first opened, because that loads torch."""

    wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._asked = False
        self.addItem("automatic", "auto")
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(8)

    def showPopup(self) -> None:
        """Open, and ask for the devices the first time."""
        if not self._asked:
            self._asked = True
            self.addItem("looking for devices …", None)
            self.wanted.emit()
        super().showPopup()

    def fill(self, devices: dict[str, str]) -> None:
        """Show devices by name; the chosen one stays chosen, also when it is not there any more."""
        chosen = self.currentData() or "auto"
        self.blockSignals(True)
        self.clear()
        self.addItem("automatic", "auto")
        for name, text in devices.items():
            self.addItem(text, name)
        if self.findData(chosen) < 0:
            self.addItem(f"{chosen} (not found)", chosen)
        self.setCurrentIndex(self.findData(chosen))
        self.blockSignals(False)


class ComputerSection(QWidget):
    """Where and in which pieces the model runs."""

    def __init__(self, state: RestoreState) -> None:
        super().__init__()
        rows = form()
        column(self).addLayout(rows)
        self.device = DeviceMenu()
        if state.device != "auto":
            self.device.addItem(state.device, state.device)
        self.precision = menu({"auto": "automatic", "fp32": "fp32", "bf16": "bf16", "fp16": "fp16"})
        self.tile = number(0, 16384, suffix=" px", step=32)
        self.tile.setSpecialValueText("automatic")
        self.noise, self._state = menu({}), state
        self.noise.setToolTip(
            "What models that ask for the noise of the frames are told: measured on the input, or a camera's "
            "calibration (made in the dock Train and adapt models)"
        )
        self.fill_noise()
        rows.addRow("Device", self.device)
        rows.addRow("Precision", self.precision)
        rows.addRow("Tile side", self.tile)
        rows.addRow("Noise", self.noise)
        self.tile.setToolTip(
            "Automatic fits tiles to the free memory, and shrinks them if that does not suffice."
        )
        tie_menu(self.device, state, "device")
        tie_menu(self.precision, state, "precision")
        tie_number(self.tile, state, "tile_px")
        tie_menu(self.noise, state, "noise")

    def fill_noise(self) -> None:
        """Offer the calibrations there are; the chosen one stays chosen, also when it is gone."""
        chosen = self._state.noise
        names = list_calibrations()
        entries = {"": "measured", **{name: f"camera {name}" for name in names}}
        if chosen not in entries:
            entries[chosen] = f"{chosen} (not found)"
        self.noise.blockSignals(True)
        self.noise.clear()
        for name, text in entries.items():
            self.noise.addItem(text, name)
        self.noise.setCurrentIndex(self.noise.findData(chosen))
        self.noise.blockSignals(False)
