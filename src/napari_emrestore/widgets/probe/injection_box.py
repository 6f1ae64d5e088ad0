"""Adding faint patterns to a layer: what is set, and the table of what came back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QLineEdit, QTableWidget, QTableWidgetItem, QWidget

from napari_emrestore.widgets.forms import column, decimal, form, menu, note, number, set_quietly
from napari_emrestore.widgets.layer_menu import LayerMenu

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari.viewer import Viewer

    from napari_emrestore.probes import InjectionReport, Transfer
    from napari_emrestore.widgets.probe.state import ProbeState

_ROW_PX = 22
_PATTERNS = {"gratings": "gratings", "lines": "single lines", "dots": "single dots"}
_COLUMNS = {
    "px": "Period in px; of lines and dots twice the width",
    "Contrast": "Height of the pattern as a share of the image's range",
    "Kept": "Share of the contrast that came back, mean and standard deviation over all places",
    "Turned": "Angle between the lines that were added and those that came back",
    "Result": "kept from 50 %, weakened from 10 %, lost below, overdone above 120 %; unsteady beyond ± 30 %",
}


class InjectionBox(QWidget):
    """The settings of an injection.

    Signals
    -------
    changed : dict
        Fields of the state and their new values.
    layer_picked : Image or None
        Another layer is chosen.
    """

    changed = Signal(object)
    layer_picked = Signal(object)

    def __init__(self, viewer: Viewer, models: Mapping[str, str]) -> None:
        super().__init__()
        self.layer = LayerMenu(viewer)
        self.model = menu({})
        self.fill_models(models)
        self.pattern = menu(_PATTERNS)
        self.periods, self.contrasts = QLineEdit(), QLineEdit()
        self.periods.setToolTip("In px, from 3, with commas between")
        self.contrasts.setToolTip("Shares of the image's range (four standard deviations of its signal)")
        self.blur = decimal(0.0, 64.0, digits=1, suffix=" px")
        self.blur.setToolTip("Blurs what is added as the stage's motion blurred the image; 0 adds it sharp")
        self.burst = number(1, 32)
        self.burst.setToolTip("Frames from the one in view on, taken as aligned")
        self._rows = form()
        for text, box in (
            ("Image", self.layer),
            ("Frames", self.burst),
            ("Model", self.model),
            ("Add", self.pattern),
            ("Periods", self.periods),
            ("Contrasts", self.contrasts),
            ("Motion blur", self.blur),
        ):
            self._rows.addRow(text, box)
        layout = column(self)
        layout.addWidget(note("Adds faint patterns to the visible field and shows what the model keeps."))
        layout.addLayout(self._rows)
        self._connect()

    def fill_models(self, models: Mapping[str, str]) -> None:
        """Offer these models and no others, telling nobody."""
        self.model.blockSignals(True)
        self.model.clear()
        for row, (name, summary) in enumerate(models.items()):
            self.model.addItem(name, name)
            self.model.setItemData(row, summary, Qt.ItemDataRole.ToolTipRole)
        self.model.blockSignals(False)

    def show_state(self, state: ProbeState, *, is_stack: bool) -> None:
        """Show what is set; the frames only for a layer that has some."""
        for combo, value in ((self.model, state.model), (self.pattern, state.pattern)):
            combo.blockSignals(True)
            combo.setCurrentIndex(max(combo.findData(value), 0))
            combo.blockSignals(False)
        for line, text in ((self.periods, state.periods_px), (self.contrasts, state.contrasts)):
            if line.text() != text:
                line.setText(text)
        set_quietly(self.blur, state.blur_px)
        set_quietly(self.burst, state.burst)
        self._rows.setRowVisible(self.burst, is_stack)

    def _connect(self) -> None:
        fields = {
            "periods_px": self.periods.textChanged,
            "contrasts": self.contrasts.textChanged,
            "blur_px": self.blur.valueChanged,
            "burst": self.burst.valueChanged,
        }
        for name, signal in fields.items():
            signal.connect(lambda value, name=name: self.changed.emit({name: value}))
        for name, combo in (("model", self.model), ("pattern", self.pattern)):
            combo.currentIndexChanged.connect(
                lambda _, name=name, combo=combo: self.changed.emit({name: combo.currentData()})
            )
        self.layer.picked.connect(self.layer_picked)


class TransferTable(QWidget):
    """How much of each period and contrast came back."""

    def __init__(self) -> None:
        super().__init__()
        self.table = QTableWidget(0, len(_COLUMNS))
        self._titles, side = QHeaderView(Qt.Orientation.Horizontal), QHeaderView(Qt.Orientation.Vertical)
        self.table.setHorizontalHeader(self._titles)
        self.table.setVerticalHeader(side)
        side.hide()
        side.setDefaultSectionSize(_ROW_PX)
        for place, (title, tip) in enumerate(_COLUMNS.items()):
            item = QTableWidgetItem(title)
            item.setToolTip(tip)
            self.table.setHorizontalHeaderItem(place, item)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self._titles.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self._titles.setSectionResizeMode(len(_COLUMNS) - 1, QHeaderView.ResizeMode.Stretch)
        self.caption = note()
        self._rows: list[tuple[str, ...]] = []
        layout = column(self)
        layout.addWidget(self.table)
        layout.addWidget(self.caption)
        self.hide()

    def show_report(self, report: InjectionReport) -> None:
        """Show the table of an injection."""
        self.table.setRowCount(len(report.transfers))
        self._rows = [_texts(row) for row in report.transfers]
        for line, row in enumerate(report.transfers):
            for place, text in enumerate(self._rows[line]):
                item = QTableWidgetItem(text)
                item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                item.setToolTip(_details(row))
                self.table.setItem(line, place, item)
        self._fit_height()
        self.caption.setText(_caption(report))
        self.show()

    def clear(self) -> None:
        """Take away the numbers of an earlier run."""
        self.table.setRowCount(0)
        self._rows = []
        self.hide()

    @property
    def rows(self) -> list[tuple[str, ...]]:
        """The texts shown, row by row."""
        return list(self._rows)

    def _fit_height(self) -> None:
        """Make the table as high as its rows, so that the dock scrolls and not the table in it."""
        rows = self.table.rowCount() * _ROW_PX
        self.table.setFixedHeight(rows + self._titles.sizeHint().height() + 4)


def _texts(row: Transfer) -> tuple[str, ...]:
    turned = "–" if row.turned_deg is None else f"{row.turned_deg:.0f}°"
    return (
        f"{row.period_px:g}",
        f"{row.contrast:g}",
        f"{100 * row.kept:.0f} ± {100 * row.spread:.0f} %",
        turned,
        row.verdict,
    )


def _details(row: Transfer) -> str:
    noise = "no noise" if row.contrast_to_noise is None else f"{row.contrast_to_noise:.2g} times the noise"
    return (
        f"Places: {row.stamps}; contrast {noise} of a pixel; "
        f"{row.smeared:.0%} of it came back in another shape, {row.invented:.0%} beside the pattern"
    )


def _caption(report: InjectionReport) -> str:
    settings = report.provenance.settings
    head = f"{report.model}: contrast 1 is {report.range_of_image:.4g} in the image's units."
    notes = [f"{text[0].upper()}{text[1:]}." for text in report.provenance.notes]
    rounds = "" if settings["rounds"] == 1 else f" {settings['rounds']} rounds."
    return "\n".join([head + rounds, *dict.fromkeys(notes)])
