"""Painted regions in a Labels layer of napari, both ways; a pixel's value is the number of its region."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.utils.colormaps import DirectLabelColormap
from qtpy.QtCore import QTimer

from napari_emrestore.overview.region_geometry import box_of, pixels_inside
from napari_emrestore.overview.region_masks import encode_mask, masks_of_labels
from napari_emrestore.overview.regions import Region
from napari_emrestore.restoration.plan import Rect
from napari_emrestore.widgets.regions.drawn import ID, Edit, red_green_blue
from napari_emrestore.widgets.regions.feature_table import columns_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from napari.layers import Labels
    from numpy.typing import NDArray

    from napari_emrestore.overview.region_masks import RegionMask
    from napari_emrestore.overview.region_numbers import RegionNumbers
    from napari_emrestore.overview.regions import RegionClass
    from napari_emrestore.widgets.regions.drawn import Quiet

_OPACITY = {True: 1.0, False: 0.5}


class LabelLayer:
    """Shows painted regions, and tells what a person paints, fills and erases.

    Parameters
    ----------
    layer : napari.layers.Labels
        Of two axes, its first pixel at `origin_px` of the overview; empty.
    origin_px : tuple of int
        ``(y, x)``. A very large overview is painted a part at a time; regions that reach out of the part
        are not shown in it.
    edited : callable
        Called with the `Edit` of a person.
    quiet : Quiet
        Tells whether a change comes from the dock.
    """

    def __init__(
        self, layer: Labels, origin_px: tuple[int, int], edited: Callable[[Edit], None], quiet: Quiet
    ) -> None:
        self.layer, self._edited = layer, edited
        height, width = layer.data.shape
        self.area = Rect(origin_px[0], origin_px[0] + height, origin_px[1], origin_px[1] + width)
        self._quiet = quiet
        self._shown: dict[int, Region] = {}
        self._classes: Mapping[str, RegionClass] = {}
        self._class_name = ""
        self._next_id = 1
        self._numbers: Mapping[int, RegionNumbers] = {}
        self._painted: list[Rect] = []
        self._new: list[int] = []
        # napari tells of a stroke at its end, but of paint set in code before it is in the array
        self._soon = QTimer()
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self._take)
        layer.events.labels_update.connect(self._note_part)
        layer.events.paint.connect(self._changed)

    def show(self, regions: Sequence[Region], classes: Mapping[str, RegionClass]) -> None:
        """Show these painted regions."""
        wanted = {r.id: r for r in regions if r.mask is not None and self._holds(r)}
        if wanted == self._shown and classes == self._classes:
            return
        with self._quiet.changing():
            for number, old in self._shown.items():
                if number not in wanted or wanted[number].mask != old.mask:
                    self._write(old, 0)
            for number, region in wanted.items():
                if number not in self._shown or self._shown[number].mask != region.mask:
                    self._write(region, number)
            self._shown, self._classes = wanted, dict(classes)
            self._paint()
            self.layer.refresh()

    def measure(self, numbers: Mapping[int, RegionNumbers]) -> None:
        """Put what was measured into napari's table; its ``index`` is the value of the pixels."""
        self._numbers = numbers
        self._fill_table()

    def number(self, regions: Sequence[Region]) -> None:
        """Give the pixels of what was painted the numbers of its regions."""
        with self._quiet.changing():
            for value, region in zip(self._new, regions, strict=True):
                self._shown[region.id] = region
                if value != region.id:
                    self._write(region, region.id)
                    if self.layer.selected_label == value:
                        self.layer.selected_label = region.id
            self._paint()
            self.layer.refresh()
        self._new = []

    def draw_as(self, chosen: RegionClass, next_id: int) -> None:
        """Let the colour of the next number be that of a class."""
        self._class_name, self._next_id = chosen.name, next_id
        self._classes = {**self._classes, chosen.name: chosen}
        with self._quiet.changing():
            self._paint()

    def begin(self) -> None:
        """Paint a new region next."""
        self.layer.selected_label = self._next_id

    def selected(self) -> tuple[int, ...]:
        """Return the number that is painted with, if it is a region."""
        return tuple(n for n in (int(self.layer.selected_label),) if n in self._shown)

    def select(self, ids: Collection[int]) -> None:
        """Paint on with the first of these numbers that is shown."""
        for number in ids:
            if number in self._shown:
                self.layer.selected_label = number
                return

    def close(self) -> None:
        """Hear nothing more of the layer."""
        self._soon.stop()
        self.layer.events.labels_update.disconnect(self._note_part)
        self.layer.events.paint.disconnect(self._changed)

    def _holds(self, region: Region) -> bool:
        box, area = box_of(region), self.area
        return area.y0 <= box.y0 and box.y1 <= area.y1 and area.x0 <= box.x0 and box.x1 <= area.x1

    def _write(self, region: Region, value: int) -> None:
        """Give the pixels of a region a value; of those that are to be cleared only its own."""
        part = self.layer.data[box_of(region).within(self.area).slices]
        inside = pixels_inside(region)
        part[inside & (part == region.id) if value == 0 else inside] = value

    def _note_part(self, event: Any) -> None:
        """Remember where the picture was renewed while a person paints."""
        if not self._quiet:
            (y, x), (height, width) = event.offset, np.shape(event.data)[:2]
            self._painted.append(Rect(int(y), int(y) + height, int(x), int(x) + width))

    def _changed(self, event: Any) -> None:
        if not self._quiet:
            self._soon.start()

    def _take(self) -> None:
        """Tell what was painted."""
        edit = self._read(self._touched())
        self._painted = []
        if edit:
            self._edited(edit)

    def _touched(self) -> Rect:
        """Return the part of the layer where something was painted; all of it if napari does not tell."""
        shape = self.layer.data.shape
        return _around(self._painted).clipped(shape) if self._painted else Rect(0, shape[0], 0, shape[1])

    def _read(self, part: Rect) -> Edit:
        """Return what differs from what is known, of all that is or was in a part of the layer."""
        masks = self._masks(part)
        changed = {
            n: replace(self._shown[n], mask=mask)
            for n, mask in masks.items()
            if mask is not None and n in self._shown and mask != self._shown[n].mask
        }
        fresh = {n: mask for n, mask in masks.items() if mask is not None and n not in self._shown}
        self._new = list(fresh)
        new = tuple(Region(1, "label", self._class_name, mask=mask) for mask in fresh.values())
        removed = frozenset(n for n, mask in masks.items() if mask is None)
        self._shown = {n: changed.get(n, r) for n, r in self._shown.items() if n not in removed}
        return Edit(new, changed, removed)

    def _masks(self, part: Rect) -> dict[int, RegionMask | None]:
        """Return the whole masks of the numbers in a part, and None for those that are gone."""
        origin = (self.area.y0 + part.y0, self.area.x0 + part.x0)
        found: dict[int, RegionMask | None] = dict(masks_of_labels(self.layer.data[part.slices], origin))
        for n, region in self._shown.items():
            own = box_of(region).within(self.area)
            if n in found or _meet(own, part):
                box = _around([own, part])
                inside = self.layer.data[box.slices] == n
                origin = (self.area.y0 + box.y0, self.area.x0 + box.x0)
                found[n] = encode_mask(inside, origin) if inside.any() else None
        return found

    def _paint(self) -> None:
        """Give every number the colour of its class."""
        table: dict[int | None, NDArray[Any] | tuple[float, ...]] = {
            n: (*red_green_blue(self._classes[r.class_name].colour), _OPACITY[r.accepted])
            for n, r in self._shown.items()
        }
        if self._class_name in self._classes:
            other = (*red_green_blue(self._classes[self._class_name].colour), 1.0)
            table.setdefault(self._next_id, other)
            table[None] = other
        else:
            table[None] = (1.0, 1.0, 1.0, 1.0)
        table[0] = (0.0, 0.0, 0.0, 0.0)
        self.layer.colormap = DirectLabelColormap(color_dict=table)
        self._fill_table()

    def _fill_table(self) -> None:
        table = columns_of(list(self._shown.values()), self._numbers)
        self.layer.features = {"index": table[ID], **table}


def _around(boxes: Sequence[Rect]) -> Rect:
    return Rect(
        min(box.y0 for box in boxes),
        max(box.y1 for box in boxes),
        min(box.x0 for box in boxes),
        max(box.x1 for box in boxes),
    )


def _meet(one: Rect, other: Rect) -> bool:
    return one.y0 < other.y1 and other.y0 < one.y1 and one.x0 < other.x1 and other.x0 < one.x1
