"""Points in a Points layer of napari, both ways."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from napari_emrestore.overview.regions import Region
from napari_emrestore.widgets.regions.drawn import Edit, colours
from napari_emrestore.widgets.regions.numbered_rows import NumberedRows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from napari_emrestore.overview.regions import RegionClass


class PointLayer(NumberedRows):
    """Shows points, and tells what a person sets, moves and deletes; made as `NumberedRows`."""

    _line = "border"

    def show(self, regions: Sequence[Region], classes: Mapping[str, RegionClass]) -> None:
        """Show these points."""
        wanted = {region.id: region for region in regions if region.kind == "point"}
        if wanted != self._shown or classes != self._classes:
            self._shown, self._classes = wanted, dict(classes)
            self._rebuild()

    def number(self, regions: Sequence[Region]) -> None:
        """Write the numbers of what was set into its rows."""
        self._shown |= {region.id: region for region in regions}
        self._rebuild()

    def _read(self) -> Edit:
        """Return what differs from what is known."""
        changed: dict[int, Region] = {}
        new: list[Region] = []
        found: set[int] = set()
        for number, (y, x) in zip(self._ids(), self.layer.data.tolist(), strict=True):
            if number in self._shown and number not in found:
                found.add(number)
                if self._shown[number].vertices != ((y, x),):
                    changed[number] = replace(self._shown[number], vertices=((y, x),))
            else:
                new.append(Region(1, "point", self._class_name, ((y, x),)))
        removed = frozenset(self._shown.keys() - found)
        self._shown = {n: changed.get(n, r) for n, r in self._shown.items() if n not in removed}
        return Edit(tuple(new), changed, removed)

    def _rebuild(self) -> None:
        """Let the layer hold what is shown, keeping the selection."""
        regions = list(self._shown.values())
        with self._quiet.changing():
            kept = frozenset(self.selected())
            self.layer.selected_data = set()
            self.layer.data = np.array([region.vertices[0] for region in regions]).reshape(-1, 2)
            self._fill_table(regions)
            for which, rows in zip(("border", "face"), colours(regions, self._classes), strict=True):
                if regions and self._is_ours(which):
                    setattr(self.layer, f"{which}_color", rows)
            self.select(kept)
