"""Overviews that are still being made: read again while they grow, found again when they are complete."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari.layers import Image
from qtpy.QtCore import QObject, QTimer, Signal

from napari_emrestore.overview.targets.from_frames import mosaic_around
from napari_emrestore.widgets.lifetime import is_alive
from napari_emrestore.widgets.regions.sources import overview_of

if TYPE_CHECKING:
    from pathlib import Path

    from napari.viewer import Viewer

_EVERY_MS = 3000


class Growth(QObject):
    """Watches the overview of the dock.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Whose layers come and go.
    parent : QObject
        The dock.

    Signals
    -------
    grew
        The overview was read again, and may show more.
    came_back : Image
        A layer of the same file as the overview that was taken away, as a mosaic's when it is complete.
    """

    grew = Signal()
    came_back = Signal(object)

    def __init__(self, viewer: Viewer, parent: QObject) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._layer: Image | None = None
        self._mosaic: Path | None = None
        self._lost: tuple[str, tuple[int, int]] | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(_EVERY_MS)
        self._timer.timeout.connect(self.look)

    def watch(self, layer: Image | None) -> None:
        """Watch another overview; one that was taken away is waited for."""
        if self._layer is not None:
            gone = self._layer not in self._viewer.layers
            # others may be picked in its place, and go too, before it comes back
            self._lost = self._lost or _file_of(self._layer) if gone else None
        self._layer = layer
        self._mosaic = None if layer is None else mosaic_around(overview_of(layer).path)
        self._timer.stop()
        if self._mosaic is not None and not _is_complete(self._mosaic):
            self._timer.start()

    def look(self) -> None:
        """Read the overview again; for the last time once it is complete."""
        layer, mosaic = self._layer, self._mosaic
        if layer is None or mosaic is None or layer not in self._viewer.layers:
            self._timer.stop()
            return
        if _is_complete(mosaic):
            self._timer.stop()
        layer.refresh()
        self.grew.emit()

    def layers_changed(self) -> None:
        """Tell if the overview that was taken away has come back."""
        if not is_alive(self) or self._lost is None:
            return
        for layer in self._viewer.layers:
            if isinstance(layer, Image) and _file_of(layer) == self._lost:
                self._lost = None
                self.came_back.emit(layer)
                return


def _file_of(layer: Image) -> tuple[str, tuple[int, int]] | None:
    known = overview_of(layer)
    return (known.path, known.shape) if known.path else None


def _is_complete(mosaic: Path) -> bool:
    from napari_emrestore.overview.mosaic_files import is_mosaic, open_mosaic

    return not is_mosaic(mosaic) or open_mosaic(mosaic).complete
