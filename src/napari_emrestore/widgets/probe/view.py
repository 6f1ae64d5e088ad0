"""The probe dock as a person sees it: known patterns above, patterns in a person's own image below."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_emrestore.widgets.forms import column, scrolled, section
from napari_emrestore.widgets.probe.injection_box import InjectionBox, TransferTable
from napari_emrestore.widgets.probe.patterns_box import DegradationBox, PatternsBox
from napari_emrestore.widgets.probe.scores_tree import ScoresTree
from napari_emrestore.widgets.run_bar import RunBar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari.viewer import Viewer

    from napari_emrestore.widgets.jobs import Jobs
    from napari_emrestore.widgets.probe.state import ProbeState


class ProbeView(QWidget):
    """All parts of the dock.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Whose layers are offered.
    models : mapping of str to str
        Models and what they are for.
    probing, injecting : Jobs
        Whose progress is shown.
    """

    def __init__(self, viewer: Viewer, models: Mapping[str, str], probing: Jobs, injecting: Jobs) -> None:
        super().__init__()
        self.patterns = PatternsBox(models)
        self.degradation = DegradationBox(viewer)
        self.run = RunBar(probing, "Probe")
        self.scores = ScoresTree()
        self.injection = InjectionBox(viewer, models)
        self.inject = RunBar(injecting, "Add patterns and restore")
        self.transfers = TransferTable()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.addWidget(
            scrolled(
                (
                    section("Patterns and models", self.patterns),
                    section("Motion and noise", self.degradation, is_open=False),
                    _stacked(self.run, self.scores),
                    section("Probe injection", _stacked(self.injection, self.inject, self.transfers)),
                )
            )
        )

    def show_state(self, state: ProbeState, *, is_stack: bool) -> None:
        """Show what is set, and why something cannot run."""
        self.patterns.show_state(state)
        self.degradation.show_state(state)
        self.injection.show_state(state, is_stack=is_stack)
        self.run.allow(state.probe_obstacle())
        self.inject.allow(state.injection_obstacle())


def _stacked(*widgets: QWidget) -> QWidget:
    holder = QWidget()
    layout = column(holder)
    layout.setContentsMargins(0, 0, 0, 0)
    for widget in widgets:
        layout.addWidget(widget)
    return holder
