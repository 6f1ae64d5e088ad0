"""Runs with settings that are known already: of an exported script, or of a layer's record."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from napari.layers import Image

from napari_emrestore.core import InputError
from napari_emrestore.io import FrameStack
from napari_emrestore.widgets.hooks.background import start
from napari_emrestore.widgets.layers import add_result, frame_steps, read_frames, show_frame

if TYPE_CHECKING:
    from typing import Any

    from napari.layers import Layer
    from napari.viewer import Viewer

    from napari_emrestore.core import Monitor
    from napari_emrestore.pipeline import Result, RunSettings
    from napari_emrestore.widgets.jobs import Jobs

PLUGIN = "napari-emrestore"


def run_in_viewer(viewer: Viewer, settings: RunSettings) -> Jobs:
    """Restore a file into a viewer, which opens it unless one of its layers shows it already.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Gets the input, if it is not there, and the result.
    settings : RunSettings
        Name the file; nothing is written.

    Raises
    ------
    InputError, FormatError
        If the file cannot be opened.
    """
    return run_on_layer(viewer, layer_of_file(viewer, settings.input), settings)


def layer_of_file(viewer: Viewer, path: str) -> Image:
    """Return the layer that shows a file; it is opened unless one does already.

    Raises
    ------
    InputError, FormatError
        If the file cannot be opened.
    """
    wanted = Path(path).expanduser().resolve()
    layer = next((layer for layer in viewer.layers if _shows(layer, wanted)), None)
    if layer is None:
        (layer,) = viewer.open(path, plugin=PLUGIN)
    if not isinstance(layer, Image):
        raise InputError("An image is restored", item=path, came="opened as another kind of layer")
    return layer


def run_on_layer(viewer: Viewer, layer: Image, settings: RunSettings) -> Jobs:
    """Restore a layer with known settings and add the result as ``<input> · <model>``.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Gets the result.
    layer : napari.layers.Image
        The input; it stays as it is.
    settings : RunSettings
        What to do; its `input` is only noted and nothing is written.
    """
    work = work_on_layer(layer, settings)
    name = f"{layer.name} · {settings.model}"
    return start(f"Restoring {layer.name}", work, lambda result: show_result(viewer, layer, result, name))


def work_on_layer(layer: Image, settings: RunSettings) -> Any:
    """Return the work ``monitor -> Result`` that restores a layer; call this on the main thread.

    Raises
    ------
    InputError
        If the layer is no grey image.
    """
    frames = read_frames(layer)
    stack = FrameStack.from_array(frames.data, frames.acquisition)

    def work(monitor: Monitor) -> Result:
        from napari_emrestore.pipeline import run_frames

        return run_frames(stack, replace(settings, output=None), monitor=monitor)

    return work


def show_result(viewer: Viewer, layer: Image, result: Result, name: str) -> Image:
    """Return the new layer with what a run made of a layer, in its place."""
    restored = result.restoration
    layer_of_result = add_result(
        viewer,
        restored.image,
        layer,
        name,
        provenance=restored.provenance,
        origin_px=restored.origin_px,
        **frame_steps([window.frames for window in result.windows]),
    )
    if len(result.windows) == 1:
        show_frame(viewer, layer, result.windows[0].reference)
    return layer_of_result


def _shows(layer: Layer, path: Path) -> bool:
    source = layer.source.path
    return isinstance(layer, Image) and bool(source) and Path(str(source)).resolve() == path
