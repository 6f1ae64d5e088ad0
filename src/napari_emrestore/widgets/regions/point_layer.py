"""Points in a Points layer of napari, both ways."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers.base import ActionType

from napari_emrestore.overview.regions import Region
from napari_emrestore.widgets.regions.drawn import CLASS, ID, Edit, colours

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from napari.layers import Points

    from napari_emrestore.overview.regions import RegionClass
    from napari_emrestore.widgets.regions.drawn import Quiet

_DONE = (ActionType.ADDED, ActionType.CHANGED, ActionType.REMOVED)


class PointLayer:
    """Shows points, and tells what a person sets, moves and deletes.

    Parameters
    ----------
    layer : napari.layers.Points
        Of two axes, on the pixels of the overview; empty.
    edited : callable
        Called with the `Edit` of a person.
    quiet : Quiet
        Tells whether a change comes from the dock.
    """

    def __init__(self, layer: Points, edited: Callable[[Edit], None], quiet: Quiet) -> None:
        self.layer, self._edited = layer, edited
        self._quiet = quiet
        self._shown: dict[int, Region] = {}
        self._classes: Mapping[str, RegionClass] = {}
        self._class_name = ""
        self._drawn_as: RegionClass | None = None
        layer.features = {ID: np.empty(0, int), CLASS: np.empty(0, object)}
        layer.events.data.connect(self._changed)

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

    def draw_as(self, chosen: RegionClass, next_id: int) -> None:
        """Let the next point be of a class."""
        if chosen == self._drawn_as:
            return
        self._drawn_as, self._class_name = chosen, chosen.name
        with self._quiet.changing():
            kept = set(self.layer.selected_data)
            self.layer.selected_data = set()  # or the selected ones would change their colour too
            (line,), (inside,) = colours(
                [Region(1, "point", chosen.name, ((0.0, 0.0),))], {chosen.name: chosen}
            )
            self.layer.current_border_color, self.layer.current_face_color = line, inside
            self.layer.feature_defaults = {ID: 0, CLASS: chosen.name}
            self.layer.selected_data = kept

    def selected(self) -> tuple[int, ...]:
        """Return the numbers of the selected points."""
        ids = self._ids()
        return tuple(ids[row] for row in sorted(self.layer.selected_data) if row < len(ids) and ids[row])

    def select(self, ids: Collection[int]) -> None:
        """Select the points of these numbers."""
        rows = {row for row, number in enumerate(self._ids()) if number in ids}
        if rows != set(self.layer.selected_data):
            with self._quiet.changing():
                self.layer.selected_data = rows

    def close(self) -> None:
        """Hear nothing more of the layer."""
        self.layer.events.data.disconnect(self._changed)

    def _ids(self) -> list[int]:
        return [int(number) for number in self.layer.features[ID]]

    def _changed(self, event: Any) -> None:
        if self._quiet or event.action not in _DONE:
            return
        edit = self._read()
        if edit:
            self._edited(edit)

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
            self.layer.features = {
                ID: np.array([region.id for region in regions], int),
                CLASS: np.array([region.class_name for region in regions], object),
            }
            if regions:
                self.layer.border_color, self.layer.face_color = colours(regions, self._classes)
            self.select(kept)
