"""The restore dock as a person sees it: foldable parts that scroll, and below them what starts work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_emrestore.widgets.forms import scrolled, section
from napari_emrestore.widgets.restore.burst_section import BurstSection
from napari_emrestore.widgets.restore.error_box import ErrorBox
from napari_emrestore.widgets.restore.model_section import ModelSection
from napari_emrestore.widgets.restore.scores_table import ScoresTable
from napari_emrestore.widgets.restore.sections import AlignmentSection, ComputerSection, InputSection
from napari_emrestore.widgets.run_bar import RunBar

if TYPE_CHECKING:
    from napari.viewer import Viewer

    from napari_emrestore.widgets.jobs import Jobs
    from napari_emrestore.widgets.restore.choices import Choice
    from napari_emrestore.widgets.restore.state import RestoreState


class RestoreView(QWidget):
    """All parts of the dock.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Whose layers are offered.
    state : RestoreState
        What is shown and set.
    choices : tuple of list of Choice
        Trained models and classical methods.
    checks, previews, runs : Jobs
        Whose progress is shown.
    """

    def __init__(
        self,
        viewer: Viewer,
        state: RestoreState,
        choices: tuple[list[Choice], list[Choice]],
        checks: Jobs,
        previews: Jobs,
        runs: Jobs,
    ) -> None:
        super().__init__()
        self.input = InputSection(viewer, state)
        self.alignment = AlignmentSection(state)
        self.burst = BurstSection(state, checks)
        self.expected_error = ErrorBox(state)
        self.model = ModelSection(*choices, choice=self.expected_error)
        self.computer = ComputerSection(state)
        self.preview = RunBar(previews, "Preview visible field")
        self.run = RunBar(runs, "Run")
        self.scores = ScoresTable()
        self.alignment_box = section("Alignment", self.alignment, is_open=False)
        self.burst_box = section("Burst", self.burst)
        boxes = (
            section("Input", self.input),
            self.burst_box,
            self.alignment_box,
            section("Model", self.model),
            section("Computer", self.computer, is_open=False),
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.addWidget(scrolled(boxes), 1)
        for widget in (self.preview, self.run, self.scores):
            layout.addWidget(widget)

    def show_bursts(self, *, several: bool, aligned: bool) -> None:
        """Show the parts about bursts only where there are some."""
        self.burst_box.setVisible(several)
        self.alignment_box.setVisible(several and not aligned)
