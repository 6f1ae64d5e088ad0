"""Rectangles and polygons in a Shapes layer of napari, both ways."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.overview.region_geometry import area_px, bounds
from napari_emrestore.overview.regions import Region
from napari_emrestore.widgets.regions.drawn import CLASS, ID, Edit, colours
from napari_emrestore.widgets.regions.numbered_rows import NumberedRows

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from napari.layers import Shapes
    from numpy.typing import NDArray

    from napari_emrestore.overview.regions import RegionClass
    from napari_emrestore.widgets.regions.drawn import Quiet

KINDS = ("rectangle", "polygon")
_LEAST_AREA_PX = 0.5  # a click without dragging leaves less
_LINE_SHARE = 0.03  # width of a line, of the shorter side of its region
_ELLIPSE_CORNERS = 32
_SAME_COLOUR = 1e-3
_NO_AREA = "A line is no region; it was taken out. Draw a rectangle or a polygon."


class ShapeLayer(NumberedRows):
    """Shows rectangles and polygons, and tells what a person draws, moves and deletes.

    Parameters
    ----------
    layer, edited, quiet
        See `NumberedRows`.
    """

    _line = "edge"

    def __init__(self, layer: Shapes, edited: Callable[[Edit], None], quiet: Quiet) -> None:
        super().__init__(layer, edited, quiet)
        self._seen: dict[int, NDArray[Any]] = {}
        self._new_rows: list[int] = []

    def show(self, regions: Sequence[Region], classes: Mapping[str, RegionClass]) -> None:
        """Show these rectangles and polygons."""
        wanted = {region.id: region for region in regions if region.kind in KINDS}
        if wanted == self._shown and classes == self._classes:
            return
        moved = {
            n for n, r in wanted.items() if n not in self._shown or _outline(r) != _outline(self._shown[n])
        }
        with self._quiet.changing():
            self._take_out([n for n in self._shown if n in moved or n not in wanted])
            self._add([wanted[n] for n in wanted if n in moved], classes)
            self._shown, self._classes = wanted, dict(classes)
            self._paint()
            self._remember()

    def number(self, regions: Sequence[Region]) -> None:
        """Write the numbers of what was drawn into its rows."""
        with self._quiet.changing():
            table = self.layer.features.copy()
            for row, region in zip(self._new_rows, regions, strict=True):
                table.loc[row, [ID, CLASS]] = [region.id, region.class_name]
                self._shown[region.id] = region
            self.layer.features = table
            self._paint()
            self._remember()
        self._new_rows = []

    def _read(self) -> Edit:
        """Return what differs from what is known; rows that are no region are taken out."""
        data, kinds = self.layer.data, self.layer.shape_type
        changed: dict[int, Region] = {}
        new: list[tuple[int, Region]] = []
        useless: list[int] = []
        found: set[int] = set()
        note = ""
        for row, number in enumerate(self._ids()):
            if number in self._shown and number not in found:
                found.add(number)
                # napari never writes into the corners of a shape, it replaces them
                if data[row] is not self._seen.get(number):
                    changed[number] = replace(self._shown[number], **_geometry(data[row], kinds[row]))
                continue
            region = self._region(data[row], kinds[row])
            if region is None:
                useless.append(row)
                note = _NO_AREA if kinds[row] in ("line", "path") else note
            else:
                new.append((row, region))
        removed = frozenset(self._shown.keys() - found)
        changed = {n: r for n, r in changed.items() if _outline(r) != _outline(self._shown[n])}
        self._shown = {n: changed.get(n, r) for n, r in self._shown.items() if n not in removed}
        self._settle(new, useless, kinds)
        return Edit(tuple(region for _, region in new), changed, removed, note)

    def _settle(self, new: list[tuple[int, Region]], useless: list[int], kinds: list[str]) -> None:
        """Take out what is no region, make polygons of ellipses, and keep the rows of the new ones."""
        gone = sorted(useless)
        with self._quiet.changing():
            turned = [row for row, _ in new if kinds[row] == "ellipse"]
            if turned:
                corners = list(self.layer.data)
                types = list(kinds)
                for row, region in new:
                    corners[row] = np.array(region.vertices)
                    types[row] = "polygon" if kinds[row] == "ellipse" else types[row]
                self.layer.data = list(zip(corners, types, strict=True))
            if gone:
                self.layer.selected_data = set(gone)
                self.layer.remove_selected()
            self._remember()
        self._new_rows = [row - sum(other < row for other in gone) for row, _ in new]

    def _region(self, corners: NDArray[Any], kind: str) -> Region | None:
        if kind not in (*KINDS, "ellipse"):
            return None
        region = Region(1, class_name=self._class_name, **_geometry(corners, kind))
        return region if area_px(region) >= _LEAST_AREA_PX else None

    def _take_out(self, ids: Sequence[int]) -> None:
        if ids:
            gone = frozenset(ids)
            self.layer.selected_data = {row for row, number in enumerate(self._ids()) if number in gone}
            self.layer.remove_selected()

    def _add(self, regions: Sequence[Region], classes: Mapping[str, RegionClass]) -> None:
        if not regions:
            return
        first = self.layer.nshapes
        lines, insides = colours(regions, classes)
        self.layer.add(
            [np.array(region.vertices) for region in regions],
            shape_type=[region.kind for region in regions],
            edge_width=[_line_width(region) for region in regions],
            edge_color=lines,
            face_color=insides,
        )
        table = self.layer.features.copy()
        table.loc[first:, ID] = [region.id for region in regions]
        self.layer.features = table

    def _paint(self) -> None:
        """Give every shape the colour and the class of its region."""
        ids = self._ids()
        if not ids:
            return
        other = Region(1, "point", self._class_name or next(iter(self._classes)), ((0.0, 0.0),))
        rows = [self._shown.get(number, other) for number in ids]
        lines, insides = colours(rows, self._classes)
        # drawing all shapes anew takes long; napari keeps colours in fewer digits
        for which, wanted in (("edge", lines), ("face", insides)):
            now = getattr(self.layer, f"{which}_color")
            if self._is_ours(which) and not np.allclose(wanted, now, atol=_SAME_COLOUR):
                setattr(self.layer, f"{which}_color", wanted)
        self._fill_table([self._shown.get(number) for number in ids])

    def _remember(self) -> None:
        self._seen = dict(zip(self._ids(), self.layer.data, strict=True))


def _outline(region: Region) -> Any:
    return region.kind, region.vertices


def _geometry(corners: NDArray[Any], kind: str) -> dict[str, Any]:
    """Return kind and vertices of a shape; an ellipse becomes a polygon of 32 corners."""
    if kind == "ellipse":
        middle, (down, right) = (
            corners.mean(axis=0),
            ((corners[3] - corners[0]) / 2, (corners[1] - corners[0]) / 2),
        )
        angles = 2 * math.pi * np.arange(_ELLIPSE_CORNERS) / _ELLIPSE_CORNERS
        corners = middle + np.outer(np.sin(angles), down) + np.outer(np.cos(angles), right)
    return {
        "kind": "rectangle" if kind == "rectangle" else "polygon",
        "vertices": tuple((float(y), float(x)) for y, x in corners),
    }


def _line_width(region: Region) -> float:
    y0, y1, x0, x1 = bounds(region)
    return max(1.0, _LINE_SHARE * min(y1 - y0, x1 - x0))
