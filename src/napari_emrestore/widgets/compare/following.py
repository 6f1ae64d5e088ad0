"""Links to events of a viewer that outlives the dock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_emrestore.widgets.compare.viewing import camera_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.viewer import Viewer


class Following:
    """Callbacks on a viewer and the names of its layers, until `close`.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        What is followed.
    layers_changed : callable
        Called when layers come, go, move or are renamed.
    layer_removed : callable
        Called with a layer that went, before that.
    slice_changed, camera_changed, theme_changed : callable
        Called when the slider, the camera or the theme of napari moves.
    """

    def __init__(
        self,
        viewer: Viewer,
        *,
        layers_changed: Callable[[], None],
        layer_removed: Callable[[Any], None],
        slice_changed: Callable[[], None],
        camera_changed: Callable[[], None],
        theme_changed: Callable[[], None],
    ) -> None:
        self._links: list[tuple[Any, Callable[..., None]]] = []
        self._layers_changed, self._layer_removed = layers_changed, layer_removed
        layers, dims, camera = viewer.layers.events, viewer.dims.events, camera_of(viewer).events
        self._link(layers.inserted, self._inserted)
        self._link(layers.removed, self._removed)
        self._link(layers.reordered, self._renamed)
        for emitter in (dims.current_step, dims.ndisplay, dims.order):
            self._link(emitter, lambda event=None: slice_changed())
        for emitter in (camera.center, camera.zoom):
            self._link(emitter, lambda event=None: camera_changed())
        self._link(viewer.events.theme, lambda event=None: theme_changed())
        for layer in viewer.layers:
            self._link(layer.events.name, self._renamed)

    def close(self) -> None:
        """Take all callbacks back."""
        for emitter, callback in self._links:
            emitter.disconnect(callback)
        self._links = []

    def _link(self, emitter: Any, callback: Callable[..., None]) -> None:
        emitter.connect(callback)
        self._links.append((emitter, callback))

    def _inserted(self, event: Any) -> None:
        self._link(event.value.events.name, self._renamed)
        self._layers_changed()

    def _removed(self, event: Any) -> None:
        self._layer_removed(event.value)
        self._layers_changed()

    def _renamed(self, event: Any = None) -> None:
        self._layers_changed()
