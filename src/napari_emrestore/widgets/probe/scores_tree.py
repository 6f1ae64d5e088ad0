"""The scores of each model on each pattern, with a verdict in a word and in a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QBrush, QColor
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QPushButton, QTreeWidget, QTreeWidgetItem, QWidget

from napari_emrestore.probes.tables import conditions_text, limits_text
from napari_emrestore.widgets.forms import column, note

if TYPE_CHECKING:
    from napari_emrestore.probes import ProbeReport, Score

# readable on napari's dark and light ground alike; the word beside them says the same
_GOOD, _BAD = QColor("#2f9e5b"), QColor("#d9534f")
_COLUMNS = ("Artefact", "Value", "Result")
_LOWEST_PX = 220


class ScoresTree(QWidget):
    """Reports with their scores below them.

    Signals
    -------
    picked : tuple of (ProbeReport, Score)
        A person chose a score and wants to see where.
    """

    picked = Signal(object, object)

    def __init__(self) -> None:
        super().__init__()
        self.tree = QTreeWidget()
        header = QHeaderView(Qt.Orientation.Horizontal)
        self.tree.setHeader(header)
        self.tree.setColumnCount(len(_COLUMNS))
        self.tree.setHeaderLabels(list(_COLUMNS))
        self.tree.setMinimumHeight(_LOWEST_PX)
        self.tree.setRootIsDecorated(True)
        self.tree.setIndentation(10)
        self.tree.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        header.setStretchLastSection(False)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for place in (1, 2):
            header.setSectionResizeMode(place, QHeaderView.ResizeMode.ResizeToContents)
        self.verdict = note()
        self._reports: list[ProbeReport] = []
        self._scores: list[tuple[ProbeReport, Score]] = []
        self._rows: list[QTreeWidgetItem] = []
        self._tops: dict[str, QTreeWidgetItem] = {}
        self.save = QPushButton("Save tables and pictures …")
        layout = column(self)
        for widget in (self.tree, self.verdict, self.save):
            layout.addWidget(widget)
        self.tree.currentItemChanged.connect(lambda item, _: self._tell(item))
        self.clear()

    def clear(self) -> None:
        """Take away the scores of an earlier run."""
        self.tree.clear()
        self._reports, self._scores, self._rows, self._tops = [], [], [], {}
        self.hide()

    def add(self, report: ProbeReport) -> None:
        """Show one more report, under its model."""
        self._reports.append(report)
        top = self._top_of(report.model)
        failed = sum(not score.passed for score in report.scores)
        word = f"{failed} of {len(report.scores)} failed" if failed else "all passed"
        group = QTreeWidgetItem(top, [f"{_marked(word, passed=not failed)} · {report.probe.title}"])
        group.setToolTip(0, conditions_text(report))
        group.setForeground(0, QBrush(_BAD if failed else _GOOD))
        group.setFirstColumnSpanned(True)
        for score in report.scores:
            group.addChild(self._row(report, score))
        group.setExpanded(True)
        self.show()
        self._summarise()

    @property
    def reports(self) -> tuple[ProbeReport, ...]:
        """What is shown."""
        return tuple(self._reports)

    @property
    def rows(self) -> list[tuple[str, ...]]:
        """Texts of all scores: pattern, model, artefact, value, result."""
        return [
            (report.probe.title, report.model, *(row.text(place) for place in range(len(_COLUMNS))))
            for (report, _), row in zip(self._scores, self._rows, strict=True)
        ]

    def pick(self, place: int) -> None:
        """Choose a score by its place among all, as a click does."""
        self.tree.setCurrentItem(self._rows[place])

    def _row(self, report: ProbeReport, score: Score) -> QTreeWidgetItem:
        word = _marked("passed" if score.passed else "FAILED", passed=score.passed)
        row = QTreeWidgetItem([score.title, _short(score.value), word])
        row.setTextAlignment(1, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        row.setForeground(2, QBrush(_GOOD if score.passed else _BAD))
        for place in range(len(_COLUMNS)):
            row.setToolTip(place, f"{score.verdict}\nPasses: {limits_text(score)}.")
        row.setData(0, Qt.ItemDataRole.UserRole, len(self._scores))
        self._scores.append((report, score))
        self._rows.append(row)
        return row

    def _top_of(self, model: str) -> QTreeWidgetItem:
        if model not in self._tops:
            top = self._tops[model] = QTreeWidgetItem(self.tree, [model])
            top.setFirstColumnSpanned(True)
            top.setExpanded(True)
        return self._tops[model]

    def _tell(self, item: QTreeWidgetItem | None) -> None:
        chosen = None if item is None else item.data(0, Qt.ItemDataRole.UserRole)
        if chosen is None:
            self._summarise()
            return
        report, score = self._scores[chosen]
        most = float(np.abs(score.where).max())
        passes = f"Passes: {limits_text(score)}."
        self.verdict.setText(f"{score.verdict} {passes} The map goes up to {most:.2g}, of a range of 1.")
        self.picked.emit(report, score)

    def _summarise(self) -> None:
        """Say how many scores each model passed, and everything a reader must know."""
        for model, top in self._tops.items():
            scores = [s for report in self._reports if report.model == model for s in report.scores]
            passed = sum(score.passed for score in scores)
            top.setText(0, f"{model} · {passed} of {len(scores)} passed")
        notes = dict.fromkeys(
            f"{report.model}: {text}." for report in self._reports for text in report.provenance.notes
        )
        current = self.tree.currentItem()
        if current is not None and current.data(0, Qt.ItemDataRole.UserRole) is not None:
            return  # a person reads about a score
        self.verdict.setText("\n".join([*notes, "Pick a score to see where it comes from."]))


def _short(value: float) -> str:
    return f"{value:.2f}" if abs(value) < 100 else f"{value:.0f}"


def _marked(word: str, *, passed: bool) -> str:
    return f"{'✓' if passed else '✗'} {word}"
