"""Files from the dock: the table, the plot, the page; measured anew and written off the main thread."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFileDialog, QPushButton, QWidget

from napari_emrestore.core import InputError
from napari_emrestore.pipeline.comparison.plots import new_figure, save_figure
from napari_emrestore.pipeline.comparison.report import ReportContent, write_report
from napari_emrestore.pipeline.comparison.tables import write_csv
from napari_emrestore.widgets.compare.measuring import Wanted, measure, segment
from napari_emrestore.widgets.forms import column, note

if TYPE_CHECKING:
    from napari_emrestore.core import Monitor
    from napari_emrestore.pipeline.comparison import Comparison
    from napari_emrestore.widgets.compare.measuring import Measured
    from napari_emrestore.widgets.compare.sources import Snapshot
    from napari_emrestore.widgets.compare.state import PlotKind
    from napari_emrestore.widgets.jobs import Jobs

_TITLES = {"table": "Table as CSV …", "plot": "Plot as PNG or SVG …", "report": "Report as HTML page …"}
_FILTERS = {"table": "CSV (*.csv)", "plot": "Picture (*.png *.svg *.pdf)", "report": "Web page (*.html)"}
_PLOTS: dict[PlotKind, str] = {
    "profile": "Line profile",
    "histogram": "Histograms",
    "power": "Radial power spectrum",
    "correlation": "Fourier ring correlation",
}


class ExportBox(QWidget):
    """Buttons that ask for a file.

    Signals
    -------
    asked : str, Path
        What is to be written where: ``"table"``, ``"plot"`` or ``"report"``.
    """

    asked = Signal(str, object)

    def __init__(self, jobs: Jobs) -> None:
        super().__init__()
        self.buttons = {kind: QPushButton(text) for kind, text in _TITLES.items()}
        self.note = note()
        layout = column(self)
        for kind, button in self.buttons.items():
            layout.addWidget(button)
            button.clicked.connect(partial(self._ask, kind))
        layout.addWidget(self.note)
        jobs.started.connect(lambda _: self.note.setText("Writing …"))
        jobs.succeeded.connect(lambda path: self.note.setText(f"Written: {path}"))
        jobs.cancelled.connect(lambda: self.note.setText("Cancelled. Nothing was written."))
        jobs.failed.connect(lambda error: self.note.setText(str(error)))

    def allow(self, *, table: bool, plot: bool) -> None:
        """Enable what there is something to write of."""
        for kind, button in self.buttons.items():
            button.setEnabled(plot if kind == "plot" else table)

    def _ask(self, kind: str, _checked: bool = False) -> None:
        path, _ = QFileDialog.getSaveFileName(
            self, _TITLES[kind], f"comparison{_suffix(kind)}", _FILTERS[kind]
        )
        if path:
            target = Path(path)
            self.asked.emit(kind, target if target.suffix else target.with_suffix(_suffix(kind)))


def export(
    kind: str,
    path: Path,
    snapshot: Snapshot,
    wanted: Wanted,
    membrane_px: float | None,
    settings: dict[str, Any],
    monitor: Monitor,
) -> Path:
    """Measure a snapshot again and write what was asked for; return the path.

    Parameters
    ----------
    kind : {"table", "plot", "report"}
        What to write.
    path : Path
        Where.
    snapshot : Snapshot
        What is compared now.
    wanted : Wanted
        Plot and width that are set.
    membrane_px : float, optional
        Width of a membrane, to measure segmentations as well.
    settings : dict
        Further facts for the page.
    monitor : Monitor
        May stop the work, which then writes nothing.

    Raises
    ------
    InputError, WriteError
        If it cannot be measured or written.
    """
    if kind == "plot":
        return _write_plot(measure(snapshot, replace(wanted, numbers=False), monitor), path)
    numbers = measure(snapshot, Wanted(numbers=True), monitor)
    table = _joined(numbers)
    if membrane_px is not None:
        table = replace(table, segmentation=segment(snapshot, membrane_px, monitor))
    if kind == "table":
        return write_csv(table, path)
    figures = {}
    for plot, title in _PLOTS.items():
        if plot != "profile" or snapshot.line is not None:
            drawn = measure(snapshot, Wanted(plot=plot, width_px=wanted.width_px), monitor)
            if drawn.drawing is not None:
                figures[title] = new_figure()
                drawn.drawing(figures[title])
    content = ReportContent(
        table,
        tuple(source.load() for source in snapshot.candidates),
        None if snapshot.truth is None else snapshot.truth.load(),
        figures,
        {
            **settings,
            "field": dict(snapshot.areas),
            "pixel size (nm)": snapshot.pixel_size_nm,
            "line": snapshot.line,
            "line width (px)": wanted.width_px,
            "regions": {region.name: region.area for region in snapshot.regions},
        },
    )
    return write_report(content, path)


def _write_plot(measured: Measured, path: Path) -> Path:
    if measured.drawing is None:
        raise InputError("A plot must be shown to be written", came=" ".join(measured.problems) or "none is")
    figure = new_figure()
    measured.drawing(figure)
    return save_figure(figure, path)


def _joined(measured: Measured) -> Comparison:
    """Return the table with the rows of the visible field."""
    if measured.numbers is None:
        raise InputError("A table needs numbers", came=" ".join(measured.problems))
    more = () if measured.visible is None else measured.visible.rows
    return replace(measured.numbers, rows=(*measured.numbers.rows, *more))


def _suffix(kind: str) -> str:
    return {"table": ".csv", "plot": ".png", "report": ".html"}[kind]
