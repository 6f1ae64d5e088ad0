"""Image layers as overviews: their levels at the slider's place, their grid, and what recognises them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image

from napari_emrestore.core import InputError
from napari_emrestore.overview.regions import Overview
from napari_emrestore.widgets.compare.geometry import current_position, plane_of
from napari_emrestore.widgets.layers import known_acquisition, pixel_size_nm, provenance_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.viewer import Viewer

_SAMPLES = 5  # in y and in x
_SAMPLE_PX = 32
_SAME_PLACE = 1e-6
_NAMES = {
    "truth": ("truth",),
    "frame_count": ("frame count", "frames"),
    "registration": ("residual", "registration"),
    "confidence": ("confidence",),
}
_ALL_NAMES = (*(word for words in _NAMES.values() for word in words), "coverage")


def levels_of(layer: Image, viewer: Viewer) -> list[Any]:
    """Return the levels ``(Y, X)`` of an image layer at the slider's place, finest first; nothing is read.

    Raises
    ------
    InputError
        If the layer is of colour, has one axis only, or shows nothing at the slider's place.
    """
    levels = list(layer.data) if layer.multiscale else [layer.data]
    if layer.rgb or levels[0].ndim < 2 or np.dtype(levels[0].dtype).kind not in "buif":
        raise InputError(
            "Regions lie on a grey image of two axes or more",
            item=f"layer {layer.name!r}",
            came="is in colour" if layer.rgb else f"has shape {levels[0].shape} and type {levels[0].dtype}",
            remedy="Split its channels, and pick one." if layer.rgb else "",
        )
    place = current_position(layer, viewer)
    return [level[place] if place else level for level in levels]


def raw_pixels(layer: Image | None, viewer: Viewer) -> Any:
    """Return the finest pixels ``(Y, X)`` of an overview that no model has made.

    Raises
    ------
    InputError
        If there is no layer, or it was restored.
    """
    made = None if layer is None else provenance_of(layer)
    if layer is None or (made is not None and made.model):
        raise InputError(
            "A raw overview is needed",
            item="" if layer is None else f"layer {layer.name!r}",
            came="none is picked"
            if layer is None
            else "may show what the microscope does not: it is restored",
            remedy="Pick the raw image as the overview.",
        )
    return levels_of(layer, viewer)[0]


def overview_of(layer: Image) -> Overview:
    """Return what a layer is as an overview, without the hash of its pixels."""
    finest = layer.data[0] if layer.multiscale else layer.data
    known = known_acquisition(layer)
    size = pixel_size_nm(layer)
    return Overview(
        layer.name,
        (int(finest.shape[-2]), int(finest.shape[-1])),
        size,
        known.path or str(layer.source.path or ""),
        to_world=tuple(tuple(float(v) for v in row) for row in plane_of(layer)),
        world_unit="pixel" if size is None else "nm",
    )


def fits(layer: Image, overview: Image) -> bool:
    """Return whether a layer has the pixels of an overview, one by one."""
    shapes = [(one.data[0] if one.multiscale else one.data).shape[-2:] for one in (layer, overview)]
    return shapes[0] == shapes[1] and np.allclose(plane_of(layer), plane_of(overview), rtol=_SAME_PLACE)


def fingerprint(levels: Sequence[Any]) -> str:
    """Return a hash of shape, type and 25 small pieces of an overview: quick, whatever its size."""
    finest = levels[0]
    total = hashlib.sha256(f"{tuple(finest.shape)} {np.dtype(finest.dtype).str}".encode())
    rows, columns = (
        np.linspace(0, max(length - _SAMPLE_PX, 0), _SAMPLES).astype(int).tolist() for length in finest.shape
    )
    for y in rows:
        for x in columns:
            piece = np.asarray(finest[y : y + _SAMPLE_PX, x : x + _SAMPLE_PX])
            total.update(np.ascontiguousarray(piece).tobytes())
    return total.hexdigest()


def first_overview(viewer: Viewer) -> Image | None:
    """Return the image to begin with: the active one or the lowest, but none made from another one here."""
    images = [layer for layer in viewer.layers if isinstance(layer, Image) and not layer.rgb]
    own = [one for one in images if not any(_made_from(one, other) for other in images)]
    active = viewer.layers.selection.active
    return active if active in own else next(iter(own), None)


def guess(field: str, viewer: Viewer, overview: Image) -> Image | None:
    """Return the layer that is likely meant for a field of the state, by its name and pixels."""
    others = [one for one in viewer.layers if isinstance(one, Image) and one != overview and not one.rgb]
    for layer in reversed(others):
        name = layer.name.lower().removeprefix(overview.name.lower())
        if field == "restored":
            named = _made_from(layer, overview) and not any(w in name for w in _ALL_NAMES)
        else:
            named = any(word in name for word in _NAMES[field])
        if named and fits(layer, overview):
            return layer
    return None


def _made_from(layer: Image, source: Image) -> bool:
    return provenance_of(layer) is not None and layer.name.startswith(f"{source.name} · ")
