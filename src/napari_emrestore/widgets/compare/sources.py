"""From layers to what can be compared: the pixels they share now, regions, the visible field, the line."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Labels

from napari_emrestore.core import InputError
from napari_emrestore.pipeline.comparison.candidates import (
    VISIBLE,
    Candidate,
    Region,
    label_regions,
    polygon,
    rectangle,
)
from napari_emrestore.pipeline.comparison.fields import Place, shared_field
from napari_emrestore.widgets.layers import METADATA_KEY, pixel_size_nm, provenance_of, visible_field

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from napari.layers import Layer, Shapes
    from napari.viewer import Viewer
    from numpy.typing import NDArray

    from napari_emrestore.restoration.plan import Rect
    from napari_emrestore.widgets.compare.state import CompareState

BAKED = "bake_off"  # under the same key: layers of a small box
MADE_HERE = "comparison"  # under our key of a layer's metadata: maps and swipes, which are never candidates
_ON_GRID = 1e-4
_ELLIPSE_CORNERS = 64


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """The pixels of a layer within the shared field, still as lazy as in the layer."""

    name: str
    pixels: Any
    seconds: float | None
    provenance: Mapping[str, Any]

    def load(self) -> Candidate:
        """Return the candidate with its pixels in memory; may take long."""
        return Candidate(self.name, np.asarray(self.pixels), self.seconds, self.provenance)


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """Everything that is compared, taken at one moment.

    Attributes
    ----------
    candidates, truth : Source
        Pixels of one shape.
    reference : str
        Name of the candidate that others are compared with where there is no truth.
    raw : str, optional
        Name of the unrestored candidate.
    areas : mapping of str to Rect
        The shared field in the pixels of each layer.
    pixel_size_nm : tuple of float, optional
        Of all.
    regions : tuple of Region
        In the shared field.
    feature_rows : mapping of str to int
        Row of each region in the features of its layer: position of a shape, value of a label.
    visible : Region, optional
        What the canvas shows of the field.
    line : tuple, optional
        Ends ``(y, x)`` of the line in the shared field.
    """

    candidates: tuple[Source, ...]
    truth: Source | None
    reference: str
    raw: str | None
    areas: Mapping[str, Rect]
    pixel_size_nm: tuple[float, float] | None
    regions: tuple[Region, ...] = ()
    feature_rows: Mapping[str, int] = field(default_factory=dict)
    visible: Region | None = None
    line: tuple[tuple[float, float], tuple[float, float]] | None = None


def take_snapshot(viewer: Viewer, state: CompareState) -> Snapshot:
    """Return what the layers hold now; computes no pixel.

    Raises
    ------
    InputError
        If layers do not lie on one grid, show nothing at this slice, or the view is not of ``(Y, X)``.
    """
    _check_view(viewer)
    layers = [*state.candidates, *([state.truth] if state.truth is not None else [])]
    layers = list(dict.fromkeys(layers))
    first = plane_of(layers[0])
    areas = shared_field({layer.name: _place(layer, first, layers[0].name) for layer in layers})
    area = areas[layers[0].name]
    to_field = _moved(_inverse(first), -area.y0, -area.x0)
    regions, rows = _read_regions(state.regions, to_field, area.shape, viewer)
    return Snapshot(
        tuple(_source(layer, areas[layer.name], viewer) for layer in state.candidates),
        None if state.truth is None else _source(state.truth, areas[state.truth.name], viewer),
        state.reference.name,
        state.raw.name if state.raw in state.candidates else None,
        areas,
        pixel_size_nm(layers[0]),
        tuple(regions),
        rows,
        _visible(layers[0], area),
        None if state.line is None else _read_line(state.line, to_field),
    )


def pick(layers: Sequence[Layer]) -> tuple[tuple[Any, ...], Any, Any]:
    """Return candidates, truth and raw layer for a layer list: restorations of ours and what fits them.

    The truth is the topmost image that is called so, the raw layer the lowest image that is neither a truth
    nor a restoration and lies on the grid of the first restoration. What a bake-off made is its own matter.
    """
    images = [layer for layer in layers if is_comparable(layer) and not _is_baked(layer)]
    truths = [layer for layer in images if is_truth(layer)]
    made = [layer for layer in images if provenance_of(layer) is not None]
    if not made:
        return (), truths[-1] if truths else None, None
    fitting = [layer for layer in images if _fits(layer, made[0])]
    raw = next((layer for layer in fitting if layer not in made and layer not in truths), None)
    truth = next((layer for layer in reversed(truths) if layer in fitting), None)
    candidates = [layer for layer in made if layer in fitting][-7:]
    return (*([raw] if raw is not None else []), *candidates), truth, raw


def is_comparable(layer: Layer) -> bool:
    """Return whether a layer is a grey image that was not made by this dock."""
    return (
        isinstance(layer, Image) and not layer.rgb and MADE_HERE not in layer.metadata.get(METADATA_KEY, {})
    )


def is_truth(layer: Layer) -> bool:
    """Return whether a layer is called a truth and is no restoration of one."""
    return "truth" in layer.name.lower() and provenance_of(layer) is None


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
    if all(0 <= k < n for k, n in zip(found, _data(layer).shape, strict=False)):
        return found
    raise InputError(
        "Compared layers must show something at the slider's place",
        item=layer.name,
        came="shows nothing there",
        remedy="Move the slider, or untick the layer.",
    )


def _is_baked(layer: Layer) -> bool:
    return bool(layer.metadata.get(METADATA_KEY, {}).get(BAKED, False))


def _data(layer: Layer) -> Any:
    return layer.data[0] if layer.multiscale else layer.data


def _source(layer: Layer, area: Rect, viewer: Viewer) -> Source:
    record = provenance_of(layer)
    pixels = _data(layer)[(*current_position(layer, viewer), *area.slices)]
    return Source(
        layer.name,
        pixels,
        None if record is None else record.seconds,
        {} if record is None else asdict(record),
    )


def _check_view(viewer: Viewer) -> None:
    dims = viewer.dims
    if dims.ndisplay != 2 or tuple(dims.displayed) != (dims.ndim - 2, dims.ndim - 1):
        raise InputError(
            "Images are compared as seen in (Y, X)",
            item="the viewer",
            came="shows other axes, or three dimensions",
            remedy="Switch back to the 2-D view of the last two axes.",
        )


def _place(layer: Layer, first: NDArray[np.float64], first_name: str) -> Place:
    """Return where a layer lies in the pixels of the first one."""
    matrix = _inverse(first) @ plane_of(layer)
    height, width = _data(layer).shape[-2:]
    scale = float(np.hypot(*matrix[:2, 0])), float(np.hypot(*matrix[:2, 1]))
    if abs(matrix[0, 1]) > _ON_GRID * scale[1] or abs(matrix[1, 0]) > _ON_GRID * scale[0]:
        raise InputError(
            "Images that are compared must lie alike",
            item=layer.name,
            came=f"is rotated or sheared against {first_name}",
            remedy="Resample it first, or untick it.",
        )
    return Place((int(height), int(width)), scale, (float(matrix[0, 2]), float(matrix[1, 2])))


def _fits(layer: Layer, other: Layer) -> bool:
    try:
        shared_field({"other": _place(other, plane_of(other), ""), "it": _place(layer, plane_of(other), "")})
    except InputError:
        return False
    return True


def _moved(matrix: NDArray[np.float64], y: float, x: float) -> NDArray[np.float64]:
    shift = np.eye(3)
    shift[:2, 2] = y, x
    return shift @ matrix


def _inverse(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.linalg.inv(matrix), np.float64)


def _visible(layer: Layer, area: Rect) -> Region | None:
    """Return the part of the shared field that the canvas shows; None if it looks elsewhere."""
    top, bottom, left, right = visible_field(layer)
    rows, columns = (top - area.y0, bottom - 1 - area.y0), (left - area.x0, right - 1 - area.x0)
    try:
        return rectangle(VISIBLE, area.shape, rows, columns)
    except InputError:
        return None


def _read_regions(
    layer: Layer | None, to_field: NDArray[np.float64], shape: tuple[int, int], viewer: Viewer
) -> tuple[list[Region], dict[str, int]]:
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
    place = _place(layer, _inverse(to_field), "the compared images")
    area = shared_field({"the compared images": Place(shape), layer.name: place})
    inside, own = area["the compared images"], area[layer.name]
    labels = np.zeros(shape, int)
    labels[inside.slices] = np.asarray(_data(layer)[(*current_position(layer, viewer), *own.slices)])
    regions = label_regions(labels)
    return regions, {region.name: int(region.name.removeprefix("label ")) for region in regions}


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


def _read_line(
    layer: Shapes, to_field: NDArray[np.float64]
) -> tuple[tuple[float, float], tuple[float, float]] | None:
    """Return the selected line of a layer, or else the last one that was drawn."""
    lines = [k for k, kind in enumerate(layer.shape_type) if kind in ("line", "path")]
    if not lines:
        return None
    chosen = next((k for k in lines if k in layer.selected_data), lines[-1])
    ends = _mapped(to_field @ plane_of(layer), layer.data[chosen][[0, -1], -2:])
    return (float(ends[0, 0]), float(ends[0, 1])), (float(ends[1, 0]), float(ends[1, 1]))
