"""Runs a search for regions off the main thread; what is found for another overview is dropped."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, Signal

from napari_emrestore.overview.proposing import propose
from napari_emrestore.restoration.plan import Rect
from napari_emrestore.widgets.jobs import Jobs
from napari_emrestore.widgets.layers import visible_field
from napari_emrestore.widgets.regions.sources import levels_of

if TYPE_CHECKING:
    from napari.layers import Image
    from napari.viewer import Viewer

    from napari_emrestore.overview.proposing import Proposals
    from napari_emrestore.widgets.regions.state import RegionsState


class Searching(QObject):
    """One search at a time.

    Signals
    -------
    found : Proposals
        Of the overview that is chosen now.
    """

    found = Signal(object)

    def __init__(self, viewer: Viewer, state: RegionsState, parent: QObject) -> None:
        super().__init__(parent)
        self._viewer, self._state = viewer, state
        self.jobs = Jobs(self)
        self.jobs.succeeded.connect(self._tell)

    def start(self) -> None:
        """Look for what the state says, in the overview or the part of it in view.

        Raises
        ------
        InputError
            If that cannot be looked for.
        """
        state, overview = self._state, self._state.overview
        method = state.method()
        known = () if state.regions is None else state.regions.regions
        y0, y1, x0, x1 = visible_field(overview)
        work = partial(
            propose,
            levels_of(overview, self._viewer),
            method,
            class_name=state.active_class,
            pixel_size_nm=None if state.regions is None else state.regions.overview.pixel_size_nm,
            area=Rect(y0, y1, x0, x1) if state.visible_only else None,
            known=known,
        )
        self.jobs.start("Proposing regions", lambda monitor: (overview, work(monitor=monitor)))

    def _tell(self, outcome: tuple[Image, Proposals]) -> None:
        overview, proposals = outcome
        if overview == self._state.overview:
            self.found.emit(proposals)
