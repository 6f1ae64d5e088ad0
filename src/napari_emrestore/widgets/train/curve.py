"""A small curve of numbers over training steps, drawn with Qt in the colours of the theme."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QPointF, QRectF, Qt
from qtpy.QtGui import QPainter, QPalette, QPen, QPolygonF
from qtpy.QtWidgets import QSizePolicy, QWidget

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qtpy.QtGui import QPaintEvent

_HEIGHT_PX = 88
_MARGIN_PX = 6
_DOT_PX = 2.5
_MOST_DOTS = 30


class Curve(QWidget):
    """One line, with dots for few values and the best one marked if there is one; its ends are written below.

    Parameters
    ----------
    title : str
        What is shown, with its unit.
    higher_is_better : bool, optional
        Which value is the best one; ``None`` marks none.
    """

    def __init__(self, title: str = "", *, higher_is_better: bool | None = None) -> None:
        super().__init__()
        self.title = title
        self.higher_is_better = higher_is_better
        self.points: list[tuple[float, float]] = []
        self.setFixedHeight(_HEIGHT_PX)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.hide()

    def show_points(
        self, points: Sequence[tuple[float, float]], title: str, *, higher_is_better: bool | None = None
    ) -> None:
        """Show pairs of step and value; none hides the curve."""
        self.points, self.title, self.higher_is_better = list(points), title, higher_is_better
        self.setVisible(bool(self.points))
        self.update()

    @property
    def best(self) -> int | None:
        """Position of the best point, if one is to be marked."""
        if self.higher_is_better is None:
            return None
        values = [value for _, value in self.points]
        return values.index(max(values) if self.higher_is_better else min(values))

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw it."""
        if not self.points:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        text = self.palette().color(QPalette.ColorRole.WindowText)
        line = painter.fontMetrics().height()
        values = [value for _, value in self.points]
        painter.setPen(text)
        width, height = self.width(), self.height()
        top = QRectF(_MARGIN_PX, 0, width - 2 * _MARGIN_PX, line)
        painter.drawText(top, int(Qt.AlignmentFlag.AlignLeft), self.title)
        bottom = QRectF(_MARGIN_PX, height - line, width - 2 * _MARGIN_PX, line)
        first, last = self.points[0][0], self.points[-1][0]
        painter.drawText(bottom, int(Qt.AlignmentFlag.AlignLeft), f"step {first:g}")
        painter.drawText(bottom, int(Qt.AlignmentFlag.AlignRight), f"{last:g}")
        scale = f"{min(values):.3g} to {max(values):.3g}"
        painter.drawText(bottom, int(Qt.AlignmentFlag.AlignHCenter), scale)
        self._draw_line(painter, QRectF(_MARGIN_PX, line + 4, width - 2 * _MARGIN_PX, height - 2 * line - 8))

    def _draw_line(self, painter: QPainter, box: QRectF) -> None:
        places = self._places(box)
        accent = self.palette().color(QPalette.ColorRole.Highlight)
        text = self.palette().color(QPalette.ColorRole.WindowText)
        painter.setPen(QPen(text, 1.5))
        painter.drawPolyline(QPolygonF(places))
        painter.setBrush(text)
        for place in places if len(places) <= _MOST_DOTS else ():
            painter.drawEllipse(place, _DOT_PX, _DOT_PX)
        if self.best is None:
            return
        painter.setPen(QPen(text, 1))
        painter.setBrush(accent)
        painter.drawEllipse(places[self.best], 2 * _DOT_PX, 2 * _DOT_PX)

    def _places(self, box: QRectF) -> list[QPointF]:
        steps, values = zip(*self.points, strict=True)
        wide, high = max(steps) - min(steps) or 1.0, max(values) - min(values) or 1.0
        return [
            QPointF(
                box.left() + box.width() * (step - min(steps)) / wide,
                box.bottom() - box.height() * (value - min(values)) / high,
            )
            for step, value in self.points
        ]
