"""Segmentations of what is compared: measured when asked, off the main thread, gone when outdated."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from napari.layers import Labels
from qtpy.QtCore import QObject, Signal

from napari_emrestore.core import InputError
from napari_emrestore.widgets.compare.geometry import current_position
from napari_emrestore.widgets.compare.measuring import segment
from napari_emrestore.widgets.compare.sources import take_snapshot
from napari_emrestore.widgets.layers import placement

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.viewer import Viewer

    from napari_emrestore.pipeline.comparison import SegmentationTable
    from napari_emrestore.widgets.compare.sources import Snapshot
    from napari_emrestore.widgets.compare.state import CompareState
    from napari_emrestore.widgets.jobs import Jobs

_CHANGES = (
    "data",
    "paint",
    "labels_update",
    "scale",
    "translate",
    "rotate",
    "shear",
    "affine",
    "units",
    "name",
)


class Segmenting(QObject):
    """One table at a time, from the click until something of it changes.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Whose layers are segmented.
    state : CompareState
        Says which, and what is true.
    jobs : Jobs
        Runs the segmentation.

    Signals
    -------
    measured : SegmentationTable or None
        The newest table; None when it no longer holds.
    """

    measured = Signal(object)

    def __init__(self, viewer: Viewer, state: CompareState, jobs: Jobs) -> None:
        super().__init__(jobs.parent())
        self._viewer, self._state, self._jobs = viewer, state, jobs
        self._links: list[tuple[Any, Callable[..., None]]] = []
        self._snapshot: Snapshot | None = None
        self._table: SegmentationTable | None = None
        jobs.succeeded.connect(self._finish)

    def start(self) -> None:
        """Measure what is chosen now.

        Raises
        ------
        InputError
            If layers do not fit each other.
        """
        if reason := self._state.why_not_segment():
            raise InputError(
                "Segmentations need images and true regions", came="they are missing", remedy=reason
            )
        self._snapshot = take_snapshot(self._viewer, self._state, labels=True)
        self._jobs.start("Segmenting", partial(segment, self._snapshot, self._state.membrane_px))

    def outdate(self) -> None:
        """Forget the table, and stop measuring it: something that it is of has changed."""
        self._jobs.cancel()
        self._table = self._snapshot = None
        self.measured.emit(None)

    def follow(self) -> None:
        """Listen to the Labels layers that the state names, and to no others."""
        self.unfollow()
        for layer in {self._state.true_regions, *self._state.given_labels}:
            if isinstance(layer, Labels):
                for name in _CHANGES:
                    emitter = getattr(layer.events, name)
                    emitter.connect(self._changed)
                    self._links.append((emitter, self._changed))

    def unfollow(self) -> None:
        """Listen to no layer."""
        for emitter, callback in self._links:
            emitter.disconnect(callback)
        self._links = []

    def add_layers(self) -> None:
        """Add what was found in each image as a Labels layer on its pixels."""
        if self._table is None or self._snapshot is None:
            return
        for name, labels in self._table.labels.items():
            source, area = self._viewer.layers[name], self._snapshot.areas[name]
            position = current_position(source, self._viewer)
            place = placement(
                source,
                (area.y0, area.x0),
                stack=bool(position),
                first_frame=float(position[-1]) if position else 0.0,
            )
            found = labels if not position else labels[None]
            self._viewer.add_labels(found, name=f"{name} · regions", **place)

    def _changed(self, event: Any = None) -> None:
        self.outdate()

    def _finish(self, table: SegmentationTable) -> None:
        self._table = table
        self.measured.emit(table)
