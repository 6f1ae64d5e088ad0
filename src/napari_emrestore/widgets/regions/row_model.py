"""The listed regions as Qt's list view asks for them: thousands of rows, of which it draws those in view."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QAbstractListModel, QModelIndex, QObject, QSize, Qt

from napari_emrestore.widgets.regions.listing import rows_of, size_text
from napari_emrestore.widgets.regions.thumbnails import SIDE_PX

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from napari_emrestore.overview.region_numbers import RegionNumbers
    from napari_emrestore.overview.regions import Region, RegionSet

ROW = Qt.ItemDataRole.UserRole
_MARGIN_PX = 4


@dataclass(frozen=True, slots=True)
class Row:
    """What a row says.

    Attributes
    ----------
    region : Region
        What it is of.
    colour : str
        Of its class.
    lines : tuple of str
        Beside the thumbnails: number and class, size, how sure and how well seen, note.
    """

    region: Region
    colour: str
    lines: tuple[str, ...]


class RowModel(QAbstractListModel):
    """Rows in the order they are listed."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._ids: list[int] = []
        self._rows: dict[int, int] = {}
        self._regions: dict[int, Region] = {}
        self._colours: dict[str, str] = {}
        self._numbers: Mapping[int, RegionNumbers] = {}

    @property
    def ids(self) -> Sequence[int]:
        """Numbers of the listed regions, in order."""
        return self._ids

    def show(self, regions: RegionSet | None, ids: list[int], numbers: Mapping[int, RegionNumbers]) -> None:
        """List other regions, or the same in another order."""
        same = ids == self._ids
        if not same:
            self.beginResetModel()
        self._ids, self._rows = ids, {number: row for row, number in enumerate(ids)}
        self._regions = {} if regions is None else {region.id: region for region in regions.regions}
        self._colours = {} if regions is None else {one.name: one.colour for one in regions.classes}
        self._numbers = numbers
        if not same:
            self.endResetModel()
        elif ids:
            self.dataChanged.emit(self.index(0), self.index(len(ids) - 1))

    def touch(self, region_id: int) -> None:
        """Have the row of a region drawn anew."""
        row = self.row_of(region_id)
        if row >= 0:
            self.dataChanged.emit(self.index(row), self.index(row))

    def row_of(self, region_id: int) -> int:
        """Return the row of a region; -1 if it is not listed."""
        return self._rows.get(region_id, -1)

    def region_at(self, row: int) -> Region:
        """Return the region of a row."""
        return self._regions[self._ids[row]]

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        """Return how many regions are listed."""
        return 0 if parent is not None and parent.isValid() else len(self._ids)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return what Qt asks about a row; `Row` for the role `ROW`."""
        if not index.isValid() or index.row() >= len(self._ids):
            return None
        region = self.region_at(index.row())
        if role == ROW:
            return self._row(region)
        if role == Qt.ItemDataRole.DisplayRole:
            return _title(region)
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._tool_tip(region)
        if role == Qt.ItemDataRole.SizeHintRole:
            return QSize(0, SIDE_PX + 2 * _MARGIN_PX)
        return None

    def _row(self, region: Region) -> Row:
        numbers = self._numbers.get(region.id)
        size = "" if numbers is None else size_text(numbers)
        parts = [] if region.confidence is None else [f"sure {region.confidence:.2f}"]
        if numbers is not None and numbers.raw_cnr is not None:
            parts.append(f"C/N {numbers.raw_cnr:.2g}")
        note = region.note if region.accepted else f"proposed: {region.origin}"
        return Row(region, self._colours[region.class_name], (_title(region), size, " · ".join(parts), note))

    def _tool_tip(self, region: Region) -> str:
        lines = [f"{_title(region)}, {region.kind}", region.note]
        numbers = self._numbers.get(region.id)
        if numbers is not None:
            lines += [f"{what}: {value}" for what, value, _ in rows_of(numbers)]
            lines.append(numbers.note)
        return "\n".join(line for line in lines if line)


def _title(region: Region) -> str:
    return f"{region.id}  {region.class_name}"
