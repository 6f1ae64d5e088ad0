"""Pictures of one held-out crop beside each other: a frame, the model as it was, the model as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import Qt
from qtpy.QtGui import QImage, QPixmap
from qtpy.QtWidgets import QGridLayout, QLabel, QSizePolicy, QWidget

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from qtpy.QtGui import QResizeEvent

_SPACING_PX = 4
_LARGEST_PX = 120


class Crops(QWidget):
    """Grey pictures with a name below each; all share the grey levels of the first but its noise."""

    def __init__(self) -> None:
        super().__init__()
        self._layout = QGridLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(_SPACING_PX)
        self.pictures: list[QLabel] = []
        self._shown: dict[str, QPixmap] = {}
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)  # never cut a picture
        self.hide()

    @property
    def names(self) -> list[str]:
        """What is below the pictures, from left to right."""
        return list(self._shown)

    def show_images(self, images: Mapping[str, NDArray[np.float32]]) -> None:
        """Show images ``(Y, X)`` of one shape under their names; none hides the widget."""
        if list(images) != list(self._shown):
            self._arrange(list(images))
        if images:
            last = list(images.values())[-1]
            low, high = (float(v) for v in np.percentile(last, (0.5, 99.5)))
            self._shown = {name: _pixmap(image, low, high) for name, image in images.items()}
        self.setVisible(bool(images))
        self._fit()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Fit the pictures to the width there is."""
        super().resizeEvent(event)
        self._fit()

    def _arrange(self, names: list[str]) -> None:
        while self._layout.count():
            item = self._layout.takeAt(0)
            widget = None if item is None else item.widget()
            if widget is not None:
                widget.hide()  # it is drawn until Qt comes to delete it
                widget.deleteLater()
        self.pictures, self._shown = [], {}
        for column, name in enumerate(names):
            picture, title = QLabel(), QLabel(name)
            title.setAlignment(Qt.AlignmentFlag.AlignHCenter)
            picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
            self._layout.addWidget(picture, 0, column)
            self._layout.addWidget(title, 1, column)
            self.pictures.append(picture)

    def _fit(self) -> None:
        if not self._shown:
            return
        side = (self.width() - _SPACING_PX * (len(self._shown) - 1)) // len(self._shown)
        side = max(16, min(side, _LARGEST_PX))
        for picture, pixmap in zip(self.pictures, self._shown.values(), strict=True):
            picture.setPixmap(
                pixmap.scaled(
                    side,
                    side,
                    Qt.AspectRatioMode.KeepAspectRatio,
                    Qt.TransformationMode.SmoothTransformation,
                )
            )


def _pixmap(image: NDArray[np.float32], low: float, high: float) -> QPixmap:
    grey = np.clip((image - low) / (high - low or 1.0) * 255, 0, 255).astype(np.uint8)
    rows, columns = grey.shape
    picture = QImage(grey.tobytes(), columns, rows, columns, QImage.Format.Format_Grayscale8)
    return QPixmap.fromImage(picture.copy())  # the copy owns its pixels
