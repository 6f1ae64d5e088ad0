"""The layers of an overview while it grows: where a running scan has been, then the tiles of its mosaic."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from napari_emrestore.widgets.hooks.mosaics import mosaic_layers
from napari_emrestore.widgets.layers import contrast_limits, image_options

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    import napari.viewer
    from napari.layers import Image

    from napari_emrestore.overview import Mosaic
    from napari_emrestore.overview.sketching import Sketch


class GrowingLayers:
    """Layers that are there before the overview is, and give way to it.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Where they go.
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        self._viewer = viewer
        self._sketch: Image | None = None
        self._tiles: list[Image] = []
        self._path: Path | None = None
        self._fitted: tuple[Any, ...] = ()

    def show_sketch(self, sketch: Sketch) -> None:
        """Show where a running scan has been so far."""
        options = _placed(sketch)
        layer = self._sketch
        if layer is None or layer not in self._viewer.layers:
            self._sketch = self._viewer.add_image(sketch.image, **options)
            self._fit()
            return
        grown = layer.data.shape != sketch.image.shape
        layer.data = sketch.image
        layer.scale, layer.translate = options["scale"], options["translate"]
        layer.contrast_limits = options["contrast_limits"]
        if grown and self._fitted == self._look():  # unless a person has moved it since
            self._fit()

    def show_tiles(self, mosaic: Mosaic) -> bool:
        """Show a mosaic that is being made; return whether it took the place of a sketch."""
        replaced = self._drop_sketch()
        if self._path == mosaic.path and all(layer in self._viewer.layers for layer in self._tiles):
            return replaced  # the layers of a run that was stopped go on growing
        self._tiles, self._path = [], mosaic.path
        for data, options, _ in mosaic_layers(mosaic.path):
            # what napari remembers of a lazy array would never grow
            self._tiles.append(self._viewer.add_image(data, **{**options, "cache": False}))
        self._viewer.reset_view()
        return replaced

    def refresh(self) -> None:
        """Read the tiles anew that are shown, and fit the contrast to what is there."""
        for layer in self._tiles:
            if layer in self._viewer.layers and layer.visible:
                layer.refresh()
                layer.contrast_limits = contrast_limits(layer.data[-1] if layer.multiscale else layer.data)

    def replace(self, mosaic: Mosaic) -> None:
        """Show the finished mosaic with what made it, in place of everything that grew."""
        shown = {layer.name: layer.visible for layer in self._tiles if layer in self._viewer.layers}
        self._drop_sketch()
        for layer in self._tiles:
            if layer in self._viewer.layers:
                self._viewer.layers.remove(layer)
        self._tiles, self._path = [], None
        for data, options, _ in mosaic_layers(mosaic.path):
            visible = shown.get(options["name"], options["visible"])
            self._viewer.add_image(data, **{**options, "visible": visible})
        self._viewer.reset_view()

    def _drop_sketch(self) -> bool:
        layer, self._sketch = self._sketch, None
        if layer is None or layer not in self._viewer.layers:
            return False
        self._viewer.layers.remove(layer)
        return True

    def _fit(self) -> None:
        self._viewer.reset_view()
        self._fitted = self._look()

    def _look(self) -> tuple[Any, ...]:
        return self._viewer.camera.zoom, tuple(self._viewer.camera.center)


def _placed(sketch: Sketch) -> dict[str, Any]:
    """Return the options of the sketch's layer: the first frame of the scan lies at the origin."""
    known, size = sketch.acquisition, sketch.acquisition.pixel_size_nm
    larger = None if size is None else (size[0] * sketch.step_px, size[1] * sketch.step_px)
    options = image_options(replace(known, pixel_size_nm=larger), stack=False)
    pixel = (1.0, 1.0) if size is None else size
    return {
        **options,
        "name": f"{known.name} · provisional",
        "scale": tuple(side * sketch.step_px for side in pixel),
        "translate": tuple(at * side for at, side in zip(sketch.corner_px, pixel, strict=True)),
        "contrast_limits": contrast_limits(sketch.image),
    }
