"""The list: what it shows and in which order, its rows, and what can be done with the selected ones."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from qtpy.QtCore import QItemSelection, QItemSelectionModel, QTimer, Signal
from qtpy.QtWidgets import QAbstractItemView, QHBoxLayout, QLabel, QLineEdit, QListView, QPushButton, QWidget

from napari_emrestore.widgets.forms import column, decimal, form, menu, set_quietly
from napari_emrestore.widgets.regions.listing import SORTS, STATUSES, Shown, listed
from napari_emrestore.widgets.regions.row_model import RowModel
from napari_emrestore.widgets.regions.row_painter import RowPainter

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from napari_emrestore.overview.region_numbers import RegionNumbers
    from napari_emrestore.overview.regions import RegionSet
    from napari_emrestore.widgets.regions.state import RegionsState
    from napari_emrestore.widgets.regions.thumbnails import Thumbnails

_LIST_PX = 330
_SCROLL_MS = 60


class ListBox(QWidget):
    """A virtual list: however many regions there are, only the rows in view are drawn and pictured.

    Parameters
    ----------
    thumbnails : Thumbnails
        Asked for the rows in view.

    Signals
    -------
    shown_changed : Shown
        Another order or choice.
    selected : tuple of int
        Numbers that a person selected.
    jump_asked : int
        Number of a region to go to.
    deleted, undone, redone
        Asked for.
    """

    shown_changed = Signal(object)
    selected = Signal(object)
    jump_asked = Signal(int)
    deleted = Signal()
    undone = Signal()
    redone = Signal()

    def __init__(self, thumbnails: Thumbnails) -> None:
        super().__init__()
        self._thumbnails, self._shown, self._quiet = thumbnails, Shown(), False
        self.text, self.count = QLineEdit(), QLabel()
        self.status, self.class_name, self.sort = menu(STATUSES), menu({}), menu(SORTS)
        self.descending = QPushButton("↑")
        self.least = decimal(0.0, 1.0, digits=2, step=0.05)
        self.list, self.model = QListView(), RowModel(self)
        self.painter = RowPainter(thumbnails, self.list)
        self.go, self.delete = QPushButton("Go to"), QPushButton("Delete")
        self.undo, self.redo = QPushButton("Undo"), QPushButton("Redo")
        self._scrolled = QTimer(self)
        self._scrolled.setSingleShot(True)
        self._scrolled.setInterval(_SCROLL_MS)
        self._scrolled.timeout.connect(self._want_thumbnails)
        self._prepare_list()
        self._arrange()
        self._connect()

    def show_regions(
        self, regions: RegionSet | None, numbers: Mapping[int, RegionNumbers], shown: Shown
    ) -> None:
        """List the regions that are to be shown; the selection is left to `select`."""
        ids = [] if regions is None else listed(regions, numbers, shown)
        self._quiet = True
        self.model.show(regions, ids, numbers)
        self._quiet = False
        total = 0 if regions is None else len(regions.regions)
        waiting = 0 if regions is None else len(regions.proposals)
        waits = f", {waiting} proposed" if waiting else ""
        self.count.setText(f"{len(ids)} of {total} listed{waits}" if total else "No regions yet.")
        self._scrolled.start()

    def show_state(self, state: RegionsState, undoes: str, redoes: str) -> None:
        """Show order and choice, and what can be undone."""
        self._shown = state.shown
        self._offer_classes(state.regions, state.shown.class_name)
        set_quietly(self.least, state.shown.least_confidence)
        self.descending.setText("↓" if state.shown.descending else "↑")
        self.painter.pictures = 1 if state.restored is None else 2
        for button in (self.go, self.delete):
            button.setEnabled(bool(state.selected))
        for button, what, title in ((self.undo, undoes, "Undo"), (self.redo, redoes, "Redo")):
            button.setEnabled(bool(what))
            button.setToolTip(f"{title}: {what}" if what else "")

    def select(self, ids: Sequence[int]) -> None:
        """Select rows, and bring the first of them into view."""
        rows = sorted(row for row in map(self.model.row_of, ids) if row >= 0)
        selection = self.list.selectionModel()
        if selection is None:
            return
        wanted = QItemSelection()
        for first, last in _runs(rows):
            wanted.select(self.model.index(first), self.model.index(last))
        self._quiet = True
        selection.select(wanted, QItemSelectionModel.SelectionFlag.ClearAndSelect)
        if rows:
            selection.setCurrentIndex(self.model.index(rows[0]), QItemSelectionModel.SelectionFlag.NoUpdate)
            self.list.scrollTo(self.model.index(rows[0]))
        self._quiet = False

    def _prepare_list(self) -> None:
        self.list.setModel(self.model)
        self.list.setItemDelegate(self.painter)
        self.list.setUniformItemSizes(True)
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.list.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.list.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.list.setFixedHeight(_LIST_PX)
        self.list.setToolTip("Double click goes there")

    def _arrange(self) -> None:
        self.text.setPlaceholderText("Find a number, class or note")
        self.text.setClearButtonEnabled(True)
        self.descending.setFixedWidth(28)
        self.descending.setToolTip("Smallest or largest first")
        self.least.setToolTip("List only what is at least so sure; 0 lists all")
        layout = column(self)
        layout.addWidget(self.text)
        order = QHBoxLayout()
        order.addWidget(self.sort, 1)
        order.addWidget(self.descending)
        rows = form()
        rows.addRow("Show", self.status)
        rows.addRow("Class", self.class_name)
        rows.addRow("Sort by", order)
        rows.addRow("Sure from", self.least)
        layout.addLayout(rows)
        layout.addWidget(self.list)
        layout.addWidget(self.count)
        buttons = QHBoxLayout()
        for button in (self.go, self.delete, self.undo, self.redo):
            button.setMinimumWidth(30)
            buttons.addWidget(button)
        layout.addLayout(buttons)

    def _connect(self) -> None:
        self.text.textChanged.connect(lambda text: self._change(text=text))
        self.status.currentIndexChanged.connect(lambda _: self._change(status=self.status.currentData()))
        self.class_name.currentIndexChanged.connect(
            lambda _: self._change(class_name=self.class_name.currentData() or "")
        )
        self.sort.currentIndexChanged.connect(lambda _: self._change(sort=self.sort.currentData()))
        self.descending.clicked.connect(lambda: self._change(descending=not self._shown.descending))
        self.least.valueChanged.connect(lambda value: self._change(least_confidence=value))
        selection = self.list.selectionModel()
        if selection is not None:
            selection.selectionChanged.connect(self._tell_selection)
        self.list.doubleClicked.connect(lambda index: self.jump_asked.emit(self.model.ids[index.row()]))
        self.go.clicked.connect(self._go)
        self.delete.clicked.connect(lambda: self.deleted.emit())
        self.undo.clicked.connect(lambda: self.undone.emit())
        self.redo.clicked.connect(lambda: self.redone.emit())
        bar = self.list.verticalScrollBar()
        if bar is not None:
            bar.valueChanged.connect(lambda _: self._scrolled.start())
        self._thumbnails.made.connect(self.model.touch)

    def _change(self, **values: Any) -> None:
        self.shown_changed.emit(replace(self._shown, **values))

    def _offer_classes(self, regions: RegionSet | None, chosen: str) -> None:
        names = [] if regions is None else [one.name for one in regions.classes]
        self.class_name.blockSignals(True)
        self.class_name.clear()
        self.class_name.addItem("all classes", "")
        for name in names:
            self.class_name.addItem(name, name)
        self.class_name.setCurrentIndex(max(0, self.class_name.findData(chosen)))
        self.class_name.blockSignals(False)

    def _tell_selection(self) -> None:
        if not self._quiet:
            self.selected.emit(self._selected_ids())

    def _selected_ids(self) -> tuple[int, ...]:
        rows = sorted(index.row() for index in self.list.selectedIndexes())
        return tuple(self.model.ids[row] for row in rows)

    def _go(self) -> None:
        ids = self._selected_ids()
        if ids:
            self.jump_asked.emit(ids[0])

    def _want_thumbnails(self) -> None:
        """Ask for the pictures of the rows in view, from the top."""
        view = self.list.viewport()
        if view is None or not self.model.ids:
            return
        first = self.list.indexAt(view.rect().topLeft())
        height = max(1, self.list.sizeHintForRow(0))
        top = max(first.row(), 0)
        rows = range(top, min(len(self.model.ids), top + view.height() // height + 2))
        self._thumbnails.want([self.model.region_at(row) for row in rows])


def _runs(rows: Sequence[int]) -> list[tuple[int, int]]:
    """Return rows as runs from first to last."""
    runs: list[tuple[int, int]] = []
    for row in rows:
        if runs and row == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], row)
        else:
            runs.append((row, row))
    return runs
