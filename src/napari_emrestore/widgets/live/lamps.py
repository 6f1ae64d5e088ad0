"""A lamp with its sentence: a colour to notice, words to understand."""

from __future__ import annotations

from typing import Literal

from qtpy.QtCore import QRectF, QSize, Qt
from qtpy.QtGui import QColor, QPainter, QPaintEvent
from qtpy.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QWidget

from napari_emrestore.widgets.forms import note

Level = Literal["off", "good", "warn", "bad"]
_COLOURS: dict[Level, str] = {"off": "#808080", "good": "#2e9e5b", "warn": "#e09000", "bad": "#d9453d"}
_SIDE_PX = 12
_WIDE_PX = 10_000


class Lamp(QWidget):
    """A coloured light beside a sentence that wraps.

    Parameters
    ----------
    text : str
        At first.
    """

    def __init__(self, text: str = "") -> None:
        super().__init__()
        self.label = note(text)
        self.light = _Light(self.label)
        self.level: Level = "off"
        self.label.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(self.light, 0, Qt.AlignmentFlag.AlignTop)
        layout.addWidget(self.label, 1)

    def show_state(self, level: Level, text: str) -> None:
        """Show a colour and a sentence; nothing is drawn where nothing has changed."""
        if level != self.level:
            self.level = level
            self.light.show_colour(_COLOURS[level])
        if text != self.label.text():
            self.label.setText(text)
            self.light.updateGeometry()


class _Light(QWidget):
    """A filled circle beside the first line of a label."""

    def __init__(self, label: QLabel) -> None:
        super().__init__()
        self._colour = QColor(_COLOURS["off"])
        self._label = label
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """Return the size of the circle, as high as one line with the label's margins."""
        whole, line = self._label.heightForWidth(_WIDE_PX), self._label.fontMetrics().height()
        return QSize(_SIDE_PX, max(_SIDE_PX, whole, line))

    def show_colour(self, colour: str) -> None:
        """Take another colour."""
        self._colour = QColor(colour)
        self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw the circle."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._colour)
        side = min(self.width(), self.height()) - 2.0
        painter.drawEllipse(QRectF((self.width() - side) / 2, (self.height() - side) / 2, side, side))
        painter.end()
