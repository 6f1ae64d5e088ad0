"""A label image as OME-TIFF: every pixel holds the number of the region it belongs to, 0 for none.

Tiled and packed, so that an overview of gigapixels stays small on disk, and is written and read by pieces.
The classes stand in the OME-XML as a map annotation, number to text, and in full as our own note beside it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.core import FormatError
from napari_emrestore.overview.region_geometry import Box, box_of, pixels_inside
from napari_emrestore.overview.targets.gathering import Gathering, Imported
from napari_emrestore.overview.targets.parsing import parsing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_emrestore.overview.regions import Overview, Region, RegionSet
    from napari_emrestore.overview.targets.stage_map import StageMap

_TILE = 512
_BAND_ROWS = 1024
_NAMESPACE = "napari-emrestore/regions"
_LARGEST_16 = 1 << 16


def write(path: Path, regions: RegionSet, stage: StageMap | None) -> tuple[str, ...]:
    """Write all regions into one image; where they overlap, the later one is seen, and a note says so."""
    import tifffile

    shape = regions.overview.shape
    largest = max(one.id for one in regions.regions)
    dtype = np.dtype(np.uint16 if largest < _LARGEST_16 else np.uint32)
    painter = _Painter(regions, dtype)
    tifffile.imwrite(
        path,
        painter.tiles(),
        shape=shape,
        dtype=dtype,
        tile=(_TILE, _TILE),
        compression="zlib",
        photometric="minisblack",
        bigtiff=True,
        ome=True,
        metadata=_metadata(regions),
    )
    return painter.notes()


def read(path: Path, overview: Overview, stage: StageMap | None) -> Imported:
    """Return a painted region per value; of a file of ours also classes, notes and confidences.

    Raises
    ------
    FormatError
        If the image is of another shape than the overview, or holds no whole numbers.
    """
    from napari_emrestore.io import open_frames

    gathering = Gathering(overview, path.name)
    with open_frames(path) as stack:
        if stack.frame_shape != overview.shape or len(stack) != 1 or stack.dtype.kind not in "bui":
            raise FormatError(
                f"A label image of whole numbers and shape {overview.shape} is needed",
                item=path.name,
                came=f"has {len(stack)} × {stack.frame_shape} pixels of {stack.dtype}",
            )
        known = _known(path)
        for value, inside, origin in _masks(stack.data[0]):
            facts = dict(known.get(value, {"class": "label"}))
            name = gathering.add_class(facts.pop("class"), facts.pop("colour", None))
            gathering.add_pixels(inside, origin, name, **facts)
    return gathering.finish()


class _Painter:
    """Paints tile by tile, and remembers who was painted over."""

    def __init__(self, regions: RegionSet, dtype: np.dtype[Any]) -> None:
        self._shape = regions.overview.shape
        self._dtype = dtype
        self._boxes = [(one, box_of(one)) for one in regions.regions]
        self._covered: set[int] = set()
        self._seen: set[int] = set()

    def tiles(self) -> Iterator[NDArray[Any]]:
        """Yield tiles from left to right and top to bottom, padded with 0."""
        for top in range(0, self._shape[0], _TILE):
            row = [(one, box) for one, box in self._boxes if box.y0 < top + _TILE and box.y1 > top]
            for left in range(0, self._shape[1], _TILE):
                yield self._tile(row, top, left)

    def notes(self) -> tuple[str, ...]:
        """Return what the image cannot show."""
        hidden = [one.id for one, _ in self._boxes if one.id not in self._seen]
        partly = sorted(self._covered - set(hidden))
        notes = [f"A label image holds pixels only: {what} became pixels." for what in self._drawn()]
        if partly:
            notes.append(f"Later regions lie over parts of {_listed(partly)}.")
        if hidden:
            notes.append(f"Nothing is seen of {_listed(hidden)}: outside the overview or covered.")
        return tuple(notes)

    def _drawn(self) -> list[str]:
        count = sum(one.kind != "label" for one, _ in self._boxes)
        return [f"{count} drawn regions"] if count else []

    def _tile(self, row: list[tuple[Region, Box]], top: int, left: int) -> NDArray[Any]:
        tile = np.zeros((_TILE, _TILE), self._dtype)
        low, high = min(top + _TILE, self._shape[0]), min(left + _TILE, self._shape[1])
        for region, box in row:
            part = Box(max(box.y0, top), min(box.y1, low), max(box.x0, left), min(box.x1, high))
            if min(part.shape) > 0:
                seen = tile[part.y0 - top : part.y1 - top, part.x0 - left : part.x1 - left]
                inside = pixels_inside(region, part)
                self._covered.update(int(v) for v in np.unique(seen[inside]) if v)
                seen[inside] = region.id
        self._seen.update(int(v) for v in np.unique(tile) if v)
        return tile


def _listed(numbers: list[int]) -> str:
    words = ", ".join(map(str, numbers[:8]))
    more = f" and {len(numbers) - 8} more" if len(numbers) > 8 else ""
    return f"region{'s' if len(numbers) > 1 else ''} {words}{more}"


def _metadata(regions: RegionSet) -> dict[str, Any]:
    overview = regions.overview
    facts = {one.id: _facts(one, regions) for one in regions.regions}
    words = {str(number): fact["class"] for number, fact in facts.items()}
    metadata: dict[str, Any] = {
        "axes": "YX",
        "Name": f"regions of {overview.name}",
        "MapAnnotation": {"Namespace": _NAMESPACE, "Value": words},
        "CommentAnnotation": {"Namespace": _NAMESPACE, "Value": json.dumps(facts)},
    }
    if overview.pixel_size_nm is not None:
        y, x = overview.pixel_size_nm
        metadata |= {
            "PhysicalSizeY": y,
            "PhysicalSizeYUnit": "nm",
            "PhysicalSizeX": x,
            "PhysicalSizeXUnit": "nm",
        }
    return metadata


def _facts(region: Region, regions: RegionSet) -> dict[str, Any]:
    colour = regions.region_class(region.class_name).colour
    sure = {} if region.confidence is None else {"confidence": region.confidence}
    return {"class": region.class_name, "colour": colour, "note": region.note, **sure}


def _known(path: Path) -> dict[int, dict[str, Any]]:
    """Return what a file of ours says of its values; nothing for a foreign one."""
    from xml.etree import ElementTree

    import tifffile

    with parsing(path, "label image"), tifffile.TiffFile(path) as tiff:
        if not tiff.ome_metadata:
            return {}
        root = ElementTree.fromstring(tiff.ome_metadata)
        for note in root.iterfind("{*}StructuredAnnotations/{*}CommentAnnotation"):
            if note.get("Namespace") == _NAMESPACE:
                facts = json.loads(note.findtext("{*}Value", "{}"))
                allowed = ("class", "colour", "note", "confidence")
                return {
                    int(number): {k: fact[k] for k in allowed if k in fact} for number, fact in facts.items()
                }
    return {}


def _masks(image: Any) -> Iterator[tuple[int, NDArray[np.bool_], tuple[int, int]]]:
    """Yield value, pixels and first pixel of every label of a lazy image, in the order of values."""
    for value, (y0, y1, x0, x1) in sorted(_boxes(image).items()):
        yield value, np.asarray(image[y0:y1, x0:x1]) == value, (y0, x0)


def _boxes(image: Any) -> dict[int, tuple[int, int, int, int]]:
    """Return the box of every value but 0, looked for in bands of rows."""
    from scipy.ndimage import find_objects

    boxes: dict[int, tuple[int, int, int, int]] = {}
    for top in range(0, image.shape[0], _BAND_ROWS):
        band = np.asarray(image[top : top + _BAND_ROWS])
        # found by position among the sorted values, for values may be huge
        values, positions = np.unique(band, return_inverse=True)
        for value, (rows, columns) in zip(
            values.tolist(), find_objects(positions.reshape(band.shape) + 1), strict=True
        ):
            if value:
                new = (top + rows.start, top + rows.stop, columns.start, columns.stop)
                old = boxes.get(value, new)
                boxes[value] = (min(old[0], new[0]), new[1], min(old[2], new[2]), max(old[3], new[3]))
    return boxes
