"""Classes with their colours and keys, and the tools that draw."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QColor, QIcon, QPixmap
from qtpy.QtWidgets import (
    QAbstractItemView,
    QColorDialog,
    QHBoxLayout,
    QHeaderView,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from napari_emrestore.core import InputError
from napari_emrestore.overview.regions import RegionClass
from napari_emrestore.widgets.forms import column, note

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_emrestore.overview.regions import RegionSet

_TOOLS = {
    "point": ("Point", "Set points"),
    "rectangle": ("Rectangle", "Draw rectangles; they can be turned with the handle"),
    "polygon": ("Polygon", "Click corner by corner; Enter or a double click ends it"),
    "label": ("Paint", "Paint a new region pixel by pixel; press again for the next one"),
    "select": ("Select", "Select, move and reshape; Delete removes"),
}
_SWATCH_PX = 14
_TABLE_PX = 104
_COLOURS = ("#e71d36", "#4ea8de", "#b5179e", "#80b918", "#f8961e", "#9b5de5", "#00bbf9", "#fee440")
_KEYS = "qwgjkuyo"  # free in all three kinds of layers


class ClassesBox(QWidget):
    """Tools above, classes below.

    Signals
    -------
    tool_asked : str
        A kind of region, or ``"select"``.
    class_chosen : str
        Name of the class to draw in.
    class_changed : str, RegionClass
        A name, and what that class shall be; a new class for a name of no class.
    class_removed : str
        Name of a class that shall go.
    refused
        What was typed cannot be; the table is to be shown as it was.
    """

    tool_asked = Signal(str)
    class_chosen = Signal(str)
    class_changed = Signal(str, object)
    class_removed = Signal(str)
    refused = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._classes: tuple[RegionClass, ...] = ()
        self._showing = False
        self._filled: tuple[object, ...] = ()
        self.tools = {kind: QPushButton(title) for kind, (title, _) in _TOOLS.items()}
        self.table = QTableWidget(0, 3)
        self.add, self.remove = QPushButton("Add class"), QPushButton("Remove class")
        self.note = note()
        self._arrange()
        for kind, button in self.tools.items():
            button.clicked.connect(lambda _=False, kind=kind: self.tool_asked.emit(kind))
        self.table.itemSelectionChanged.connect(self._choose)
        self.table.itemChanged.connect(self._take_text)
        self.table.cellDoubleClicked.connect(self._double_clicked)
        self.add.clicked.connect(self._add)
        self.remove.clicked.connect(lambda: self.class_removed.emit(self._current()))

    def show_state(self, regions: RegionSet | None, active: str, reason: str) -> None:
        """Show the classes, the one that is drawn in, and why nothing can be drawn."""
        for button in (*self.tools.values(), self.add, self.remove):
            button.setEnabled(not reason)
        self._classes = () if regions is None else regions.classes
        counts = {one.name: 0 for one in self._classes}
        for region in () if regions is None else regions.regions:
            counts[region.class_name] += 1
        filled = self._classes, tuple(counts.values()), active
        if filled != self._filled:  # or a name would go while a person types it
            self._filled = filled
            self._fill_table(counts, active)
        self.remove.setEnabled(not reason and len(self._classes) > 1 and counts.get(active, 1) == 0)
        self.remove.setToolTip("" if self.remove.isEnabled() else "A class goes when no region is of it")

    def _fill_table(self, counts: Mapping[str, int], active: str) -> None:
        self._showing = True
        self.table.setRowCount(len(self._classes))
        for row, one in enumerate(self._classes):
            self._fill(row, one, counts[one.name])
            if one.name == active:
                self.table.selectRow(row)
        self._showing = False

    def say(self, text: str) -> None:
        """Show what was not taken, and why."""
        self.note.setText(text)
        self.note.setVisible(bool(text))

    def _arrange(self) -> None:
        rows = [QHBoxLayout(), QHBoxLayout()]
        for k, (kind, button) in enumerate(self.tools.items()):
            button.setToolTip(_TOOLS[kind][1])
            button.setMinimumWidth(40)
            rows[0 if k < 3 else 1].addWidget(button)
        self.table.setHorizontalHeaderLabels(["Class", "Key", "Regions"])
        self.table.setFixedHeight(_TABLE_PX)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.setToolTip(
            "Double click a name or key to change it, a colour or count to choose another colour. "
            "The key chooses the class while a layer of regions is active."
        )
        if (side := self.table.verticalHeader()) is not None:
            side.hide()
        if (top := self.table.horizontalHeader()) is not None:
            top.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
            for k in (1, 2):
                top.setSectionResizeMode(k, QHeaderView.ResizeMode.ResizeToContents)
        layout = column(self)
        for row in rows:
            layout.addLayout(row)
        layout.addWidget(self.table)
        buttons = QHBoxLayout()
        buttons.addWidget(self.add)
        buttons.addWidget(self.remove)
        layout.addLayout(buttons)
        layout.addWidget(self.note)
        self.note.hide()

    def _fill(self, row: int, one: RegionClass, count: int) -> None:
        swatch = QPixmap(_SWATCH_PX, _SWATCH_PX)
        swatch.fill(QColor(one.colour))
        name = QTableWidgetItem(QIcon(swatch), one.name)
        number = QTableWidgetItem(str(count))
        number.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable)
        for column_number, item in enumerate((name, QTableWidgetItem(one.key), number)):
            self.table.setItem(row, column_number, item)

    def _current(self) -> str:
        row = self.table.currentRow()
        return self._classes[row].name if 0 <= row < len(self._classes) else ""

    def _choose(self) -> None:
        if not self._showing and self._current():
            self.class_chosen.emit(self._current())

    def _take_text(self, item: QTableWidgetItem) -> None:
        if self._showing:
            return
        old = self._classes[item.row()]
        name, key = (old.name, item.text()) if item.column() == 1 else (item.text(), old.key)
        self._filled = ()  # what is refused is written over
        self._change(old.name, name, old.colour, key.strip())

    def _double_clicked(self, row: int, column_number: int) -> None:
        if column_number == 2:
            self.choose_colour(row)

    def choose_colour(self, row: int) -> None:
        """Ask for another colour of the class in a row."""
        old = self._classes[row]
        chosen = QColorDialog.getColor(QColor(old.colour), self, f"Colour of {old.name}")
        if chosen.isValid():
            self._change(old.name, old.name, chosen.name(), old.key)

    def _change(self, old_name: str, name: str, colour: str, key: str) -> None:
        try:
            self.class_changed.emit(old_name, RegionClass(name, colour, key))
        except InputError as error:
            self.say(str(error))
            self.refused.emit()

    def _add(self) -> None:
        names, keys = {one.name for one in self._classes}, {one.key for one in self._classes}
        number = next(k for k in range(1, len(names) + 2) if f"class {k}" not in names)
        used = {one.colour for one in self._classes}
        colour = next((c for c in _COLOURS if c not in used), _COLOURS[number % len(_COLOURS)])
        key = next((k for k in _KEYS if k not in keys), "")
        name = f"class {number}"
        self._change(name, name, colour, key)
