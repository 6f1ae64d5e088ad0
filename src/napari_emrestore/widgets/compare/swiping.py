"""The swipe divider: one layer left of it, another right of it, moved by slider or mouse.

The left side is a layer of its own whose data are a view of the first columns of the left candidate, on top
of the right one. Clipping planes would be the other public way, but act in 3-D only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.experimental import link_layers, unlink_layers

from napari_emrestore.widgets.compare.sources import MADE_HERE
from napari_emrestore.widgets.compare.viewing import camera_of
from napari_emrestore.widgets.layers import METADATA_KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from napari.layers import Image
    from napari.viewer import Viewer

    from napari_emrestore.restoration.plan import Rect

_NEAR_SCREEN_PX = 12
_LINKED = ("contrast_limits", "colormap", "gamma")
_PLACED = ("scale", "translate", "rotate", "shear", "affine", "units", "axis_labels")


class Swipe:
    """The left side of a swipe, as a layer over everything; lives until `close`.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Gets the layer and a mouse callback.
    left : Image
        Whose columns are shown left of the divider.
    area : Rect
        The shared field in its pixels.
    divider : float
        0 (left edge of the field) to 1.
    dragged : callable
        Told where the mouse moves the divider.
    """

    def __init__(
        self, viewer: Viewer, left: Image, area: Rect, divider: float, dragged: Callable[[float], None]
    ) -> None:
        self.left, self.area = left, area
        self._viewer, self._dragged = viewer, dragged
        self.layer: Image = viewer.add_image(
            self._cut(divider),
            name=f"{left.name} | swipe",
            multiscale=left.multiscale,
            metadata={METADATA_KEY: {MADE_HERE: "swipe"}},
            interpolation2d=left.interpolation2d,
            **{name: getattr(left, name) for name in (*_LINKED, *_PLACED)},
        )
        link_layers([left, self.layer], _LINKED)
        viewer.mouse_drag_callbacks.append(self._drag)

    def move(self, divider: float) -> None:
        """Put the divider at a share of the field's width."""
        data = self._cut(divider)
        if _columns(data) != _columns(self.layer.data):
            self.layer.data = data

    def close(self) -> None:
        """Take the layer and the mouse callback away."""
        if self._drag in self._viewer.mouse_drag_callbacks:
            self._viewer.mouse_drag_callbacks.remove(self._drag)
        unlink_layers([self.left, self.layer])
        if self.layer in self._viewer.layers:
            self._viewer.layers.remove(self.layer)

    def _cut(self, divider: float) -> Any:
        """Return the columns left of the divider, of every level of a pyramid alike."""
        levels = list(self.left.data) if self.left.multiscale else [self.left.data]
        factors = [round(levels[0].shape[-1] / level.shape[-1]) for level in levels]
        coarse = factors[-1]
        wanted = self.area.x0 + divider * (self.area.x1 - self.area.x0)
        columns = int(np.clip(round(wanted / coarse) * coarse, coarse, levels[0].shape[-1]))
        cut = [level[..., : max(1, columns // k)] for level, k in zip(levels, factors, strict=True)]
        return cut if self.left.multiscale else cut[0]

    def _drag(self, viewer: Viewer, event: Any) -> Iterator[None]:
        """Move the divider with the mouse if it was pressed near it; otherwise let napari pan."""
        camera = camera_of(self._viewer)
        screen_px = abs(float(self.left.scale[-1])) * float(camera.zoom)
        if abs(self._column(event) - _columns(self.layer.data)) * screen_px > _NEAR_SCREEN_PX:
            return
        panned, camera.mouse_pan = camera.mouse_pan, False
        try:
            yield
            while event.type == "mouse_move":
                share = (self._column(event) - self.area.x0) / (self.area.x1 - self.area.x0)
                self._dragged(float(np.clip(share, 0, 1)))
                yield
        finally:
            camera.mouse_pan = panned

    def _column(self, event: Any) -> float:
        """Return how many columns of the left layer lie left of the mouse."""
        return float(self.left.world_to_data(event.position)[-1]) + 0.5


def _columns(data: Any) -> int:
    """Return the number of columns of an image or of the finest level of a pyramid."""
    return int((data if hasattr(data, "ndim") else data[0]).shape[-1])
