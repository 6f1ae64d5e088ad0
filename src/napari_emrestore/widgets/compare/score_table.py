"""A table of numbers in a narrow dock: a row per image, as high as its rows, wide headings in lines."""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import fill
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QScrollBar, QTableWidget, QTableWidgetItem

if TYPE_CHECKING:
    from collections.abc import Sequence

_NAME_PX = 130
_TITLE_CHARACTERS = 13


@dataclass(frozen=True, slots=True)
class Cell:
    """One number as text, what its tool tip says, and whether it is the best of its column."""

    text: str
    tip: str = ""
    best: bool = False


class ScoreTable(QTableWidget):
    """Numbers to read, which cannot be edited; the dock scrolls and not the table in it."""

    def __init__(self) -> None:
        super().__init__()
        self._titles, self._names = (
            QHeaderView(Qt.Orientation.Horizontal),
            QHeaderView(Qt.Orientation.Vertical),
        )
        self.setHorizontalHeader(self._titles)
        self.setVerticalHeader(self._names)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self._titles.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self._names.setMaximumWidth(_NAME_PX)
        self._names.setTextElideMode(Qt.TextElideMode.ElideLeft)  # names of one input end differently

    def show_cells(
        self, names: Sequence[str], titles: Sequence[str], rows: Sequence[Sequence[Cell]], *, room: int = 0
    ) -> None:
        """Show a row per name and a column per title; with none, stay as high as `room` rows."""
        self.clear()
        self.setRowCount(len(names))
        self.setColumnCount(len(titles))
        for line, name in enumerate(names):
            self.setVerticalHeaderItem(line, _item(Cell(name, name)))
        for place, title in enumerate(titles):
            self.setHorizontalHeaderItem(place, _item(Cell(_wrapped(title), title)))
        for line, cells in enumerate(rows):
            for place, cell in enumerate(cells):
                item = _item(cell)
                item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                self.setItem(line, place, item)
        self._fit_height(len(names) or room)

    def _fit_height(self, rows: int) -> None:
        bar = QScrollBar(Qt.Orientation.Horizontal).sizeHint().height()
        height = self._titles.sizeHint().height() + max(rows, 1) * self._names.defaultSectionSize()
        self.setFixedHeight(height + bar + 4)


def _item(cell: Cell) -> QTableWidgetItem:
    item = QTableWidgetItem(cell.text)
    item.setToolTip(cell.tip)
    if cell.best:
        font = item.font()
        font.setBold(True)
        item.setFont(font)
    return item


def _wrapped(title: str) -> str:
    """Return a heading in lines of few words, for narrow columns."""
    parted = title.replace(", ", ",\n").replace(" (", "\n(").replace(" change", "\nchange")
    return parted if "\n" in parted else fill(title, _TITLE_CHARACTERS, break_long_words=False)
