"""The regions dock as a person sees it: overview, drawing, list, the selected region, proposals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_emrestore.widgets.forms import scrolled, section
from napari_emrestore.widgets.regions.classes_box import ClassesBox
from napari_emrestore.widgets.regions.details_box import DetailsBox
from napari_emrestore.widgets.regions.list_box import ListBox
from napari_emrestore.widgets.regions.overview_box import OverviewBox
from napari_emrestore.widgets.regions.propose_box import ProposeBox

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from napari.viewer import Viewer

    from napari_emrestore.overview.region_numbers import RegionNumbers
    from napari_emrestore.widgets.jobs import Jobs
    from napari_emrestore.widgets.regions.history import History
    from napari_emrestore.widgets.regions.state import RegionsState
    from napari_emrestore.widgets.regions.thumbnails import Thumbnails


class RegionsView(QWidget):
    """All parts of the dock.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Whose layers are offered.
    fits : callable
        Tells of a layer whether it lies on the pixels of the overview.
    thumbnails : Thumbnails
        Pictures of the rows.
    proposing : Jobs
        Whose progress is shown.
    targets : QWidget
        The way to the microscope, below the others.
    """

    def __init__(
        self,
        viewer: Viewer,
        fits: Callable[[Any], bool],
        thumbnails: Thumbnails,
        proposing: Jobs,
        targets: QWidget,
    ) -> None:
        super().__init__()
        self.overview = OverviewBox(viewer, fits)
        self.classes = ClassesBox()
        self.list = ListBox(thumbnails)
        self.details = DetailsBox()
        self.propose = ProposeBox(proposing)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.addWidget(
            scrolled(
                (
                    section("Overview", self.overview),
                    section("Draw", self.classes),
                    section("Regions", self.list),
                    section("Selected", self.details),
                    section("Propose", self.propose, is_open=False),
                    targets,
                )
            )
        )

    def show_state(self, state: RegionsState, history: History) -> None:
        """Show the choices and the regions, but for the rows of the list."""
        self.classes.show_state(state.regions, state.active_class, state.why_not_draw())
        self.list.show_state(state, history.undoes, history.redoes)
        self.details.show_state(state)
        waiting = frozenset(() if state.regions is None else (r.id for r in state.regions.proposals))
        self.propose.show_state(
            state,
            sum(number in waiting for number in self.list.model.ids),
            sum(number in waiting for number in state.selected),
        )

    def show_numbers(self, state: RegionsState, numbers: Mapping[int, RegionNumbers]) -> None:
        """List the regions with their numbers, and show those of the only selected one."""
        self.list.show_regions(state.regions, numbers, state.shown)
        self.list.select(state.selected)
        only = state.selected[0] if len(state.selected) == 1 else 0
        self.details.show_numbers(numbers.get(only))
