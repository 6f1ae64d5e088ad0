"""The table of numbers, one candidate per row, of one region at a time."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QPushButton, QWidget

from napari_emrestore.pipeline.comparison.candidates import VISIBLE, WHOLE
from napari_emrestore.pipeline.comparison.tables import caption, cell, headings
from napari_emrestore.widgets.compare.choices import layers_of, offer, set_quietly
from napari_emrestore.widgets.compare.score_table import Cell, ScoreTable
from napari_emrestore.widgets.forms import column, form, menu, note

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_emrestore.pipeline.comparison import Comparison, Row
    from napari_emrestore.widgets.compare.state import CompareState

_PLAIN = ("ssim", "psnr_db", "mse", "mae")
_MATCHED = ("ssim_matched", "psnr_matched_db", "mse_matched", "mae_matched")
_ALWAYS = ("frc_px", "frc_nm", "seconds")
_HIGHER_IS_BETTER = ("ssim", "psnr_db", "ssim_matched", "psnr_matched_db")


class NumbersBox(QWidget):
    """The table with its region menu, and what its numbers refer to.

    Signals
    -------
    changed : dict
        Fields of the state and their new values.
    regions_asked
        A layer to draw regions in is wanted.
    """

    changed = Signal(object)
    regions_asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._numbers: Comparison | None = None
        self._visible: Comparison | None = None
        self._state: CompareState | None = None
        self._problems: tuple[str, ...] = ()
        self.regions, self.region = menu({}), menu({})
        self.regions.setToolTip("Shapes or Labels layer; its numbers also stand in its features table")
        self.draw = QPushButton("Draw regions")
        self.draw.setToolTip("Add a Shapes layer with the rectangle tool switched on")
        self.draw.clicked.connect(lambda: self.regions_asked.emit())
        self.matched = QCheckBox("Ignore brightness and contrast")
        self.matched.setToolTip("Numbers after the scale and offset that fit a candidate best to the truth")
        self.table = ScoreTable()
        self.note = note()
        rows = form()
        rows.addRow("Regions in", self.regions)
        rows.addRow("Numbers of", self.region)
        layout = column(self)
        layout.addLayout(rows)
        layout.addWidget(self.draw)
        layout.addWidget(self.table)
        layout.addWidget(self.matched)
        layout.addWidget(self.note)
        self.regions.currentIndexChanged.connect(
            lambda _: self.changed.emit({"regions": self.regions.currentData()})
        )
        self.region.currentIndexChanged.connect(
            lambda _: self.changed.emit({"region": self.region.currentData()})
        )
        self.matched.toggled.connect(lambda on: self.changed.emit({"matched": on}))

    def show_state(self, state: CompareState, layers: Sequence[Any]) -> None:
        """Show what is chosen; `layers` may hold regions."""
        self._state = state
        offer(self.regions, layers_of(layers, "none"), state.regions)
        set_quietly(self.matched, state.matched)
        self._fill()

    def show_numbers(
        self, numbers: Comparison | None, visible: Comparison | None, problems: Sequence[str] = ()
    ) -> None:
        """Show finished tables; None keeps the rows that were not measured again."""
        self._problems = tuple(problems)
        self._numbers = self._numbers if numbers is None else numbers
        self._visible = visible if numbers is not None or visible is not None else self._visible
        self._fill()

    def show_outdated(self, *, visible_only: bool) -> None:
        """Take numbers that no longer hold out of sight."""
        self._visible, self._problems = None, ()
        if not visible_only:
            self._numbers = None
        self._fill()

    def _rows(self) -> dict[str, list[Row]]:
        """Return the rows of each region in the order of the menu."""
        found: dict[str, list[Row]] = {WHOLE: []}
        if self._visible is not None:
            found[VISIBLE] = []
        for comparison in (self._numbers, self._visible):
            for row in comparison.rows if comparison is not None else ():
                found.setdefault(row.region, []).append(row)
        return found

    def _fill(self) -> None:
        if self._state is None:
            return
        regions = self._rows()
        wanted = self._state.region
        # a chosen region stays in the menu while it is measured again
        names = [*regions, *([wanted] if wanted not in regions else [])]
        offer(self.region, [(name, name) for name in names], wanted)
        rows = regions.get(wanted, [])
        source = self._visible if wanted == VISIBLE else self._numbers
        if source is None or not rows:
            self.table.show_cells([], [], [], room=len(self._state.candidates))
            waiting = "" if self._state.why_not_measure() else "Measuring …"
            self.note.setText("\n".join(self._problems) or waiting)
            return
        self._fill_cells(source, rows)
        gaps = dict.fromkeys(f"{row.candidate}: {row.note}" for row in rows if row.note)
        self.note.setText("\n".join([f"{rows[0].pixels} pixels. {caption(source)}", *gaps]))

    def _fill_cells(self, source: Comparison, rows: list[Row]) -> None:
        titles = headings(source)
        scores = _MATCHED if self._state is not None and self._state.matched else _PLAIN
        names = [*scores, *(name for name in _ALWAYS if any(getattr(row, name) is not None for row in rows))]
        best = {name: _best(rows, name) if source.is_truth else None for name in names}
        self.table.show_cells(
            [row.candidate for row in rows],
            [titles[name] for name in names],
            [[Cell(cell(row, name), _tip(row, name), row is best[name]) for name in names] for row in rows],
        )


def _tip(row: Row, name: str) -> str:
    return row.frc_kind and f"FRC {row.frc_kind}" if name.startswith("frc") else row.note


def _best(rows: list[Row], name: str) -> Row | None:
    """Return the row with the best of several different scores."""
    if name == "seconds":
        return None
    known = [row for row in rows if getattr(row, name) is not None and isfinite(getattr(row, name))]
    if len({getattr(row, name) for row in known}) < 2:
        return None
    pick = max if name in _HIGHER_IS_BETTER else min
    return pick(known, key=lambda row: float(getattr(row, name)))
