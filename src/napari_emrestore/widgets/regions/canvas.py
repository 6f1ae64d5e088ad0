"""The layers of one overview's regions: made when needed, kept alike with the regions, taken away again."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from qtpy.QtCore import QObject, Signal

from napari_emrestore.widgets.compare.viewing import camera_of
from napari_emrestore.widgets.layers import placement, visible_field
from napari_emrestore.widgets.lifetime import is_alive
from napari_emrestore.widgets.regions.drawn import Quiet
from napari_emrestore.widgets.regions.label_layer import LabelLayer
from napari_emrestore.widgets.regions.point_layer import PointLayer
from napari_emrestore.widgets.regions.shape_layer import ShapeLayer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from napari.layers import Image, Layer
    from napari.viewer import Viewer

    from napari_emrestore.overview.region_numbers import RegionNumbers
    from napari_emrestore.overview.regions import Region, RegionKind, RegionSet
    from napari_emrestore.widgets.regions.drawn import RegionLayer

Part = Literal["shapes", "points", "painted"]
_PARTS: dict[RegionKind, Part] = {
    "rectangle": "shapes",
    "polygon": "shapes",
    "point": "points",
    "label": "painted",
}
_MODES: dict[RegionKind, str] = {
    "rectangle": "add_rectangle",
    "polygon": "add_polygon",
    "point": "add",
    "label": "paint",
}
_TITLES: dict[Part, str] = {"shapes": "regions", "points": "points", "painted": "painted"}
_PAINTED_PX = 8192
_POINT_PX = 12.0
_LINE_ON_SCREEN_PX = 2.0
_PAINTED_OPACITY = 0.5


class Parts(dict[Part, "RegionLayer"]):
    """The layers that are there; no Qt, so that it outlives the dock."""

    def close(self, viewer: Viewer) -> None:
        """Hear nothing more of the layers, and take them out of the viewer."""
        for part in self.values():
            part.close()
            if part.layer in viewer.layers:
                viewer.layers.remove(part.layer)
        self.clear()


class Canvas(QObject):
    """Up to three layers above an overview: shapes, points and painted regions.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Gets the layers.
    parent : QObject
        The dock.

    Signals
    -------
    edited : str, Edit
        The part a person changed, and how; answered by `number`, then by `show`.
    selected : tuple of int
        Numbers that a person selected in a layer.
    made : Layer
        A new layer, for whoever wants to bind keys to it.
    """

    edited = Signal(str, object)
    selected = Signal(object)
    made = Signal(object)

    def __init__(self, viewer: Viewer, parent: QObject) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._overview: Image | None = None
        self.parts = Parts()
        self._closed_by_person: set[Part] = set()
        self._links: list[tuple[Any, Callable[..., None]]] = []
        self._quiet = Quiet()

    @property
    def layers(self) -> list[Layer]:
        """The layers that are there."""
        return [part.layer for part in self.parts.values()]

    def lie_on(self, overview: Image | None) -> None:
        """Take away the layers of the last overview, and lie on another from now on."""
        with self._quiet.changing():
            self.parts.close(self._viewer)
            for emitter, callback in self._links:
                emitter.disconnect(callback)
        self._links, self._closed_by_person, self._overview = [], set(), overview

    def show(self, regions: RegionSet, active_class: str) -> None:
        """Let the layers show these regions, and draw in a class."""
        classes = {one.name: one for one in regions.classes}
        with self._quiet.changing():
            needed = {_PARTS[region.kind] for region in regions.regions} - self._closed_by_person
            for part in (one for one in _TITLES if one in needed):
                self._part(part)
            for shown in self.parts.values():
                shown.show(regions.regions, classes)
                shown.draw_as(classes[active_class], regions.next_id)

    def measure(self, numbers: Mapping[int, RegionNumbers]) -> None:
        """Put what was measured into napari's tables of the layers."""
        with self._quiet.changing():
            for shown in self.parts.values():
                shown.measure(numbers)

    def number(self, part: Part, regions: Sequence[Region]) -> None:
        """Hand the numbers of new regions to the layer they were drawn in."""
        with self._quiet.changing():
            self.parts[part].number(regions)

    def begin(self, kind: RegionKind, regions: RegionSet, active_class: str) -> None:
        """Switch on the tool that draws a kind of region, in its layer."""
        part = _PARTS[kind]
        self._closed_by_person.discard(part)
        shown = self._part(part)
        self.show(regions, active_class)
        self._viewer.layers.selection.active = shown.layer
        shown.layer.mode = _MODES[kind]  # may end a polygon that is being drawn, which is heard
        with self._quiet.changing():
            if isinstance(shown, LabelLayer):
                shown.begin()
            elif isinstance(shown, ShapeLayer):
                shown.layer.current_edge_width = self._line_px()

    def begin_selecting(self) -> None:
        """Switch on the tool that selects and moves, in all layers."""
        for shown in self.parts.values():
            if not isinstance(shown, LabelLayer):
                shown.layer.mode = "select"

    def select(self, ids: Sequence[int]) -> None:
        """Select regions in all layers."""
        with self._quiet.changing():
            for shown in self.parts.values():
                shown.select(ids)

    def forget(self, layer: Layer) -> None:
        """Note that a person took a layer away; its regions stay in the list."""
        for name, part in list(self.parts.items()):
            if part.layer == layer and not self._quiet:
                part.close()
                del self.parts[name]
                self._closed_by_person.add(name)

    def where_painted(self) -> str:
        """Return which part of a very large overview is painted on; empty for all of it."""
        part = self.parts.get("painted")
        if not isinstance(part, LabelLayer) or self._overview is None:
            return ""
        area = part.area
        if area.shape == _shape_of(self._overview):
            return ""
        return f"Painting covers {area.shape[0]} × {area.shape[1]} px from ({area.y0}, {area.x0}) on."

    def _part(self, name: Part) -> RegionLayer:
        if name not in self.parts:
            self.parts[name] = self._make(name)
            self.made.emit(self.parts[name].layer)
        return self.parts[name]

    def _make(self, name: Part) -> RegionLayer:
        overview = self._overview
        if overview is None:  # the dock draws only above an overview
            raise RuntimeError("there is no overview to draw on")
        title, edited = f"{overview.name} · {_TITLES[name]}", partial(self.edited.emit, name)
        place = placement(overview)
        if name == "shapes":
            layer: Any = self._viewer.add_shapes(name=title, ndim=2, **place)
            shown: RegionLayer = ShapeLayer(layer, edited, self._quiet)
        elif name == "points":
            layer = self._viewer.add_points(
                name=title, ndim=2, size=_POINT_PX, border_width=0.12, symbol="cross", **place
            )
            layer.canvas_size_limits = (_POINT_PX, 3 * _POINT_PX)  # seen from far, out of the way from near
            shown = PointLayer(layer, edited, self._quiet)
        else:
            origin, shape = self._painted_area(overview)
            layer = self._viewer.add_labels(
                np.zeros(shape, np.int32),
                name=title,
                opacity=_PAINTED_OPACITY,
                **placement(overview, origin),
            )
            shown = LabelLayer(layer, origin, edited, self._quiet)
        self._follow_selection(shown, name)
        return shown

    def _follow_selection(self, shown: RegionLayer, name: Part) -> None:
        """Tell when a person selects something in a layer."""

        def tell(event: Any = None) -> None:
            if is_alive(self) and not self._quiet and self._viewer.layers.selection.active == shown.layer:
                self.selected.emit(shown.selected())

        emitter = (
            shown.layer.events.selected_label
            if name == "painted"
            else shown.layer.selected_data.events.items_changed
        )
        emitter.connect(tell)
        self._links.append((emitter, tell))

    def _painted_area(self, overview: Image) -> tuple[tuple[int, int], tuple[int, int]]:
        """Return origin and shape of what is painted on: all, or a part around the middle of the view."""
        height, width = _shape_of(overview)
        shape = min(height, _PAINTED_PX), min(width, _PAINTED_PX)
        y0, y1, x0, x1 = visible_field(overview)
        first = [
            min(max((low + high - side) // 2, 0), length - side)
            for low, high, side, length in zip((y0, x0), (y1, x1), shape, (height, width), strict=True)
        ]
        return (first[0], first[1]), shape

    def _line_px(self) -> float:
        """Return two pixels of the screen in pixels of the overview."""
        scale = 1.0 if self._overview is None else float(np.abs(self._overview.scale[-1]))
        return max(1.0, _LINE_ON_SCREEN_PX / max(float(camera_of(self._viewer).zoom) * scale, 1e-9))


def _shape_of(layer: Image) -> tuple[int, int]:
    shape = (layer.data[0] if layer.multiscale else layer.data).shape
    return int(shape[-2]), int(shape[-1])
