"""Raw beside restored: linked grid, divider, blinking, raw while a button is held."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, QTimer

from napari_emrestore.restoration.plan import Rect
from napari_emrestore.widgets.compare.swiping import Swipe
from napari_emrestore.widgets.compare.viewing import Views
from napari_emrestore.widgets.lifetime import is_alive
from napari_emrestore.widgets.live.pictures import RAW, RESTORED

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.viewer import Viewer

    from napari_emrestore.widgets.live.showing import LiveLayers
    from napari_emrestore.widgets.live.state import Look

_BLINK_MS = 600


class LiveLooking:
    """Applies the way of looking to the live layers; gives napari back as it was.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        What is looked at.
    layers : LiveLayers
        The layers.
    dragged : callable
        Told where the mouse moves the divider, 0 to 1.
    parent : QObject
        The dock; a look survives it until `leave`.
    """

    def __init__(
        self, viewer: Viewer, layers: LiveLayers, dragged: Callable[[float], None], parent: QObject
    ) -> None:
        self._viewer, self._layers, self._dragged = viewer, layers, dragged
        self._views = Views(viewer)
        self._swipe: Swipe | None = None
        self._place = 0
        self._timer = QTimer(parent)
        self._timer.setInterval(_BLINK_MS)
        self._timer.timeout.connect(self._blink)

    def enter(self, look: Look, share: float) -> None:
        """Look at the layers there are in a way; a single one is simply seen."""
        self._timer.stop()
        self._end_swipe()
        layers = self._layers.layers
        pair = [layers[name] for name in (RAW, RESTORED) if name in layers]
        if len(pair) < 2 or look == "stacked":
            self._views.leave()
            for layer in pair[-1:]:
                layer.visible = True
        elif look == "grid":
            self._views.enter("grid", list(layers.values()))
        elif look == "blink":
            self._views.enter("blink", pair, self._place)
            self._timer.start()
        else:
            self._views.leave()
            raw = pair[0]
            height, width = raw.data.shape
            self._swipe = Swipe(self._viewer, raw, Rect(0, height, 0, width), share, self._dragged)

    def drawn(self) -> None:
        """Draw the left side of the divider, whose pixels are those of the raw layer."""
        if self._swipe is None:
            return
        left, raw = self._swipe.layer.data, self._layers.layers.get(RAW)
        if raw is not None and left.base is raw.data:
            self._layers.refresh(self._swipe.layer)

    def is_outdated(self) -> bool:
        """Return whether the divider cuts an array that the raw layer no longer has."""
        raw = self._layers.layers.get(RAW)
        return self._swipe is not None and raw is not None and self._swipe.layer.data.base is not raw.data

    def move(self, share: float) -> None:
        """Put the divider at a share of the width."""
        if self._swipe is not None:
            self._swipe.move(share)

    def hold_raw(self) -> None:
        """Show the raw layer alone until `release`."""
        if RAW in self._layers.layers:
            self._views.hold(self._layers.layers[RAW])

    def release(self) -> None:
        """Show again what `hold_raw` hid."""
        self._views.release()

    def leave(self) -> None:
        """Give napari back as it was; also after the dock was deleted."""
        if is_alive(self._timer):
            self._timer.stop()
        self._end_swipe()
        self._views.leave()

    def _blink(self) -> None:
        layers = self._layers.layers
        pair = [layers[name] for name in (RAW, RESTORED) if name in layers]
        if len(pair) == 2:
            self._place += 1
            self._views.enter("blink", pair, self._place)

    def _end_swipe(self) -> None:
        swipe, self._swipe = self._swipe, None
        if swipe is not None:
            swipe.close()
