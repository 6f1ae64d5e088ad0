"""What a job needs of the viewer, taken on the main thread: frames, place, settings."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_emrestore.io import FrameStack
from napari_emrestore.widgets.layers import read_frames

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from napari.layers import Image
    from napari.viewer import Viewer

    from napari_emrestore.pipeline import RunSettings
    from napari_emrestore.widgets.preferences import Preferences
    from napari_emrestore.widgets.restore.state import RestoreState


@dataclass(frozen=True, slots=True, eq=False)
class Order:
    """One input with its settings.

    Attributes
    ----------
    source : Image
        The input layer; for the main thread only.
    stack : FrameStack
        Its frames.
    settings : RunSettings
        What to do.
    truth : array, optional
        Ground truth ``(N, Y, X)``.
    current : int
        Input frame that the viewer shows.
    version : int
        Number of the input; a layer whose pixels change is another input.
    """

    source: Image
    stack: FrameStack
    settings: RunSettings
    truth: Any | None
    current: int
    version: int

    @property
    def name(self) -> str:
        """Name of the result."""
        return f"{self.source.name} · {self.settings.model}"

    @property
    def error_name(self) -> str:
        """Name of the expected error of the result."""
        return f"{self.name} · expected error"


def autosave_path(order: Order, preferences: Preferences) -> str:
    """Return the free name under which a result is saved at once; empty if that is not wanted."""
    if not preferences.autosave:
        return ""
    source = Path(order.settings.input)
    beside = source.parent if source.is_file() else Path.home()
    folder = Path(preferences.autosave_folder).expanduser() if preferences.autosave_folder else beside
    stem = re.sub(r"[^\w.-]+", "_", f"{order.source.name}_{order.settings.model}")
    names = (f"{stem}{number}.ome.tif" for number in chain([""], (f"_{k}" for k in count(2))))
    return str(next(path for path in (folder / name for name in names) if not path.exists()))


class LayerWatch:
    """Hears of changes of one layer at a time.

    Parameters
    ----------
    callbacks : mapping of str to callable
        Name of a layer's event to what is called with it.
    """

    def __init__(self, callbacks: Mapping[str, Callable[[Any], None]]) -> None:
        self._callbacks = callbacks
        self._layer: Image | None = None

    def follow(self, layer: Image | None) -> None:
        """Hear of this layer, and no more of the former one."""
        self.end()
        self._layer = layer
        if layer is not None:
            for name, callback in self._callbacks.items():
                getattr(layer.events, name).connect(callback)

    def end(self) -> None:
        """Hear of nothing any more."""
        if self._layer is not None:
            for name, callback in self._callbacks.items():
                getattr(self._layer.events, name).disconnect(callback)
        self._layer = None


def take_order(
    viewer: Viewer, source: Image, truth: Image | None, state: RestoreState, version: int = 0
) -> Order:
    """Return the order that the state of the dock makes of a layer.

    Raises
    ------
    InputError
        If a layer is no grey image.
    """
    place = _position(viewer, source)
    frames = read_frames(source, frame_axis=state.frame_axis, at=place[:-3])
    stack = FrameStack.from_array(frames.data, frames.acquisition)
    # a file is named only where the layer holds all of it
    name = frames.acquisition.path if source.ndim <= 3 and frames.acquisition.path else source.name
    current = min(max(place[-3], 0), len(stack) - 1) if frames.is_stack else 0
    known = None if truth is None else read_frames(truth, at=_position(viewer, truth)[:-3]).data
    return Order(source, stack, state.settings(name), known, current, version)


def _position(viewer: Viewer, layer: Image) -> list[int]:
    """Return the pixel of a layer at the viewer's current point."""
    point = viewer.dims.point[-layer.ndim :]
    return [round(float(value)) for value in layer.world_to_data(point)]
