"""Ways of looking at candidates: linked grid, blink, raw while a key is held; all leave napari as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.layers import Layer
    from napari.viewer import Viewer

    from napari_emrestore.widgets.compare.state import ViewMode

_FILLED = 0.92  # of a cell, in the narrower direction
_GRID_FIELDS = ("enabled", "stride", "shape", "spacing")


class Views:
    """Shows some layers and hides others, and gives back what it found.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Whose layers are shown.
    """

    def __init__(self, viewer: Viewer) -> None:
        self._viewer = viewer
        self._mode: ViewMode = "layers"
        self._shown: dict[Layer, bool] = {}
        self._named: dict[Layer, bool] = {}
        self._grid: dict[str, Any] = {}
        self._held: dict[Layer, bool] = {}
        self._limits: dict[Layer, Any] = {}

    def enter(
        self, mode: ViewMode, layers: Sequence[Layer], place: int = 0, like: Layer | None = None
    ) -> None:
        """Look at some layers in a mode; ``"layers"`` goes back to what was before any other.

        Parameters
        ----------
        mode : {"layers", "grid", "blink", "swipe"}
            Grid shows all in linked views, blink the one at `place`, swipe all on top of each other.
        layers : sequence of Layer
            What is looked at, in order.
        place : int
            For blink; counted round and round.
        like : Layer, optional
            Whose contrast limits all get meanwhile, so that brightness can be compared; ``None`` for each
            its own.
        """
        if mode == "layers" or not layers:
            self.leave()
            return
        if self._mode == "layers":
            self._shown = {layer: layer.visible for layer in self._viewer.layers}
        if mode != "grid":
            self._leave_grid()
        self._mode = mode
        only = [layers[place % len(layers)]] if mode == "blink" else list(layers)
        self._show_only(only, keep_others=mode != "grid")
        if mode == "grid":
            self._enter_grid(layers)
        self.give_back_limits()
        if like is not None:
            self._limits = {layer: layer.contrast_limits for layer in layers if layer != like}
            for layer in self._limits:
                layer.contrast_limits = like.contrast_limits

    def leave(self) -> None:
        """Give back what was visible, the contrast limits, and the grid."""
        self.give_back_limits()
        self._leave_grid()
        self._restore(self._shown)
        self._shown, self._mode = {}, "layers"

    def hold(self, layer: Layer) -> None:
        """Show one layer alone until `release`."""
        if self._held or layer not in self._viewer.layers:
            return
        self._held = {other: other.visible for other in self._viewer.layers}
        self._show_only([layer], keep_others=True)

    def release(self) -> None:
        """Show again what `hold` hid."""
        self._restore(self._held)
        self._held = {}

    def _show_only(self, layers: Sequence[Layer], *, keep_others: bool) -> None:
        """Show these images only; shapes, labels and points stay as they are if `keep_others`."""
        for layer in self._viewer.layers:
            if layer in layers:
                layer.visible = True
            elif isinstance(layer, Image) or not keep_others:
                layer.visible = False

    def _restore(self, shown: dict[Layer, bool]) -> None:
        for layer, visible in shown.items():
            if layer in self._viewer.layers:
                layer.visible = visible

    def give_back_limits(self) -> None:
        """Give all layers their own contrast limits again."""
        for layer, limits in self._limits.items():
            layer.contrast_limits = limits
        self._limits = {}

    def _enter_grid(self, layers: Sequence[Layer]) -> None:
        grid = grid_of(self._viewer)
        if not self._grid:
            self._grid = {name: getattr(grid, name) for name in _GRID_FIELDS}
        for layer in layers:
            self._named.setdefault(layer, layer.name_overlay.visible)
            layer.name_overlay.visible = True
        grid.stride, grid.shape = 1, (-1, -1)
        grid.enabled = True

    def _leave_grid(self) -> None:
        for layer, visible in self._named.items():
            layer.name_overlay.visible = visible
        for name, value in self._grid.items():
            setattr(grid_of(self._viewer), name, value)
        self._named, self._grid = {}, {}


def frame(viewer: Viewer, layer: Layer) -> None:
    """Put a layer into the middle of the view (or of its cell of the grid), as large as it fits."""
    camera, canvas = camera_of(viewer), getattr(viewer, "canvas", None)
    low, high = np.asarray(layer.extent.world)[:, -2:]
    camera.center = (0.0, *((low + high) / 2))
    if canvas is None:  # before napari 0.9 no plugin can tell the size of the canvas
        return
    cells = canvas.grid.actual_shape(viewer.layers)
    camera.zoom = _FILLED * float((np.array(canvas.size) / cells / np.maximum(high - low, 1e-9)).min())


def camera_of(viewer: Viewer) -> Any:
    """Return the camera of a viewer, which moved in napari 0.9."""
    return viewer.scene.camera if hasattr(viewer, "scene") else viewer.camera


def grid_of(viewer: Viewer) -> Any:
    """Return the grid of a viewer, which moved in napari 0.9."""
    return viewer.canvas.grid if hasattr(viewer, "canvas") else viewer.grid
