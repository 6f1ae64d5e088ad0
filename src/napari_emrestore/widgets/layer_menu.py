"""A menu of the layers of a viewer that follows what is added, removed and renamed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.layers import Image, Layer
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QWidget

from napari_emrestore.widgets.lifetime import is_alive

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.viewer import Viewer


class LayerMenu(QComboBox):
    """The layers of one kind of a viewer, topmost first, as they come and go.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Whose layers are offered.
    none_text : str
        Text of an entry for no layer; without it the menu always has a layer, if there is any.
    wanted : callable
        Tells of a layer of this kind whether it is offered.
    kind : type
        The kind of layers.

    Signals
    -------
    picked : Layer or None
        Another layer is chosen, by a person, in code, or because the chosen one was removed.
    """

    picked = Signal(object)

    def __init__(
        self,
        viewer: Viewer,
        *,
        none_text: str = "",
        wanted: Callable[[Any], bool] = lambda layer: True,
        kind: type[Layer] = Image,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._viewer, self._none_text, self._wanted, self._kind = viewer, none_text, wanted, kind
        self._said: Layer | None = None
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(8)
        viewer.layers.events.inserted.connect(self._inserted)
        viewer.layers.events.removed.connect(self._changed)
        viewer.layers.events.reordered.connect(self._changed)
        for layer in viewer.layers:
            layer.events.name.connect(self._changed)
        self.currentIndexChanged.connect(self._tell)
        self._changed()

    @property
    def layer(self) -> Any:
        """The chosen layer, or None."""
        return self.currentData()

    def pick(self, layer: Layer | None) -> None:
        """Choose a layer of the menu; nothing happens for one that is not offered."""
        position = next((i for i in range(self.count()) if self.itemData(i) == layer), -1)
        if position >= 0:
            self.setCurrentIndex(position)

    def refresh(self) -> None:
        """Offer anew what `wanted` wants now."""
        self._changed()

    def _inserted(self, event: Any) -> None:
        if not is_alive(self):
            return
        event.value.events.name.connect(self._changed)
        self._changed()

    def _changed(self, event: Any = None) -> None:
        # the viewer outlives the menu, which it may call after Qt has deleted it
        if not is_alive(self):
            return
        kept = self.layer
        offered = [
            layer
            for layer in reversed(self._viewer.layers)
            if isinstance(layer, self._kind) and self._wanted(layer)
        ]
        self.blockSignals(True)
        self.clear()
        if self._none_text:
            self.addItem(self._none_text, None)
        for layer in offered:
            self.addItem(layer.name, layer)
        self.blockSignals(False)
        if kept in offered:
            self.pick(kept)
        self._tell()

    def _tell(self) -> None:
        if self.layer != self._said:
            self._said = self.layer
            self.setToolTip(self.currentText())
            self.picked.emit(self._said)
