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
    rectangle,
)
from napari_emrestore.pipeline.comparison.fields import shared_field
from napari_emrestore.pipeline.comparison.segmentations import LabelImage
from napari_emrestore.widgets.compare.drawings import read_label_image, read_line, read_regions
from napari_emrestore.widgets.compare.geometry import current_position, inverse, pixels_of, place_in, plane_of
from napari_emrestore.widgets.layers import METADATA_KEY, pixel_size_nm, provenance_of, visible_field

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from napari.layers import Layer
    from napari.viewer import Viewer
    from numpy.typing import NDArray

    from napari_emrestore.restoration.plan import Rect
    from napari_emrestore.widgets.compare.state import CompareState

BAKED = "bake_off"  # under the same key: layers of a small box
MADE_HERE = "comparison"  # under our key of a layer's metadata: maps and swipes, which are never candidates


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
class LabelSource:
    """The labels of a layer within the shared field, still as lazy as in the layer."""

    name: str
    pixels: Any

    def load(self) -> LabelImage:
        """Return the labels in memory; may take long."""
        return LabelImage(self.name, np.asarray(self.pixels))


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
    true_regions : LabelSource, optional
        What segmentations should find.
    given_labels : tuple of LabelSource
        Labels made elsewhere.
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
    true_regions: LabelSource | None = None
    given_labels: tuple[LabelSource, ...] = ()


def take_snapshot(viewer: Viewer, state: CompareState, *, labels: bool = False) -> Snapshot:
    """Return what the layers hold now, with `labels` those of segmentations too; computes no pixel.

    Raises
    ------
    InputError
        If layers do not lie on one grid, show nothing at this slice, or the view is not of ``(Y, X)``.
    """
    _check_view(viewer)
    layers = [*state.candidates, *([state.truth] if state.truth is not None else [])]
    layers = list(dict.fromkeys(layers))
    first = plane_of(layers[0])
    areas = shared_field({layer.name: place_in(layer, first, layers[0].name) for layer in layers})
    area = areas[layers[0].name]
    to_field = _moved(inverse(first), -area.y0, -area.x0)
    regions, rows = read_regions(state.regions, to_field, area.shape, viewer)

    def read_labels(layer: Labels) -> LabelSource:
        return LabelSource(layer.name, read_label_image(layer, to_field, area.shape, viewer))

    true_regions = state.true_regions if labels and isinstance(state.true_regions, Labels) else None
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
        None if state.line is None else read_line(state.line, to_field),
        None if true_regions is None else read_labels(true_regions),
        tuple(read_labels(layer) for layer in (state.given_labels if labels else ())),
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


def _is_baked(layer: Layer) -> bool:
    return bool(layer.metadata.get(METADATA_KEY, {}).get(BAKED, False))


def _source(layer: Layer, area: Rect, viewer: Viewer) -> Source:
    record = provenance_of(layer)
    pixels = pixels_of(layer)[(*current_position(layer, viewer), *area.slices)]
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


def _fits(layer: Layer, other: Layer) -> bool:
    try:
        shared_field(
            {"other": place_in(other, plane_of(other), ""), "it": place_in(layer, plane_of(other), "")}
        )
    except InputError:
        return False
    return True


def _moved(matrix: NDArray[np.float64], y: float, x: float) -> NDArray[np.float64]:
    shift = np.eye(3)
    shift[:2, 2] = y, x
    return shift @ matrix


def _visible(layer: Layer, area: Rect) -> Region | None:
    """Return the part of the shared field that the canvas shows; None if it looks elsewhere."""
    top, bottom, left, right = visible_field(layer)
    rows, columns = (top - area.y0, bottom - 1 - area.y0), (left - area.x0, right - 1 - area.x0)
    try:
        return rectangle(VISIBLE, area.shape, rows, columns)
    except InputError:
        return None
