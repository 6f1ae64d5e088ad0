"""Tells where the overview lies under the stage: marked points, SerialEM's own map, or a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QHeaderView,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from napari_emrestore.widgets.forms import column, note
from napari_emrestore.widgets.regions.targets.state import describe_stage

if TYPE_CHECKING:
    from napari_emrestore.widgets.regions.targets.state import Mark, TargetsState

_TABLE_PX = 120
_COLUMNS = ("Region", "Stage x µm", "Stage y µm")


class StageBox(QWidget):
    """A table of marked points with what remains between them, and other ways.

    Signals
    -------
    mark_asked, read_asked, unmark_asked
        Of the selected region; of the chosen row from the stage itself; of the chosen row.
    told : int, object
        A region, and the stage position ``(y, x)`` that was typed for it, or None.
    frames_asked, nav_asked, open_asked, save_asked
        The other ways.
    """

    mark_asked = Signal()
    read_asked = Signal(int)
    unmark_asked = Signal(int)
    told = Signal(int, object)
    frames_asked = Signal()
    nav_asked = Signal()
    open_asked = Signal()
    save_asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.verdict = note()
        self.table = QTableWidget(0, len(_COLUMNS))
        self.table.setHorizontalHeaderLabels(list(_COLUMNS))
        self.table.setFixedHeight(_TABLE_PX)
        self.table.setSelectionBehavior(QTableWidget.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QTableWidget.SelectionMode.SingleSelection)
        for header in (self.table.verticalHeader(),):
            if header is not None:
                header.hide()
        if (across := self.table.horizontalHeader()) is not None:
            across.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.mark = QPushButton("Mark selected")
        self.mark.setToolTip("Adds the selected region's middle; then type its stage position")
        self.read = QPushButton("Read stage")
        self.read.setToolTip("Puts where the connected stage stands now into the chosen row")
        self.unmark = QPushButton("Remove")
        self.frames = QPushButton("From frames")
        self.frames.setToolTip("Of a mosaic whose frames carry stage positions: nothing needs marking")
        self.nav = QPushButton("SerialEM map …")
        self.nav.setToolTip("A Navigator file with the map that the overview was saved from")
        self.open = QPushButton("Open …")
        self.save = QPushButton("Save …")
        self._rows: tuple[Mark, ...] = ()
        self._arrange()
        self._connect()

    def show_state(self, state: TargetsState) -> None:
        """Show the marks and what they tell."""
        if state.marks != self._rows or self.table.rowCount() != len(state.marks):
            self._show_rows(state.marks)
        self.verdict.setText(describe_stage(state.stage, _known(state.marks), state.problem))
        reason = state.why_not_mark()
        self.mark.setEnabled(not reason)
        self.mark.setToolTip(reason or "Adds the selected region's middle; then type its stage position")
        self.save.setEnabled(state.stage is not None)
        self.nav.setEnabled(state.regions is not None)
        self.frames.setEnabled(state.mosaic is not None)
        self._can_read = bool(state.microscope)
        self._show_buttons()

    def _show_rows(self, marks: tuple[Mark, ...]) -> None:
        self._rows = marks
        chosen = self.table.currentRow()
        self.table.blockSignals(True)
        self.table.setRowCount(len(marks))
        for row, mark in enumerate(marks):
            y, x = mark.stage_um or (None, None)
            for place, value in enumerate((mark.region_id, x, y)):
                item = QTableWidgetItem("" if value is None else f"{value:.9g}")
                item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                if place == 0:
                    item.setFlags(item.flags() & ~Qt.ItemFlag.ItemIsEditable)
                self.table.setItem(row, place, item)
        self.table.setCurrentCell(min(max(chosen, 0), len(marks) - 1), 1)
        self.table.blockSignals(False)

    def _show_buttons(self) -> None:
        chosen = self._chosen() is not None
        self.unmark.setEnabled(chosen)
        self.read.setEnabled(chosen and self._can_read)

    def _chosen(self) -> int | None:
        row = self.table.currentRow()
        return self._rows[row].region_id if 0 <= row < len(self._rows) else None

    def _tell(self, row: int, _: int) -> None:
        texts = [item.text() if (item := self.table.item(row, place)) else "" for place in (2, 1)]
        try:
            y, x = (float(text.replace(",", ".")) for text in texts)
        except ValueError:
            self.told.emit(self._rows[row].region_id, None)
        else:
            self.told.emit(self._rows[row].region_id, (y, x))

    def _arrange(self) -> None:
        self._can_read = False
        layout = column(self)
        layout.addWidget(self.table)
        buttons = QHBoxLayout()
        for button in (self.mark, self.read, self.unmark):
            buttons.addWidget(button)
        layout.addLayout(buttons)
        layout.addWidget(self.verdict)
        others = QGridLayout()
        for place, button in enumerate((self.frames, self.nav, self.open, self.save)):
            others.addWidget(button, place // 2, place % 2)
        layout.addLayout(others)

    def _connect(self) -> None:
        self.table.cellChanged.connect(self._tell)
        self.table.itemSelectionChanged.connect(self._show_buttons)
        self.mark.clicked.connect(lambda: self.mark_asked.emit())
        self.read.clicked.connect(lambda: self.read_asked.emit(self._chosen()))
        self.unmark.clicked.connect(lambda: self.unmark_asked.emit(self._chosen()))
        for button, asked in (
            (self.frames, self.frames_asked),
            (self.nav, self.nav_asked),
            (self.open, self.open_asked),
            (self.save, self.save_asked),
        ):
            button.clicked.connect(lambda _=False, asked=asked: asked.emit())


def _known(marks: tuple[Mark, ...]) -> int:
    return sum(mark.stage_um is not None for mark in marks)
