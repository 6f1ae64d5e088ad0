"""COCO JSON, for training sets: polygons and run lengths in pixels, counted from the corner of the image.

A COCO coordinate of 0 is the corner of the first pixel, so half a pixel is added to ours. Painted regions are
uncompressed run lengths, column by column, which ``pycocotools`` reads; points are key points.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.overview.region_geometry import area_px, bounds, box_of, pixels_inside
from napari_emrestore.overview.region_masks import encode_mask
from napari_emrestore.overview.targets.gathering import Gathering, Imported
from napari_emrestore.overview.targets.parsing import finite, parsing, read_json
from napari_emrestore.overview.targets.rings import MOST_MASK_PX, Ring

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_emrestore.overview.region_masks import RegionMask
    from napari_emrestore.overview.regions import Overview, Region, RegionSet
    from napari_emrestore.overview.targets.stage_map import StageMap

_HALF = 0.5
_VISIBLE = 2
_IMAGE = 1


def write(path: Path, regions: RegionSet, stage: StageMap | None) -> tuple[str, ...]:
    """Write one image with its annotations and categories."""
    overview = regions.overview
    height, width = overview.shape
    categories = [_category(number, one) for number, one in enumerate(regions.classes, start=1)]
    numbers = {one["name"]: one["id"] for one in categories}
    record = {
        "info": {"description": "Regions of an overview, by napari-emrestore"},
        "images": [
            {
                "id": _IMAGE,
                "file_name": Path(overview.path).name or overview.name,
                "height": height,
                "width": width,
            }
        ],
        "categories": categories,
        "annotations": [_annotation(one, numbers[one.class_name], overview.shape) for one in regions.regions],
    }
    path.write_text(json.dumps(record, allow_nan=False), encoding="utf-8")
    outside = sum(_reaches_out(one, overview.shape) for one in regions.regions if one.kind == "label")
    return (f"{outside} painted regions were cut at the rim of the overview.",) if outside else ()


def read(path: Path, overview: Overview, stage: StageMap | None, *, image: str = "") -> Imported:
    """Return the annotations of one image.

    Parameters
    ----------
    path : Path
        The file.
    overview : Overview
        Its shape must be that of the image.
    stage : StageMap, optional
        Not used.
    image : str
        ``file_name`` of the image; empty if the file is of one image only.

    Raises
    ------
    FormatError
        If the file is damaged, of several images, or of an image of another shape.
    """
    record = read_json(path)
    gathering = Gathering(overview, path.name)
    with parsing(path, "COCO file"):
        number = _image_id(record["images"], image, overview)
        categories = {one["id"]: one for one in record["categories"]}
        for one in categories.values():
            gathering.add_class(str(one["name"]), one.get("color"))
        for one in record["annotations"]:
            if one["image_id"] == number:
                _take(one, str(categories[one["category_id"]]["name"]), gathering)
        return gathering.finish()


def _category(number: int, its_class: Any) -> dict[str, Any]:
    return {
        "id": number,
        "name": its_class.name,
        "supercategory": "",
        "color": its_class.colour,
        "keypoints": ["point"],
        "skeleton": [],
    }


def _annotation(region: Region, category: int, shape: tuple[int, int]) -> dict[str, Any]:
    y0, y1, x0, x1 = bounds(region)
    facts: dict[str, Any] = {"note": region.note, "kind": region.kind}
    if region.confidence is not None:
        facts["confidence"] = region.confidence
    record: dict[str, Any] = {
        "id": region.id,
        "image_id": _IMAGE,
        "category_id": category,
        "iscrowd": 0,
        "area": area_px(region),
        "bbox": [x0 + _HALF, y0 + _HALF, x1 - x0, y1 - y0],
        "attributes": facts,
    }
    if region.kind == "point":
        (y, x) = region.vertices[0]
        return {
            **record,
            "segmentation": [],
            "keypoints": [x + _HALF, y + _HALF, _VISIBLE],
            "num_keypoints": 1,
        }
    if region.kind == "label":
        return {**record, "segmentation": _runs(region, shape)}
    flat = [value + _HALF for y, x in region.vertices for value in (x, y)]
    return {**record, "segmentation": [flat]}


def _runs(region: Region, shape: tuple[int, int]) -> dict[str, Any]:
    """Return run lengths over the whole image, column by column, the first outside."""
    box = box_of(region).clipped(shape)
    inside = pixels_inside(region, box)
    columns, rows = np.nonzero(inside.T)
    flat = (columns + box.x0).astype(np.int64) * shape[0] + rows + box.y0
    breaks = np.flatnonzero(np.diff(flat) != 1)
    starts = flat[np.concatenate(([0], breaks + 1))] if flat.size else flat
    ends = flat[np.concatenate((breaks, [flat.size - 1]))] + 1 if flat.size else flat
    edges = np.concatenate(([0], np.stack([starts, ends], 1).ravel(), [shape[0] * shape[1]]))
    return {"size": list(shape), "counts": np.diff(edges).tolist()}


def _reaches_out(region: Region, shape: tuple[int, int]) -> bool:
    box = box_of(region)
    return box.clipped(shape) != box


def _image_id(images: list[dict[str, Any]], wanted: str, overview: Overview) -> Any:
    chosen = [one for one in images if not wanted or one["file_name"] == wanted]
    if len(chosen) != 1:
        names = ", ".join(str(one["file_name"]) for one in images[:5])
        raise ValueError(f"one image is to be chosen among {len(images)}: {names}")
    shape = (chosen[0]["height"], chosen[0]["width"])
    if shape != overview.shape:
        raise ValueError(f"its image has shape {shape}, the overview {overview.shape}")
    return chosen[0]["id"]


def _take(annotation: dict[str, Any], class_name: str, gathering: Gathering) -> None:
    attributes = annotation.get("attributes") or {}
    facts: dict[str, Any] = {"note": str(attributes.get("note", ""))}
    sure = attributes.get("confidence", annotation.get("score"))
    if sure is not None:
        facts["confidence"] = finite(sure)
    shape = annotation.get("segmentation")
    if isinstance(shape, dict):
        gathering.add_mask(_mask(shape), class_name, **facts)
    elif shape:
        rings = [_ring(flat) for flat in shape]
        if len(rings) == 1:
            gathering.add_ring(rings[0], class_name, **facts)
        else:
            gathering.add_rings(rings, class_name, **facts)
    elif annotation.get("keypoints"):
        x, y, _ = annotation["keypoints"][:3]
        gathering.add_point((finite(y) - _HALF, finite(x) - _HALF), class_name, **facts)
    else:
        x, y, width, height = (finite(value) for value in annotation["bbox"])
        low, high = (y - _HALF, x - _HALF), (y + height - _HALF, x + width - _HALF)
        box = [low, (low[0], high[1]), high, (high[0], low[1])]
        gathering.add_ring(box, class_name, **facts)


def _ring(flat: list[Any]) -> Ring:
    if len(flat) % 2 or len(flat) < 6:
        raise ValueError(f"a polygon of {len(flat)} numbers")
    values = [finite(value) - _HALF for value in flat]
    return list(zip(values[1::2], values[::2], strict=True))


def _mask(record: dict[str, Any]) -> RegionMask:
    """Return the pixels of run lengths; only the columns they lie in are unpacked."""
    height, width = (int(side) for side in record["size"])
    counts = record["counts"]
    if isinstance(counts, str):
        counts = _unpacked(counts)
    lengths = np.asarray([int(count) for count in counts], np.int64)
    if lengths.min(initial=0) < 0 or lengths.sum() != height * width:
        raise ValueError(f"run lengths of {lengths.sum()} pixels for an image of {height} × {width}")
    edges = np.cumsum(lengths)
    inside = edges[1::2]
    first = int(edges[0] // height)
    last = int((inside[-1] - 1) // height) if inside.size else first
    if (last + 1 - first) * height > MOST_MASK_PX:
        raise ValueError("a painted region of more than 2³⁰ pixels")
    values = np.repeat(np.arange(len(lengths)) % 2 == 1, _cut(edges, first * height, (last + 1) * height))
    return encode_mask(values.reshape(last + 1 - first, height).T, (0, first))


def _cut(edges: NDArray[np.int64], low: int, high: int) -> NDArray[np.int64]:
    """Return the lengths of runs that lie from `low` to `high`."""
    return np.diff(np.concatenate(([low], np.clip(edges, low, high))))


def _unpacked(text: str) -> list[int]:
    """Return the run lengths of COCO's compressed strings: base 32, differences to the last but one."""
    counts: list[int] = []
    position = 0
    while position < len(text):
        value, digits, more = 0, 0, True
        while more:
            digit = ord(text[position]) - 48
            value |= (digit & 0x1F) << (5 * digits)
            more = bool(digit & 0x20)
            position += 1
            digits += 1
            if not more and digit & 0x10:
                value |= -1 << (5 * digits)
        counts.append(value + counts[-2] if len(counts) > 2 else value)
    return counts
