"""What is drawn in Shapes and Labels layers, as regions and a line of the compared field."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels

from napari_emrestore.core import InputError
from napari_emrestore.pipeline.comparison.candidates import Region, label_regions, polygon
from napari_emrestore.pipeline.comparison.fields import Place, shared_field
from napari_emrestore.widgets.compare.geometry import (
    current_position,
    inverse,
    pixels_of,
    place_in,
    plane_of,
)

if TYPE_CHECKING:
    from napari.layers import Layer, Shapes
    from napari.viewer import Viewer
    from numpy.typing import NDArray

_ELLIPSE_CORNERS = 64


def read_regions(
    layer: Layer | None, to_field: NDArray[np.float64], shape: tuple[int, int], viewer: Viewer
) -> tuple[list[Region], dict[str, int]]:
    """Return the regions that a layer shows now, and the row of each in its features.

    Parameters
    ----------
    layer : Shapes or Labels, optional
        None gives none.
    to_field : ndarray, shape (3, 3)
        From the world to pixels of the compared field.
    shape : tuple of int
        ``(Y, X)`` of the field.
    viewer : Viewer
        Says which slice is shown.

    Raises
    ------
    InputError
        If labels do not lie on the pixels of the field.
    """
    if layer is None:
        return [], {}
    if isinstance(layer, Labels):
        return _read_labels(layer, to_field, shape, viewer)
    regions, rows = [], {}
    matrix = to_field @ plane_of(layer)
    for position, (kind, corners) in enumerate(zip(layer.shape_type, layer.data, strict=True)):
        if kind in ("line", "path") or not _in_slice(layer, corners, viewer):
            continue
        outline = _ellipse(corners[:, -2:]) if kind == "ellipse" else corners[:, -2:]
        try:
            region = polygon(f"shape {position + 1}", shape, _mapped(matrix, outline))
        except InputError:  # drawn beside the images: no numbers, and the table of features says none
            continue
        regions.append(region)
        rows[region.name] = position
    return regions, rows


def _read_labels(
    layer: Labels, to_field: NDArray[np.float64], shape: tuple[int, int], viewer: Viewer
) -> tuple[list[Region], dict[str, int]]:
    """Return the labels that lie on the pixels of the field."""
    place = place_in(layer, inverse(to_field), "the compared images")
    area = shared_field({"the compared images": Place(shape), layer.name: place})
    inside, own = area["the compared images"], area[layer.name]
    labels = np.zeros(shape, int)
    labels[inside.slices] = np.asarray(pixels_of(layer)[(*current_position(layer, viewer), *own.slices)])
    regions = label_regions(labels)
    return regions, {region.name: int(region.name.removeprefix("label ")) for region in regions}


def read_label_image(
    layer: Labels, to_field: NDArray[np.float64], shape: tuple[int, int], viewer: Viewer
) -> Any:
    """Return the labels ``(Y, X)`` that a layer shows now of the whole field, as lazy as in the layer.

    Raises
    ------
    InputError
        If they do not lie on the pixels of the field, or do not cover it.
    """
    place = place_in(layer, inverse(to_field), "the compared images")
    area = shared_field({"the compared images": Place(shape), layer.name: place})
    if area["the compared images"].shape != shape:
        raise InputError(
            "Labels that are compared cover the whole field of the images",
            item=layer.name,
            came="leaves out a part of it",
        )
    return pixels_of(layer)[(*current_position(layer, viewer), *area[layer.name].slices)]


def _in_slice(layer: Shapes, corners: NDArray[Any], viewer: Viewer) -> bool:
    leading = layer.ndim - 2
    if leading == 0:
        return True
    place = np.asarray(layer.world_to_data(np.asarray(viewer.dims.point)[-layer.ndim :]))[:leading]
    return bool((np.rint(corners[:, :leading]) == np.rint(place)).all())


def _ellipse(corners: NDArray[Any]) -> NDArray[np.float64]:
    """Return a polygon for an ellipse, which napari keeps as the corners of its box."""
    centre = corners.mean(axis=0)
    angles = np.linspace(0, 2 * np.pi, _ELLIPSE_CORNERS, endpoint=False)[:, None]
    one, two = (corners[1] - corners[0]) / 2, (corners[2] - corners[1]) / 2
    return np.asarray(centre + np.cos(angles) * one + np.sin(angles) * two)


def _mapped(matrix: NDArray[np.float64], points: NDArray[Any]) -> NDArray[np.float64]:
    return np.asarray(points, float) @ matrix[:2, :2].T + matrix[:2, 2]


def read_line(
    layer: Shapes, to_field: NDArray[np.float64]
) -> tuple[tuple[float, float], tuple[float, float]] | None:
    """Return the selected line of a layer, or else the last one that was drawn."""
    lines = [k for k, kind in enumerate(layer.shape_type) if kind in ("line", "path")]
    if not lines:
        return None
    chosen = next((k for k in lines if k in layer.selected_data), lines[-1])
    ends = _mapped(to_field @ plane_of(layer), layer.data[chosen][[0, -1], -2:])
    return (float(ends[0, 0]), float(ends[0, 1])), (float(ends[1, 0]), float(ends[1, 1]))
