"""The plot, in napari's colours; matplotlib loads when the first one is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.utils.theme import get_theme
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QPushButton, QWidget

from napari_emrestore.pipeline.comparison.plots import Look
from napari_emrestore.widgets.compare.choices import layers_of, offer, set_quietly
from napari_emrestore.widgets.forms import column, form, menu, note, number

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matplotlib.figure import Figure

    from napari_emrestore.widgets.compare.state import CompareState, PlotKind

_KINDS: dict[PlotKind, str] = {
    "none": "none",
    "profile": "Line profile",
    "histogram": "Histograms",
    "power": "Radial power spectrum",
    "correlation": "Fourier ring correlation",
}
_HEIGHT_PX = 320


class PlotsBox(QWidget):
    """The menu of plots and the canvas.

    Signals
    -------
    changed : dict
        Fields of the state and their new values.
    line_asked
        A layer to draw a line in is wanted.
    """

    changed = Signal(object)
    line_asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._canvas: Any = None
        self._drawing: Callable[..., None] | None = None
        self._look = Look()
        self.kind, self.line = menu({}), menu({})
        self.line_width = number(1, 199, suffix=" px")
        self.line_width.setToolTip("Parallel lines that are averaged")
        self.draw_line = QPushButton("Draw a line")
        self.draw_line.setToolTip("Add a Shapes layer with the line tool switched on")
        self.of_line = QWidget()
        rows, more = form(), form()
        self.of_line.setLayout(more)
        rows.addRow("Plot", self.kind)
        more.addRow("Line in", self.line)
        more.addRow("Line width", self.line_width)
        more.addRow(self.draw_line)
        self.note = note()
        self._layout = column(self)
        self._layout.addLayout(rows)
        self._layout.addWidget(self.of_line)
        self._layout.addWidget(self.note)
        self.kind.currentIndexChanged.connect(lambda _: self.changed.emit({"plot": self.kind.currentData()}))
        self.line.currentIndexChanged.connect(lambda _: self.changed.emit({"line": self.line.currentData()}))
        self.line_width.valueChanged.connect(lambda value: self.changed.emit({"line_width_px": value}))
        self.draw_line.clicked.connect(lambda: self.line_asked.emit())

    @property
    def figure(self) -> Figure | None:
        """The plot that is shown, if any."""
        return self._canvas.figure if self._canvas is not None and self._drawing is not None else None

    def show_state(self, state: CompareState, layers: Sequence[Any]) -> None:
        """Show what is chosen; `layers` may hold a line."""
        offer(self.kind, [(text, kind) for kind, text in _KINDS.items()], state.plot)
        offer(self.line, layers_of(layers, "none"), state.line)
        self.of_line.setVisible(state.plot == "profile")
        set_quietly(self.line_width, state.line_width_px)
        if state.plot == "none":
            self.show_plot(None)

    def show_plot(self, drawing: Callable[..., None] | None, problems: Sequence[str] = ()) -> None:
        """Draw a plot, or take it away, with what could not be drawn in words."""
        self._drawing = drawing
        self.note.setText("\n".join(problems))
        self.note.setVisible(bool(problems))
        if drawing is None:
            if self._canvas is not None:
                self._canvas.setVisible(False)
            return
        if self._canvas is None:
            self._add_canvas()
        self._canvas.setVisible(True)
        self._draw()

    def show_outdated(self) -> None:
        """Say that the plot is of something that has changed since."""
        self.note.setText(
            "Measuring …" if self._drawing is None else "Measuring anew; the plot below is old."
        )
        self.note.setVisible(True)

    def use_theme(self, name: str) -> None:
        """Draw in the colours of a theme of napari."""
        theme = get_theme(name)
        self._look = Look(
            foreground=theme.text.as_hex(), background=theme.background.as_hex(), shade=theme.primary.as_hex()
        )
        if self._drawing is not None:
            self._draw()

    def _add_canvas(self) -> None:
        from matplotlib.backends.backend_qtagg import FigureCanvasQTAgg

        from napari_emrestore.pipeline.comparison.plots import new_figure

        canvas: Any = FigureCanvasQTAgg  # carries no types
        self._canvas = canvas(new_figure())
        self._canvas.setFixedHeight(_HEIGHT_PX)
        self._layout.addWidget(self._canvas)

    def _draw(self) -> None:
        if self._drawing is not None:
            self._drawing(self._canvas.figure, look=self._look)
            self._canvas.draw_idle()
