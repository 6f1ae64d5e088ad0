"""What thumbnails are cut from and numbers measured on: the chosen layers at the slider's place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, QTimer, Signal

from napari_emrestore.core import InputError
from napari_emrestore.widgets.layers import pixel_size_nm
from napari_emrestore.widgets.lifetime import is_alive
from napari_emrestore.widgets.regions.sources import levels_of
from napari_emrestore.widgets.regions.state import LAYER_FIELDS
from napari_emrestore.widgets.regions.thumbnails import Pictured

if TYPE_CHECKING:
    from napari.viewer import Viewer

    from napari_emrestore.widgets.regions.measuring import Measuring
    from napari_emrestore.widgets.regions.state import RegionsState
    from napari_emrestore.widgets.regions.thumbnails import Thumbnails

_DELAY_MS = 200
_MEASURED = {
    "overview": "raw",
    "restored": "restored",
    "truth": "truth",
    "frame_count": "frame_count",
    "registration": "registration_px",
    "confidence": "confidence",
}


class Images(QObject):
    """Follows the chosen layers: another slice, other pixels, other contrast.

    Signals
    -------
    taken : str
        Why the layers cannot be used; empty if they are used now.
    """

    taken = Signal(str)

    def __init__(
        self,
        viewer: Viewer,
        state: RegionsState,
        thumbnails: Thumbnails,
        measuring: Measuring,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._viewer, self._state = viewer, state
        self._thumbnails, self._measuring = thumbnails, measuring
        self._links: list[Any] = []
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_DELAY_MS)
        self._timer.timeout.connect(self.take)

    def take_soon(self, event: Any = None) -> None:
        """Take the layers as they will be in a moment: several changes are gathered."""
        if is_alive(self):
            self._timer.start()

    def slice_changed(self) -> None:
        """Take another slice of an overview that has several."""
        overview = self._state.overview
        if overview is not None and overview.ndim > 2:
            self.take_soon()

    def take(self) -> None:
        """Cut thumbnails from, and measure on, what the layers hold now."""
        self._timer.stop()
        self._follow()
        chosen = {name: getattr(self._state, name) for name in LAYER_FIELDS}
        try:
            levels = {
                name: levels_of(layer, self._viewer) for name, layer in chosen.items() if layer is not None
            }
        except InputError as error:
            levels, reason = {}, str(error)
        else:
            reason = ""
        self._thumbnails.cut_from(
            [
                Pictured(tuple(levels[name]), tuple(chosen[name].contrast_limits))
                for name in ("overview", "restored")
                if name in levels
            ]
        )
        finest = {_MEASURED[name]: found[0] for name, found in levels.items()}
        size = None if "raw" not in finest else pixel_size_nm(chosen["overview"])
        self._measuring.measure_on({**finest, "pixel_size_nm": size} if "raw" in finest else None)
        self.taken.emit(reason)

    def _follow(self) -> None:
        for emitter in self._links:
            emitter.disconnect(self.take_soon)
        shown = [layer for layer in (self._state.overview, self._state.restored) if layer is not None]
        self._links = [
            emitter for layer in shown for emitter in (layer.events.contrast_limits, layer.events.data)
        ]
        for emitter in self._links:
            emitter.connect(self.take_soon)
