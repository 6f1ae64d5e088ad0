"""What points and shapes have in common: rows of a layer that carry the numbers and classes of regions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from napari.layers.base import ActionType

from napari_emrestore.overview.regions import Region
from napari_emrestore.widgets.regions.drawn import CLASS, ID, Edit, colours
from napari_emrestore.widgets.regions.feature_table import columns_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from napari_emrestore.overview.region_numbers import RegionNumbers
    from napari_emrestore.overview.regions import RegionClass
    from napari_emrestore.widgets.regions.drawn import Quiet

_DONE = (ActionType.ADDED, ActionType.CHANGED, ActionType.REMOVED)


class NumberedRows(ABC):
    """Follows a Points or Shapes layer: who is selected, what is drawn next, what a person changed.

    Parameters
    ----------
    layer : napari.layers.Points or napari.layers.Shapes
        Of two axes, on the pixels of the overview; empty.
    edited : callable
        Called with the `Edit` of a person.
    quiet : Quiet
        Tells whether a change comes from the dock.
    """

    _line: ClassVar[str]  # what the layer calls the line around what it draws

    def __init__(self, layer: Any, edited: Callable[[Edit], None], quiet: Quiet) -> None:
        self.layer, self._edited = layer, edited
        self._quiet = quiet
        self._shown: dict[int, Region] = {}
        self._classes: Mapping[str, RegionClass] = {}
        self._class_name = ""
        self._numbers: Mapping[int, RegionNumbers] = {}
        self._drawn_as: RegionClass | None = None
        layer.features = {ID: np.empty(0, int), CLASS: np.empty(0, object)}
        layer.events.data.connect(self._changed)

    def draw_as(self, chosen: RegionClass, next_id: int) -> None:
        """Let what is drawn next be of a class."""
        if chosen == self._drawn_as:
            return
        self._drawn_as, self._class_name = chosen, chosen.name
        with self._quiet.changing():
            kept = set(self.layer.selected_data)
            self.layer.selected_data = set()  # or the selected ones would change their colour too
            (line,), (inside,) = colours(
                [Region(1, "point", chosen.name, ((0.0, 0.0),))], {chosen.name: chosen}
            )
            setattr(self.layer, f"current_{self._line}_color", line)
            self.layer.current_face_color = inside
            usual = self.layer.feature_defaults.iloc[0].to_dict()
            self.layer.feature_defaults = {**usual, ID: 0, CLASS: chosen.name}
            self.layer.selected_data = kept

    def measure(self, numbers: Mapping[int, RegionNumbers]) -> None:
        """Put what was measured into napari's table of the layer."""
        self._numbers = numbers
        with self._quiet.changing():
            self._fill_table([self._shown.get(number) for number in self._ids()])

    def selected(self) -> tuple[int, ...]:
        """Return the numbers of what is selected."""
        ids = self._ids()
        return tuple(ids[row] for row in sorted(self.layer.selected_data) if row < len(ids) and ids[row])

    def select(self, ids: Collection[int]) -> None:
        """Select the rows of these numbers."""
        rows = {row for row, number in enumerate(self._ids()) if number in ids}
        if rows != set(self.layer.selected_data):
            with self._quiet.changing():
                self.layer.selected_data = rows

    def close(self) -> None:
        """Hear nothing more of the layer."""
        self.layer.events.data.disconnect(self._changed)

    def _ids(self) -> list[int]:
        return [int(number) for number in self.layer.features[ID]]

    def _fill_table(self, rows: Sequence[Region | None]) -> None:
        """Write what is known of every row; colours that a person has mapped to a column follow it."""
        self.layer.features = columns_of(rows, self._numbers)
        if rows and not (self._is_ours(self._line) and self._is_ours("face")):
            self.layer.refresh_colors(update_color_mapping=True)

    def _is_ours(self, which: str) -> bool:
        """Return whether colours go by class, and not by a column that a person has chosen in napari."""
        return str(getattr(self.layer, f"{which}_color_mode")) == "direct"

    def _changed(self, event: Any) -> None:
        if self._quiet or event.action not in _DONE:
            return
        edit = self._read()
        if edit:
            self._edited(edit)

    @abstractmethod
    def _read(self) -> Edit:
        """Return what differs from what is known."""
