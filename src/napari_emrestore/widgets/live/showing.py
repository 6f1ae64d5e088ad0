"""The newest picture as layers: filled in place at a rate that leaves napari time for everything else."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QObject, QTimer, Signal

from napari_emrestore.widgets.compare.sources import MADE_HERE
from napari_emrestore.widgets.layers import contrast_limits, image_options, metadata
from napari_emrestore.widgets.lifetime import is_alive
from napari_emrestore.widgets.live.pictures import RAW, RESTORED, TRUTH

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.layers import Image
    from napari.viewer import Viewer
    from numpy.typing import NDArray

    from napari_emrestore.widgets.live.pictures import Picture

_FASTEST_MS, _SLOWEST_MS = 33, 500
_SHARE = 0.5
"""Most of the main thread's time that showing may take."""
_ORDER = (TRUTH, RAW, RESTORED)
_DESCRIBED_EVERY_S = 0.5


class LiveLayers(QObject):
    """The layers of one live dock; for the main thread only.

    Pixels are copied into the arrays that the layers hold, which costs less than giving a layer another
    array, and tells nobody who listens to a layer's data until the stream has ended.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Gets the layers.
    parent : QObject
        The dock.

    Attributes
    ----------
    expected : frozenset of str
        Layers to be hidden only, not removed, while a picture has no such image.

    Signals
    -------
    drawn : Picture
        A picture is on the screen.
    removed : str
        Somebody took away the layer of this name.
    contrast_set : object
        Somebody moved the contrast limits of one of the layers.
    changed
        Layers were added or taken away by the stream itself.
    sized
        The first picture of a stream is there, or the first of another pixel size.
    """

    drawn = Signal(object)
    removed = Signal(str)
    contrast_set = Signal()
    changed = Signal()
    sized = Signal()

    def __init__(self, viewer: Viewer, parent: QObject) -> None:
        super().__init__(parent)
        self.expected: frozenset[str] = frozenset()
        self._viewer = viewer
        self._layers: dict[str, Image] = {}
        self._filled: dict[str, NDArray[Any]] = {}
        self._waiting: set[str] = set()  # hidden until there is something to show in them again
        self._newest: Callable[[], Picture | None] | None = None
        self._shown: Picture | None = None
        self._pixel_nm: tuple[float, float] | None = None
        self._is_new = True
        self._is_busy = False
        self._began_s = self._described_s = 0.0
        self._cost_s = 0.0
        self._timer, self._after = QTimer(self), QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._show_newest)
        self._after.setSingleShot(True)
        self._after.setInterval(0)
        self._after.timeout.connect(self._end_turn)
        viewer.layers.events.removed.connect(self._heard_removed)

    @property
    def shown(self) -> Picture | None:
        """What is seen; None before the first picture."""
        return self._shown

    @property
    def layers(self) -> dict[str, Image]:
        """The layers that show the picture: ``raw``, ``restored``, ``truth``."""
        shown = [name for name in (RAW, RESTORED, TRUTH) if name in self._layers]
        return {name: self._layers[name] for name in shown if name not in self._waiting}

    def begin(self, newest: Callable[[], Picture | None]) -> None:
        """Show what `newest` returns, again and again."""
        self._newest, self._shown, self._is_new = newest, None, True
        self._timer.start(0)

    def end(self) -> None:
        """Show nothing more; the layers keep the last picture and tell those who listen to them."""
        self._timer.stop()
        self._after.stop()
        self._newest = None
        self._describe()
        for layer in self._layers.values():
            layer.data = layer.data
        for layer in self._layers.values():
            layer.refresh()

    def refresh(self, layer: Image) -> None:
        """Draw a layer whose pixels have changed in place."""
        layer.refresh(thumbnail=False, highlight=False, extent=False)

    def _show_newest(self) -> None:
        picture = None if self._newest is None else self._newest()
        self._began_s = time.perf_counter()
        if picture is None:
            self._timer.start(_FASTEST_MS // 2)
            return
        self._show(picture)
        self._after.start()

    def _end_turn(self) -> None:
        """Tell that the picture is on the screen, and wait at least as long as showing it took."""
        cost_s = time.perf_counter() - self._began_s
        # the first picture makes a layer, which takes long once and must not slow down those that follow
        self._cost_s = (self._cost_s + min(cost_s, _SHARE * _SLOWEST_MS / 1000)) / 2
        period_ms = max(_FASTEST_MS, 1000 * self._cost_s / _SHARE)
        if self._shown is not None:
            self.drawn.emit(self._shown)
        if self._newest is not None:
            self._timer.start(max(1, round(period_ms - 1000 * cost_s)))

    def _show(self, picture: Picture) -> None:
        self._shown = picture
        images = picture.images
        before = set(self.layers)
        self._is_busy = True
        sized = self._size(picture)
        for name in set(self._layers) - set(images):
            self._take_away(name)
        for name in _ORDER:
            if name in images:
                self._put(name, images[name], picture)
        if time.perf_counter() - self._described_s > _DESCRIBED_EVERY_S:
            self._describe()
        self._is_busy = False
        if set(self.layers) != before:
            self.changed.emit()
        if sized:
            self.sized.emit()

    def _size(self, picture: Picture) -> bool:
        """Give all layers the pixel size of the picture, hidden ones too; return whether it is news."""
        known = picture.view.raw.acquisition
        if not self._is_new and known.pixel_size_nm == self._pixel_nm:
            return False
        self._is_new, self._pixel_nm = False, known.pixel_size_nm
        options = image_options(known, stack=False)
        for layer in self._layers.values():
            layer.units, layer.scale = options["units"], options["scale"]
        return True

    def _take_away(self, name: str) -> None:
        """Let nothing be seen that is older than the rest of the picture."""
        if name in self.expected:
            self._waiting.add(name)
            self._layers[name].visible = False
            return
        self._waiting.discard(name)
        layer = self._layers.pop(name)
        if layer in self._viewer.layers:
            self._viewer.layers.remove(layer)

    def _put(self, name: str, image: NDArray[Any], picture: Picture) -> None:
        layer = self._layers.get(name)
        if layer is None:
            layer = self._layers[name] = self._new_layer(name, image, picture)
        else:
            self._fill(name, layer, image, picture)
        if name in self._waiting:
            self._waiting.discard(name)
            layer.visible = True
        title = self._title(name, picture)
        if layer.name != title:
            layer.name = title
        limits = picture.limits.get(name)
        if limits is not None:
            layer.contrast_limits = limits

    def _fill(self, name: str, layer: Image, image: NDArray[Any], picture: Picture) -> None:
        array, place = layer.data, _place(name, picture, layer)
        if array.shape != image.shape or array.dtype != image.dtype:
            layer.translate = place
            layer.data = image.copy()
            return
        if tuple(layer.translate) != place:
            layer.translate = place
        if self._filled.get(name) is not image:  # a restoration may stay for many frames
            np.copyto(array, image)
            self.refresh(layer)
        self._filled[name] = image

    def _new_layer(self, name: str, image: NDArray[Any], picture: Picture) -> Image:
        options = image_options(picture.view.raw.acquisition, stack=False)
        chosen = self._viewer.layers.selection.active
        limits = picture.limits.get(name)
        layer: Image = self._viewer.add_image(
            image.copy(),
            **{**options, "name": self._title(name, picture)},
            contrast_limits=limits or contrast_limits(image),
        )
        layer.translate = _place(name, picture, layer)
        layer.events.contrast_limits.connect(self._heard_contrast)
        self._move_into_order(name, layer)
        if chosen is not None and chosen not in self._layers.values():
            self._viewer.layers.selection.active = chosen
        if len(self._layers) == 1:
            self._viewer.reset_view()
        return layer

    def _move_into_order(self, name: str, layer: Image) -> None:
        """Put a new layer below those that belong over it."""
        over = [self._layers[n] for n in _ORDER[_ORDER.index(name) + 1 :] if n in self._layers]
        places = [self._viewer.layers.index(other) for other in over if other in self._viewer.layers]
        if places:
            self._viewer.layers.move(self._viewer.layers.index(layer), min(places))

    def _title(self, name: str, picture: Picture) -> str:
        source = f"{picture.view.raw.acquisition.name} · live"
        return {
            RAW: source,
            RESTORED: f"{source} · {picture.view.settings.model}",
            TRUTH: f"{source} · ground truth",
        }[name]

    def _describe(self) -> None:
        """Let the layers carry the record of the frame that they show."""
        self._described_s = time.perf_counter()
        if self._shown is None:
            return
        view = self._shown.view
        for name, layer in self._layers.items():
            of, made_by = view.raw, None
            if name == RESTORED and view.restored is not None:
                of, made_by = view.restored_raw or view.raw, view.restored.provenance
            # docks that compare and restore leave layers alone that change all the time
            layer.metadata = metadata(
                of.acquisition, made_by, preview=True, frame=of.index, **{MADE_HERE: "live"}
            )

    def _heard_removed(self, event: Any) -> None:
        # the viewer outlives the dock
        if not is_alive(self) or self._is_busy:
            return
        gone = [name for name, layer in self._layers.items() if layer == event.value]
        for name in gone:
            del self._layers[name]
            self._waiting.discard(name)
            self.removed.emit(event.value.name)

    def _heard_contrast(self, event: Any) -> None:
        if is_alive(self) and not self._is_busy:
            self.contrast_set.emit()


def _place(name: str, picture: Picture, layer: Image) -> tuple[float, ...]:
    """Return where the first pixel of an image lies: a region stays where it is in the frame.

    A restoration of an earlier frame lies where the alignment finds what it shows in the newest.
    """
    view = picture.view
    top, left = (0, 0) if view.settings.roi is None else view.settings.roi[:2]
    dy, dx = view.restored_at_px if name == RESTORED else (0.0, 0.0)
    return tuple(float(o * s) for o, s in zip((top + dy, left + dx), layer.scale, strict=True))
