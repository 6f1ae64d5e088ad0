"""The region of interest follows a rectangle while somebody moves it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QObject, QTimer

from napari_emrestore.widgets.lifetime import is_alive
from napari_emrestore.widgets.live.pictures import RAW
from napari_emrestore.widgets.live.regions import region_of

if TYPE_CHECKING:
    from napari.layers import Layer, Shapes
    from napari.viewer import Viewer

    from napari_emrestore.widgets.live.look_box import LookBox
    from napari_emrestore.widgets.live.showing import LiveLayers
    from napari_emrestore.widgets.live.state import LiveState

_SETTLED_MS = 150
_NAME = "live region"
_DRAWN_SHARE = 0.5


class RegionDrawing(QObject):
    """Turns the last shape of the chosen layer into the region that is looked at.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Gets a Shapes layer when one is asked for.
    box : LookBox
        Whose menu names the layer.
    state : LiveState
        Is told the region.
    layers : LiveLayers
        Say where the frame lies.
    """

    def __init__(
        self, viewer: Viewer, box: LookBox, state: LiveState, layers: LiveLayers, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._viewer, self._box, self._state, self._layers = viewer, box, state, layers
        self._shapes: Shapes | None = None
        self._frame_shape = (0, 0)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_SETTLED_MS)
        self._timer.timeout.connect(self.read)
        box.region.picked.connect(self._follow)
        box.draw.clicked.connect(self.draw)

    def begin(self, frame_shape: tuple[int, int]) -> None:
        """Take the region for frames of this shape, as soon as one of them is seen."""
        self._frame_shape = frame_shape
        self.read()

    def draw(self) -> None:
        """Add a rectangle in the middle of the view, ready to be moved and resized."""
        live = self._live
        if live is None or self._layers.shown is None:
            self._box.say_region("Start the camera first: the rectangle is drawn into its view.")
            return
        if self._state.look == "grid":
            self._state.look = "stacked"  # a grid has no place over an image
        height, width = live.data.shape
        low = np.array([height, width]) * (1 - _DRAWN_SHARE) / 2
        high = np.array([height, width]) * (1 + _DRAWN_SHARE) / 2
        corners = np.array([(low[0], low[1]), (low[0], high[1]), (high[0], high[1]), (high[0], low[1])])
        shapes = self._viewer.add_shapes(
            [corners + np.asarray(live.translate) / np.asarray(live.scale)],
            shape_type="rectangle",
            name=_NAME,
            scale=live.scale,
            units=[str(unit) for unit in live.units],
            face_color="transparent",
            edge_color="yellow",
            edge_width=2,
        )
        shapes.mode = "select"
        shapes.selected_data = {0}
        self._box.region.pick(shapes)

    def read(self) -> None:
        """Take the region from the layer as it is now."""
        live, shown = self._live, self._layers.shown
        if self._shapes is None:
            self._box.say_region("")
            self._state.roi = None
        elif live is not None and shown is not None and all(self._frame_shape):
            origin = (shown.view.settings.roi or (0, 0))[:2]
            roi, text = region_of(self._shapes, live, (origin[0], origin[1]), self._frame_shape)
            self._box.say_region(text)
            self._state.roi = roi

    @property
    def _live(self) -> Layer | None:
        return self._layers.layers.get(RAW)

    def _follow(self, shapes: Shapes | None) -> None:
        if self._shapes is not None:
            self._shapes.events.data.disconnect(self._heard)
        self._shapes = shapes
        if shapes is not None:
            shapes.events.data.connect(self._heard)
        self.read()

    def _heard(self, event: Any = None) -> None:
        # the layer outlives the dock
        if is_alive(self):
            self._timer.start()
