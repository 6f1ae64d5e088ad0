"""Which frames make a burst: how many, which of them, and what each further one gains."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QSlider,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from napari_emrestore.pipeline.settings import LONGEST_BURST
from napari_emrestore.widgets.forms import column, form, menu, note, number
from napari_emrestore.widgets.restore.binding import tie_menu, tie_number
from napari_emrestore.widgets.run_bar import RunBar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from napari_emrestore.core import FrameVerdict
    from napari_emrestore.pipeline.burst_lengths import MeanQuality
    from napari_emrestore.widgets.jobs import Jobs
    from napari_emrestore.widgets.restore.state import RestoreState

_ROWS_SHOWN = 6
_ROW_PX = 22


def _cell(text: str, tip: str = "") -> QTableWidgetItem:
    item = QTableWidgetItem(text)
    item.setFlags(Qt.ItemFlag.ItemIsEnabled)
    item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    item.setToolTip(tip or text)
    return item


class _Table(QTableWidget):
    """A small table as high as its rows, up to a few."""

    def __init__(self, columns: Mapping[str, str]) -> None:
        super().__init__(0, len(columns))
        for position, (title, tip) in enumerate(columns.items()):
            header = QTableWidgetItem(title)
            header.setToolTip(tip)
            self.setHorizontalHeaderItem(position, header)
        side, self._top = QHeaderView(Qt.Orientation.Vertical), QHeaderView(Qt.Orientation.Horizontal)
        self.setVerticalHeader(side)
        self.setHorizontalHeader(self._top)
        side.hide()
        side.setDefaultSectionSize(_ROW_PX)
        for position in range(len(columns)):
            self._top.setSectionResizeMode(position, QHeaderView.ResizeMode.Stretch)
        self._top.setMinimumSectionSize(20)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.fit()

    def fit(self) -> None:
        """Take the height of the rows."""
        rows = min(self.rowCount(), _ROWS_SHOWN)
        self.setFixedHeight(self._top.sizeHint().height() + _ROW_PX * rows + 4)
        self.setVisible(self.rowCount() > 0)


class TriageTable(_Table):
    """One row per frame of a burst that was looked at; a tick says whether the frame is used.

    Signals
    -------
    decided : (int, bool)
        A person wants this input frame used or skipped.
    """

    decided = Signal(int, bool)

    def __init__(self) -> None:
        super().__init__(
            {
                "Frame": "Position in the input, counted from 0. A tick: it is used.",
                "Shift": "How far it moved against the reference, in pixels.",
                "Corr.": "Correlation with the reference, corrected for noise: 1 is the same scene.",
                "Sharp": "Sharpness, as a share of the sharpest frame's.",
                "Flag": "What was found; point at it to read it.",
            }
        )
        for position in range(4):
            self._top.setSectionResizeMode(position, QHeaderView.ResizeMode.ResizeToContents)
        self._filling = False
        self.itemChanged.connect(self._ticked)

    def show_verdicts(self, frames: range, verdicts: Sequence[FrameVerdict], reference: int) -> None:
        """Show what triage found; `reference` is a position in the input."""
        self._filling = True
        self.setRowCount(len(verdicts))
        for row, verdict in enumerate(verdicts):
            self._fill(row, frames[verdict.index], verdict, is_reference=frames[verdict.index] == reference)
        self._filling = False
        self.fit()

    def _fill(self, row: int, frame: int, verdict: FrameVerdict, *, is_reference: bool) -> None:
        use = _cell(str(frame), verdict.reason)
        use.setData(Qt.ItemDataRole.UserRole, frame)
        use.setCheckState(Qt.CheckState.Checked if verdict.accepted else Qt.CheckState.Unchecked)
        if not is_reference:
            use.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsUserCheckable)
        dy, dx = verdict.shift_px
        flag, why = _flag(verdict, is_reference=is_reference)
        cells = [
            use,
            _cell(f"{(dy**2 + dx**2) ** 0.5:.1f}", f"{dy:.1f} px down, {dx:.1f} px right"),
            _cell("–" if verdict.correlation != verdict.correlation else f"{verdict.correlation:.2f}"),
            _cell("–" if verdict.sharpness != verdict.sharpness else f"{verdict.sharpness:.2f}"),
            _cell(flag, why),
        ]
        for position, cell in enumerate(cells):
            self.setItem(row, position, cell)

    def _ticked(self, item: QTableWidgetItem) -> None:
        if not self._filling and item.column() == 0:
            used = item.checkState() == Qt.CheckState.Checked
            self.decided.emit(item.data(Qt.ItemDataRole.UserRole), used)


def _flag(verdict: FrameVerdict, *, is_reference: bool) -> tuple[str, str]:
    """Return a word for what was found about a frame, and the sentence behind it."""
    if is_reference:
        return "ref.", verdict.reason or "The frame that all others are brought onto; it is always used."
    if not verdict.reason:
        return "ok", "Nothing speaks against it."
    for sign, word in (
        ("by hand", "by hand"),
        ("charging", "charging"),
        ("saturated", "saturated"),
        ("blank", "blank"),
        ("sharpness", "blurred"),
        ("correlation", "differs"),
        ("moved", "far off"),
        ("finite", "gaps"),
    ):
        if sign in verdict.reason:
            return word, verdict.reason
    return "flagged", verdict.reason


class BurstSection(QWidget):
    """Length of a burst, the frames of the one at hand, and what the mean of its first N is worth."""

    def __init__(self, state: RestoreState, jobs: Jobs) -> None:
        super().__init__()
        rows = form()
        below = column(self)
        below.addLayout(rows)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(1, LONGEST_BURST)
        self.slider.setPageStep(1)
        self.spin = number(1, LONGEST_BURST)
        both = QHBoxLayout()
        self.spin.setMaximumWidth(80)
        both.addWidget(self.slider, 1)
        both.addWidget(self.spin)
        self.order = menu({"consecutive": "one after the other", "sliding": "starting at every frame"})
        self.check = RunBar(jobs, "Check frames")
        self.check.button.setToolTip("Aligns up to 12 frames around the one shown and judges each.")
        self.table = TriageTable()
        self.lengths = _Table(
            {
                "Frames": "How many are averaged.",
                "Noise": "Standard deviation of the noise left in the mean, input units; measured.",
                "Resolution": "Fourier ring correlation of odd and even frames, at 1/7.",
            }
        )
        self.verdict = note()
        rows.addRow("Frames", both)
        rows.addRow("Bursts", self.order)
        for widget in (self.check, self.table, self.lengths, self.verdict):
            below.addWidget(widget)
        self.verdict.hide()
        tie_number(self.slider, state, "frames")
        tie_number(self.spin, state, "frames")
        tie_menu(self.order, state, "window")

    def limit(self, most: int) -> None:
        """Let a burst have no more frames than there are."""
        for box in (self.slider, self.spin):
            box.setMaximum(max(1, min(most, LONGEST_BURST)))

    def show_lengths(self, rows: Sequence[MeanQuality], enough: int | None, size_nm: float | None) -> None:
        """Show what each burst length is worth, and from where on more frames do not help."""
        self.lengths.setRowCount(len(rows))
        for position, row in enumerate(rows):
            self.lengths.setItem(position, 0, _cell(str(row.frames)))
            self.lengths.setItem(position, 1, _cell(f"{row.noise:.4g}"))
            self.lengths.setItem(position, 2, _cell(_resolution(row.resolution_px, size_nm)))
        self.lengths.fit()
        if not rows:
            text = ""
        elif enough is not None:
            text = f"More than {enough} frames improve the resolution of the mean by less than 5 %."
        else:
            text = f"The mean gains from every frame up to {rows[-1].frames}."
        self.verdict.setText(text)
        self.verdict.setVisible(bool(text))

    def forget(self) -> None:
        """Take away what was found about other frames."""
        self.table.setRowCount(0)
        self.table.fit()
        self.show_lengths((), None, None)


def _resolution(period_px: float, size_nm: float | None) -> str:
    if period_px == float("inf"):
        return "not resolved"
    return f"{period_px:.2f} px" if size_nm is None else f"{period_px * size_nm:.3g} nm"
