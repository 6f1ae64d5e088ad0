"""Does restoring help my labels: what is taken as true, the run, and how well each image shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QListWidget, QListWidgetItem, QPushButton, QWidget

from napari_emrestore.pipeline.comparison.candidates import WHOLE
from napari_emrestore.pipeline.comparison.tables import (
    SEGMENTATION_COLUMNS,
    segmented_caption,
    segmented_cell,
)
from napari_emrestore.widgets.compare.choices import layers_of, offer, set_quietly, set_tick, ticked
from napari_emrestore.widgets.compare.score_table import Cell, ScoreTable
from napari_emrestore.widgets.compare.state import FOUND_IN_TRUTH
from napari_emrestore.widgets.forms import column, decimal, form, menu, note
from napari_emrestore.widgets.run_bar import RunBar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_emrestore.pipeline.comparison import SegmentationTable, SegmentedRow
    from napari_emrestore.widgets.compare.state import CompareState
    from napari_emrestore.widgets.jobs import Jobs

_LIST_ROWS = 3
_ROW_MARGIN_PX = 4


class SegmentBox(QWidget):
    """True regions, labels to measure, the table.

    Signals
    -------
    changed : dict
        Fields of the state and their new values.
    regions_asked
        The regions that were found are wanted as layers.
    """

    changed = Signal(object)
    regions_asked = Signal()

    def __init__(self, jobs: Jobs) -> None:
        super().__init__()
        self._table: SegmentationTable | None = None
        self._region = WHOLE
        self.true_regions, self.membrane = menu({}), decimal(0.5, 99, digits=1, suffix=" px", step=0.5)
        self.true_regions.setToolTip("Regions that a good segmentation finds; pixels of none do not count")
        self.membrane.setToolTip("Width at which a membrane is a dark line and grain is none")
        self.given = QListWidget()
        self.given.setToolTip("Labels made elsewhere, for example of the raw and of the restored image")
        self.run = RunBar(jobs, "Segment and measure")
        self.table, self.note = ScoreTable(), note()
        self.add = QPushButton("Add the regions found as layers")
        self._arrange()
        self._connect()
        self.show_table(None)

    def show_state(self, state: CompareState, labels: Sequence[Any]) -> None:
        """Show what is chosen among Labels layers."""
        entries = [*layers_of(labels, "none"), ("found in the ground truth", FOUND_IN_TRUTH)]
        offer(self.true_regions, entries, state.true_regions)
        set_quietly(self.membrane, state.membrane_px)
        others = [layer for layer in labels if layer != state.true_regions]
        self.given.blockSignals(True)
        self.given.clear()
        for layer in others:
            item = QListWidgetItem(layer.name)
            item.setData(Qt.ItemDataRole.UserRole, layer)
            item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsUserCheckable)
            set_tick(item, layer in state.given_labels)
            self.given.addItem(item)
        self.given.blockSignals(False)
        height = self.given.sizeHintForRow(0) + _ROW_MARGIN_PX if others else 0
        self.given.setFixedHeight(min(len(others), _LIST_ROWS) * height + 2 * self.given.frameWidth() + 4)
        for part in (self._given_title, self.given):
            part.setVisible(bool(others))
        self.run.allow(state.why_not_segment())
        self._region = state.region
        self._fill()

    def show_table(self, table: SegmentationTable | None) -> None:
        """Show a finished table; None takes one that no longer holds out of sight."""
        if table is not None:
            self.run.say("")
        elif self._table is not None:
            self.run.say("Something changed; measure again.")
        self._table = table
        for part in (self.table, self.note, self.add):
            part.setVisible(table is not None)
        self._fill()

    def _fill(self) -> None:
        if self._table is None:
            return
        regions = {row.region for row in self._table.rows}
        region = self._region if self._region in regions else WHOLE
        rows = [row for row in self._table.rows if row.region == region]
        names = [name for name in SEGMENTATION_COLUMNS if name != "gain" or self._table.raw]
        self.table.show_cells(
            [row.name for row in rows],
            [SEGMENTATION_COLUMNS[name][0] for name in names],
            [[Cell(segmented_cell(row, name), row.made_by) for name in names] for row in rows],
        )
        self.note.setText(f"{_where(rows[0])} {segmented_caption(self._table)}")

    def _arrange(self) -> None:
        rows = form()
        rows.addRow("True regions", self.true_regions)
        rows.addRow("Membrane", self.membrane)
        self._given_title = note("Labels to measure as well")
        layout = column(self)
        layout.addLayout(rows)
        for part in (self._given_title, self.given, self.run, self.table, self.note, self.add):
            layout.addWidget(part)

    def _connect(self) -> None:
        self.true_regions.currentIndexChanged.connect(
            lambda _: self.changed.emit({"true_regions": self.true_regions.currentData()})
        )
        self.membrane.valueChanged.connect(lambda value: self.changed.emit({"membrane_px": value}))
        self.given.itemChanged.connect(lambda _: self.changed.emit({"given_labels": self._ticked()}))
        self.add.clicked.connect(lambda: self.regions_asked.emit())

    def _ticked(self) -> tuple[Any, ...]:
        return tuple(item.data(Qt.ItemDataRole.UserRole) for item in ticked(self.given))


def _where(row: SegmentedRow) -> str:
    return f"{row.region[0].upper()}{row.region[1:]}: {row.true_regions} true regions, {row.pixels} pixels."
