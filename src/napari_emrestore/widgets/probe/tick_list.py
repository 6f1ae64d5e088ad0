"""A list of things to tick, with pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtGui import QIcon, QImage, QPixmap
from qtpy.QtWidgets import QAbstractItemView, QListWidget, QListWidgetItem

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

_ICON_PX = 28


class TickList(QListWidget):
    """Entries with a tick box each.

    Parameters
    ----------
    rows : int
        Most rows that are shown without scrolling.

    Signals
    -------
    changed : tuple of str
        Names of the ticked entries, in the order of the list.
    """

    changed = Signal(object)

    def __init__(self, rows: int) -> None:
        super().__init__()
        self._rows = rows
        self._items: dict[str, QListWidgetItem] = {}
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.setIconSize(QSize(_ICON_PX, _ICON_PX))
        self.itemChanged.connect(lambda _: self.changed.emit(self.ticked))

    def add(self, name: str, text: str, tip: str, picture: NDArray[Any] | None = None) -> None:
        """Add an entry; a picture ``(Y, X)`` has values from 0 to 1."""
        self.blockSignals(True)
        item = QListWidgetItem(text, self)
        self._items[name] = item
        item.setToolTip(tip)
        item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsUserCheckable)
        item.setCheckState(Qt.CheckState.Unchecked)
        if picture is not None:
            item.setIcon(_icon(picture))
        self.blockSignals(False)
        self.setFixedHeight(
            min(self.count(), self._rows) * self.sizeHintForRow(0) + 2 * self.frameWidth() + 2
        )

    def empty(self) -> None:
        """Take all entries away, telling nobody."""
        self.blockSignals(True)
        self.clear()
        self._items.clear()
        self.blockSignals(False)

    def show_ticks(self, names: Iterable[str]) -> None:
        """Tick these entries and no others, telling nobody."""
        wanted = set(names)
        self.blockSignals(True)
        for name, item in self._items.items():
            item.setCheckState(Qt.CheckState.Checked if name in wanted else Qt.CheckState.Unchecked)
        self.blockSignals(False)

    @property
    def ticked(self) -> tuple[str, ...]:
        """Names of the ticked entries."""
        return tuple(n for n, item in self._items.items() if item.checkState() == Qt.CheckState.Checked)

    def item_of(self, name: str) -> QListWidgetItem:
        """Return the entry of a name."""
        return self._items[name]


def _icon(picture: NDArray[Any]) -> QIcon:
    grey = np.ascontiguousarray(np.clip(picture * 255, 0, 255).astype(np.uint8))
    rows, columns = grey.shape
    image = QImage(grey.tobytes(), columns, rows, columns, QImage.Format.Format_Grayscale8)
    return QIcon(QPixmap.fromImage(image.copy()))  # the copy owns its pixels
