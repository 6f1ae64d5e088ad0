"""A label image as OME-TIFF: every pixel holds the number of the region it belongs to, 0 for none.

Tiled and packed, so that an overview of gigapixels stays small on disk, and is written and read by pieces.
The classes stand in the OME-XML as a map annotation, number to text, and in full as our own note beside it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.core import FormatError
from napari_emrestore.overview.region_geometry import box_of, pixels_inside
from napari_emrestore.overview.region_masks import decode_mask, encode_mask
from napari_emrestore.overview.targets.gathering import Gathering, Imported
from napari_emrestore.overview.targets.parsing import parsing
from napari_emrestore.restoration.plan import Rect

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_emrestore.overview.region_masks import RegionMask
    from napari_emrestore.overview.regions import Overview, Region, RegionSet
    from napari_emrestore.overview.targets.stage_map import StageMap

_TILE = 512
_BAND_ROWS = 1024
_NAMESPACE = "napari-emrestore/regions"
_LARGEST_16 = 1 << 16
_FEW_VALUES = 1 << 22


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
        for value, mask in sorted(_masks(stack.data[0]).items()):
            facts = dict(known.get(value, {"class": "label"}))
            name = gathering.add_class(facts.pop("class"), facts.pop("colour", None))
            gathering.add_mask(mask, name, **facts)
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

    def _tile(self, row: list[tuple[Region, Rect]], top: int, left: int) -> NDArray[Any]:
        tile = np.zeros((_TILE, _TILE), self._dtype)
        low, high = min(top + _TILE, self._shape[0]), min(left + _TILE, self._shape[1])
        for region, box in row:
            part = Rect(max(box.y0, top), min(box.y1, low), max(box.x0, left), min(box.x1, high))
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


def _masks(image: Any) -> dict[int, RegionMask]:
    """Return the pixels of every label of a lazy image, read once, in bands of rows."""
    pieces: dict[int, list[RegionMask]] = {}
    for top in range(0, image.shape[0], _BAND_ROWS):
        band = np.asarray(image[top : top + _BAND_ROWS])
        for value, box in _labels_in(band):
            origin = (top + box[0].start, box[1].start)
            pieces.setdefault(value, []).append(encode_mask(band[box] == value, origin))
    return {value: _joined(found) for value, found in pieces.items()}


def _labels_in(band: NDArray[Any]) -> Iterator[tuple[int, tuple[slice, slice]]]:
    """Yield every value of a band but 0, with its box."""
    from scipy.ndimage import find_objects

    if band.min() >= 0 and band.max() < _FEW_VALUES:
        boxes = find_objects(band.astype(np.int32))
        yield from ((value, box) for value, box in enumerate(boxes, start=1) if box is not None)
        return
    # found by their rank among the values, which may be huge
    values, ranks = np.unique(band, return_inverse=True)
    for value, box in zip(values.tolist(), find_objects(ranks.reshape(band.shape) + 1), strict=True):
        if value:
            yield value, box


def _joined(pieces: list[RegionMask]) -> RegionMask:
    """Return the mask of all pieces of a region."""
    if len(pieces) == 1:
        return pieces[0]
    boxes = np.array([(*one.origin_px, *np.add(one.origin_px, one.shape)) for one in pieces])
    y, x = boxes[:, :2].min(axis=0).tolist()
    whole = np.zeros(tuple((boxes[:, 2:].max(axis=0) - (y, x)).tolist()), bool)
    for one in pieces:
        top, left = one.origin_px[0] - y, one.origin_px[1] - x
        whole[top : top + one.shape[0], left : left + one.shape[1]] |= decode_mask(one)
    return encode_mask(whole, (y, x))
