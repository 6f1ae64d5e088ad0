"""What is made of the frames: how many, how they are aligned, and by which model they are restored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QCheckBox, QWidget

from napari_emrestore.core import WARP_KINDS
from napari_emrestore.pipeline.settings import LONGEST_BURST
from napari_emrestore.widgets.forms import column, form, menu, number
from napari_emrestore.widgets.restore.binding import tie_check, tie_menu, tie_number
from napari_emrestore.widgets.restore.model_section import ModelSection

if TYPE_CHECKING:
    from napari_emrestore.widgets.live.state import LiveState
    from napari_emrestore.widgets.restore.choices import Choice

_KINDS = {
    "translation": "shift",
    "euclidean": "shift and rotation",
    "affine": "affine",
    "homography": "perspective",
    "none": "frames are aligned",
}


class RestoreBox(QWidget):
    """Restore this or not, burst length, motion, the model with its facts; all may change while it runs."""

    def __init__(self, state: LiveState, trained: list[Choice], classical: list[Choice]) -> None:
        super().__init__()
        self.restore = QCheckBox("Restore this")
        self.restore.setToolTip("Off: raw frames as they come, at the full rate.")
        self.frames = number(1, LONGEST_BURST)
        self.frames.setToolTip(
            "So many of the newest frames make one view: more show less noise and smear more where something "
            "changes or the alignment fails."
        )
        self.kind = menu({name: _KINDS[name] for name in (*WARP_KINDS, "none")})
        self.kind.setToolTip("How frames may differ from each other. The simplest that fits is the safest.")
        self.model = ModelSection(trained, classical)
        rows = form()
        rows.addRow("Frames", self.frames)
        rows.addRow("Motion", self.kind)
        layout = column(self)
        layout.addWidget(self.restore)
        layout.addLayout(rows)
        layout.addWidget(self.model)
        inner = self.model.layout()
        if inner is not None:
            inner.setContentsMargins(0, 0, 0, 0)
        tie_check(self.restore, state, "restore")
        tie_number(self.frames, state, "frames")
        tie_menu(self.kind, state, "kind")
        self.restore.toggled.connect(self.model.setEnabled)
        self.model.setEnabled(state.restore)
        self.say_pace("")

    def say_pace(self, text: str) -> None:
        """Say how fast views are restored, or why there is none yet."""
        if self.model.expected.text() != text:
            self.model.expected.setText(text)
        self.model.expected.setVisible(bool(text))
