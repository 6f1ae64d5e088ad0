"""How near single frame, mean and restoration come to the ground truth, with the data range named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtWidgets import QGridLayout, QLabel, QWidget

from napari_emrestore.widgets.forms import note

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_emrestore.pipeline import WindowReport

_COLUMNS = ("SSIM", "PSNR (dB)", "MAE")


class ScoresTable(QWidget):
    """Three rows of three numbers, or nothing where no ground truth was given."""

    def __init__(self) -> None:
        super().__init__()
        self._grid = QGridLayout()
        self._labels: list[list[QLabel]] = []
        self.caption = note()
        outer = QGridLayout(self)
        outer.setContentsMargins(2, 2, 2, 2)
        outer.addLayout(self._grid, 0, 0)
        outer.addWidget(self.caption, 1, 0)
        self.hide()

    def clear(self) -> None:
        """Take away the numbers of an earlier run."""
        for label in (label for row in self._labels for label in row):
            label.deleteLater()
        self._labels = []
        self.hide()

    def show_scores(self, windows: Sequence[WindowReport], truth: str, data_range: float) -> None:
        """Show the mean scores of the bursts that have a ground truth."""
        self.clear()
        scored = [window.scores for window in windows if window.scores]
        self._add("", *_COLUMNS)
        for marks in zip(*scored, strict=True):
            means = [
                float(np.mean([getattr(mark, name) for mark in marks])) for name in ("ssim", "psnr", "mae")
            ]
            self._add(marks[0].what, f"{means[0]:.3f}", f"{means[1]:.2f}", f"{means[2]:.4g}")
        over = "" if len(scored) == 1 else f" Means over {len(scored)} bursts."
        self.caption.setText(
            f"Against {truth}; data range {data_range:.4g} (the ground truth's); MAE in input units.{over}"
        )
        self.show()

    @property
    def rows(self) -> list[tuple[str, ...]]:
        """The texts shown, row by row, heading first."""
        return [tuple(label.text() for label in row) for row in self._labels]

    def _add(self, *texts: str) -> None:
        labels = [QLabel(text) for text in texts]
        for column, label in enumerate(labels):
            self._grid.addWidget(label, len(self._labels), column)
        self._labels.append(labels)
