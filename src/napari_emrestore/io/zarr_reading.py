"""OME-Zarr (0.1 to 0.5, full resolution) and plain Zarr arrays, version 2 and 3."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.core import Acquisition, FormatError
from napari_emrestore.io.axes import AxisView, plan_axes
from napari_emrestore.io.guarding import check_claim
from napari_emrestore.io.records import RECORD_KEY, Record, plain_name
from napari_emrestore.io.stack import StoredStack
from napari_emrestore.io.units import frame_axis, pixel_size_nm

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from napari_emrestore.io.axes import FrameAxes

_PLAIN_AXES = {2: "yx", 3: "nyx", 4: "mnyx", 5: "lmnyx"}
_OLD_OME_AXES = "tczyx"


@dataclass(frozen=True, slots=True)
class _Image:
    """An array in a Zarr folder, with its axes as far as the attributes tell."""

    array: Any
    names: tuple[str, ...]
    scale: tuple[float, ...] = ()
    units: tuple[str, ...] = ()
    name: str = ""
    smaller: tuple[Any, ...] = ()


def read(path: Path) -> StoredStack:
    """Return the full-resolution image of a Zarr folder."""
    import zarr

    node: Any = zarr.open(str(path), mode="r")
    image = _find_image(path, node)
    axes = plan_axes(path, image.names, image.array.shape)
    piece = int(np.prod(image.array.chunks)) * np.dtype(image.array.dtype).itemsize
    # absent chunks are legal and cost nothing on disk, so only the size of one chunk can be judged
    check_claim(path, piece, 1 << 20, f"chunks of {image.array.chunks}")
    view = AxisView(image.array, axes)
    record = Record.from_dict(node.attrs.get(RECORD_KEY))
    known = record.acquisition_at(path) if record else _acquisition(path, image, axes)
    copies = [(AxisView(array, axes), array.chunks) for array in image.smaller]
    smaller = tuple((copy, copy.tile(chunks)) for copy, chunks in copies)
    return StoredStack(view, known, view.tile(image.array.chunks), is_sparse=True, smaller=smaller)


def read_record(path: Path) -> Record | None:
    """Return the record that our writer left in a Zarr folder."""
    import zarr

    node: Any = zarr.open(str(path), mode="r")
    return Record.from_dict(node.attrs.get(RECORD_KEY))


def _find_image(path: Path, node: Any) -> _Image:
    if not hasattr(node, "members"):
        return _plain(path, node)
    attributes = node.attrs.asdict()
    attributes = attributes.get("ome", attributes)
    if "plate" in attributes:
        raise FormatError(
            "One image is needed",
            item=path.name,
            came="is a plate of many wells",
            remedy="Open the folder of one image inside it.",
        )
    if "multiscales" in attributes:
        return _multiscale(path, node, attributes["multiscales"][0])
    if "bioformats2raw.layout" in attributes:
        return _find_image(path, node[_first_of_series(node)])
    arrays = [array for _, array in sorted(node.arrays()) if array.ndim >= 2]
    if not arrays:
        raise FormatError(
            "A Zarr folder with an image array is needed",
            item=path.name,
            came="holds none",
            remedy="Open the array or image group inside it.",
        )
    return _plain(path, arrays[0])


def _first_of_series(node: Any) -> str:
    """Return the path of the first image of a collection; without a list they are counted from 0."""
    if "OME" not in node:
        return "0"
    attributes = node["OME"].attrs.asdict()
    series = attributes.get("ome", attributes).get("series")
    return str(series[0]) if series else "0"


def _multiscale(path: Path, group: Any, content: Mapping[str, Any]) -> _Image:
    level = content["datasets"][0]
    array = group[level["path"]]
    axes = content.get("axes", list(_OLD_OME_AXES[-array.ndim :]))
    axes = [{"name": axis} if isinstance(axis, str) else axis for axis in axes]
    steps = [
        step["scale"]
        for step in (
            *level.get("coordinateTransformations", ()),
            *content.get("coordinateTransformations", ()),
        )
        if step.get("type") == "scale"
    ]
    if len(axes) != array.ndim:
        raise FormatError(
            "OME-Zarr names every axis", item=path.name, came=f"names {len(axes)} axes of {array.ndim}"
        )
    return _Image(
        array,
        tuple(str(axis["name"]).lower() for axis in axes),
        tuple(float(s) for s in np.prod(steps, axis=0)) if steps else (),
        tuple(str(axis.get("unit", "")) for axis in axes),
        str(content.get("name") or ""),
        tuple(_smaller(group, content["datasets"], array)),
    )


def _smaller(group: Any, datasets: Sequence[Mapping[str, Any]], largest: Any) -> Iterator[Any]:
    """Yield the levels below the first that are there and fit it; they only speed up looking."""
    for level in datasets[1:]:
        array = group[level["path"]] if level["path"] in group else None
        if array is None or array.ndim != largest.ndim or array.dtype != largest.dtype:
            return
        yield array


def _plain(path: Path, array: Any) -> _Image:
    names = getattr(array.metadata, "dimension_names", None) or array.attrs.get("_ARRAY_DIMENSIONS")
    named = tuple(str(name).lower() for name in names or ())
    if {"y", "x"} <= set(named):
        return _Image(array, named)
    if array.ndim not in _PLAIN_AXES:
        raise FormatError("An image array has 2 to 5 axes", item=path.name, came=f"has {array.ndim}")
    return _Image(array, tuple(_PLAIN_AXES[array.ndim]))


def _acquisition(path: Path, image: _Image, axes: FrameAxes) -> Acquisition:
    known = Acquisition(image.name or plain_name(path), str(path), extra=dict(axes.extra))
    if not image.scale:
        return known
    scale, units = image.scale, image.units
    size = pixel_size_nm(scale[axes.y], scale[axes.x], units[axes.y], units[axes.x])
    known = replace(known, pixel_size_nm=size)
    if axes.frame is None:
        return known
    kind, step = frame_axis(scale[axes.frame], units[axes.frame])
    return replace(known, frame_axis=kind, frame_step=step)
