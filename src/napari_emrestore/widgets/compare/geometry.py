"""Where the pixels of layers lie, in nm where units allow, and which of them are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.core import InputError
from napari_emrestore.pipeline.comparison.fields import Place
from napari_emrestore.widgets.layers import pixel_size_nm

if TYPE_CHECKING:
    from napari.layers import Layer
    from napari.viewer import Viewer
    from numpy.typing import NDArray

_ON_GRID = 1e-4


def plane_of(layer: Layer) -> NDArray[np.float64]:
    """Return the 3 × 3 matrix from pixels ``(y, x, 1)`` of a layer to the world, in nm if its units allow."""
    origin = np.zeros(layer.ndim)
    size = pixel_size_nm(layer)
    factor = np.ones(2) if size is None else np.array(size) / np.asarray(layer.scale)[-2:]

    def to_world(step: tuple[float, float]) -> NDArray[np.float64]:
        point = origin.copy()
        point[-2:] = step
        return np.asarray(layer.data_to_world(point), float)[-2:] * factor

    matrix = np.eye(3)
    matrix[:2, 2] = to_world((0, 0))
    matrix[:2, 0], matrix[:2, 1] = to_world((1, 0)) - matrix[:2, 2], to_world((0, 1)) - matrix[:2, 2]
    return matrix


def place_in(layer: Layer, first: NDArray[np.float64], first_name: str) -> Place:
    """Return where a layer lies in the pixels of another.

    Parameters
    ----------
    layer : Layer
        Image or labels.
    first : ndarray, shape (3, 3)
        `plane_of` the other.
    first_name : str
        For messages.

    Raises
    ------
    InputError
        If it is rotated or sheared against the other.
    """
    matrix = inverse(first) @ plane_of(layer)
    height, width = pixels_of(layer).shape[-2:]
    scale = float(np.hypot(*matrix[:2, 0])), float(np.hypot(*matrix[:2, 1]))
    if abs(matrix[0, 1]) > _ON_GRID * scale[1] or abs(matrix[1, 0]) > _ON_GRID * scale[0]:
        raise InputError(
            "Images that are compared must lie alike",
            item=layer.name,
            came=f"is rotated or sheared against {first_name}",
            remedy="Resample it first, or untick it.",
        )
    return Place((int(height), int(width)), scale, (float(matrix[0, 2]), float(matrix[1, 2])))


def inverse(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the way back."""
    return np.asarray(np.linalg.inv(matrix), np.float64)


def pixels_of(layer: Layer) -> Any:
    """Return the pixels of a layer, of a pyramid the finest."""
    return layer.data[0] if layer.multiscale else layer.data


def current_position(layer: Layer, viewer: Viewer) -> tuple[int, ...]:
    """Return where on its axes before ``(Y, X)`` a layer is shown.

    Raises
    ------
    InputError
        If it shows nothing at the slider's place.
    """
    leading = layer.ndim - 2
    if leading == 0:
        return ()
    place = layer.world_to_data(np.asarray(viewer.dims.point)[-layer.ndim :])[:leading]
    found = tuple(round(float(value)) for value in place)
    if all(0 <= k < n for k, n in zip(found, pixels_of(layer).shape, strict=False)):
        return found
    raise InputError(
        "Compared layers must show something at the slider's place",
        item=layer.name,
        came="shows nothing there",
        remedy="Move the slider, or untick the layer.",
    )
