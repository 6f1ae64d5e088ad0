"""The live dock as a person sees it: foldable parts that scroll, and below them lamps, Start and Snapshot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from napari_emrestore.widgets.forms import note, scrolled, section
from napari_emrestore.widgets.live.look_box import LookBox
from napari_emrestore.widgets.live.record_box import RecordBox
from napari_emrestore.widgets.live.restore_box import RestoreBox
from napari_emrestore.widgets.live.source_box import SourceBox
from napari_emrestore.widgets.live.status_box import Lamps, NumbersBox

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.viewer import Viewer

    from napari_emrestore.cameras import CameraKind
    from napari_emrestore.widgets.live.state import LiveState
    from napari_emrestore.widgets.restore.choices import Choice


_START_TIPS = {
    "Start": "Opens the camera and shows what it sees.",
    "Stop": "Closes the camera; what is seen stays, and a recording is completed.",
    "Stopping …": "The camera is being closed.",
}


class LiveView(QWidget):
    """All parts of the dock.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Whose layers are offered.
    state : LiveState
        What is shown and set.
    cameras : sequence of CameraKind
        The table of cameras.
    choices : tuple of list of Choice
        Trained models and classical methods.
    """

    def __init__(
        self,
        viewer: Viewer,
        state: LiveState,
        cameras: Sequence[CameraKind],
        choices: tuple[list[Choice], list[Choice]],
    ) -> None:
        super().__init__()
        self.source = SourceBox(state, cameras)
        self.restore = RestoreBox(state, *choices)
        self.look = LookBox(viewer, state)
        self.record = RecordBox(state)
        self.numbers = NumbersBox()
        self.lamps = Lamps()
        self.start, self.snapshot = QPushButton("Start"), QPushButton("Snapshot")
        self.snapshot.setToolTip("Adds what is seen now, raw and restored, as layers with their record.")
        self.snapshot.setEnabled(False)
        self.message = note()
        boxes = (
            section("Source", self.source),
            section("Restoration", self.restore),
            section("View", self.look),
            section("Recording", self.record, is_open=False),
            section("Numbers", self.numbers, is_open=False),
        )
        buttons = QHBoxLayout()
        buttons.addWidget(self.start, 1)
        buttons.addWidget(self.snapshot, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.addWidget(scrolled(boxes), 1)
        layout.addWidget(self.lamps)
        layout.addLayout(buttons)
        layout.addWidget(self.message)
        self.say("")

    def show_start(self, text: str, *, enabled: bool = True, tip: str = "") -> None:
        """Show what a press on the start button would do now, or why it does nothing."""
        self.start.setText(text)
        self.start.setEnabled(enabled)
        self.start.setToolTip(tip or _START_TIPS.get(text, ""))

    def say(self, text: str) -> None:
        """Show one sentence below the buttons; an empty one hides it."""
        self.message.setText(text)
        self.message.setVisible(bool(text))
