"""Draws one row of the list: thumbnails with the outline, a bar in the colour of the class, four lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QPointF, QRectF, QSize, Qt
from qtpy.QtGui import QColor, QImage, QPalette, QPen, QPolygonF
from qtpy.QtWidgets import QStyle, QStyledItemDelegate

from napari_emrestore.widgets.regions.row_model import ROW
from napari_emrestore.widgets.regions.thumbnails import SIDE_PX

if TYPE_CHECKING:
    from qtpy.QtCore import QModelIndex, QObject
    from qtpy.QtGui import QPainter
    from qtpy.QtWidgets import QStyleOptionViewItem

    from napari_emrestore.widgets.regions.row_model import Row
    from napari_emrestore.widgets.regions.thumbnails import Thumbnail, Thumbnails

_MARGIN = 4
_BAR = 4
_POINT_ARM = 5


class RowPainter(QStyledItemDelegate):
    """Draws the rows in view; asks for no thumbnail itself.

    Parameters
    ----------
    thumbnails : Thumbnails
        Those that are made already are drawn.
    parent : QObject
        The list.
    """

    def __init__(self, thumbnails: Thumbnails, parent: QObject) -> None:
        super().__init__(parent)
        self._thumbnails = thumbnails
        self.pictures = 1

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:
        """Return the height of a row, the same for all."""
        return QSize(0, SIDE_PX + 2 * _MARGIN)

    def paint(self, painter: QPainter | None, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        """Draw a row."""
        row: Row | None = index.data(ROW)
        if painter is None or row is None:
            return
        painter.save()
        frame: Any = option.rect
        palette: QPalette = option.palette
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        if chosen:
            painter.fillRect(frame, palette.highlight())
        left = frame.left() + _MARGIN
        painter.fillRect(left, frame.top() + _MARGIN, _BAR, SIDE_PX, QColor(row.colour))
        left += _BAR + _MARGIN
        left = self._draw_pictures(painter, row, left, frame.top() + _MARGIN)
        ink = palette.color(QPalette.ColorRole.HighlightedText if chosen else QPalette.ColorRole.Text)
        self._draw_lines(painter, row, frame.adjusted(left - frame.left(), _MARGIN, -_MARGIN, -_MARGIN), ink)
        painter.restore()

    def _draw_pictures(self, painter: QPainter, row: Row, left: int, top: int) -> int:
        """Draw the thumbnails, or grey places for those to come; return where the text begins."""
        thumbnail = self._thumbnails.get(row.region)
        for k in range(self.pictures):
            if thumbnail is None or k >= len(thumbnail.pictures):
                painter.fillRect(left, top, SIDE_PX, SIDE_PX, QColor(128, 128, 128, 60))
            else:
                grey = thumbnail.pictures[k]
                painter.drawImage(
                    left,
                    top,
                    QImage(grey.tobytes(), SIDE_PX, SIDE_PX, SIDE_PX, QImage.Format.Format_Grayscale8),
                )
                _draw_outline(painter, row, thumbnail, left, top)
            left += SIDE_PX + _MARGIN
        return left + _MARGIN // 2

    def _draw_lines(self, painter: QPainter, row: Row, place: Any, ink: QColor) -> None:
        """Draw the lines of text, cut with dots where they are too long."""
        height = place.height() / len(row.lines)
        font = painter.font()
        for k, text in enumerate(row.lines):
            bold, strength = k == 0, 0.65 if k == len(row.lines) - 1 else 1.0
            font.setBold(bold)
            painter.setFont(font)
            shade = QColor(ink)
            shade.setAlphaF(strength)
            painter.setPen(shade)
            room = QRectF(place.left(), place.top() + k * height, place.width(), height)
            cut = painter.fontMetrics().elidedText(
                text.replace("\n", " "), Qt.TextElideMode.ElideRight, int(room.width())
            )
            painter.drawText(room, int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft), cut)


def _draw_outline(painter: QPainter, row: Row, thumbnail: Thumbnail, left: int, top: int) -> None:
    """Draw where the region is in its thumbnail: its outline, or a cross for a point."""
    painter.save()
    painter.setClipRect(left, top, SIDE_PX, SIDE_PX)
    pen = QPen(QColor(row.colour), 1)
    if not row.region.accepted:
        pen.setStyle(Qt.PenStyle.DashLine)
    painter.setPen(pen)
    for ring in thumbnail.outlines:
        places = [QPointF(left + x + 0.5, top + y + 0.5) for y, x in ring.tolist()]
        if len(places) == 1:
            x, y = places[0].x(), places[0].y()
            painter.drawLine(QPointF(x - _POINT_ARM, y), QPointF(x + _POINT_ARM, y))
            painter.drawLine(QPointF(x, y - _POINT_ARM), QPointF(x, y + _POINT_ARM))
        else:
            painter.drawPolygon(QPolygonF(places))
    painter.restore()
