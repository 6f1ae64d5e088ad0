"""OME-TIFF out: streamed band by band, tiled with a pyramid of smaller copies where the image is large."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np
import tifffile

from napari_emrestore.io.ome_xml import write_ome
from napari_emrestore.io.outgoing import Outgoing, tell
from napari_emrestore.io.pyramid import halve, level_shapes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedWriter
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_emrestore.core import Acquisition, Monitor

PYRAMID_FROM_PX = 2048
_TILE = 512
_CLASSIC_BYTES = 1 << 31
_NATIVE = ("uint8", "int8", "uint16", "int16", "uint32", "int32", "float64", "float32")
_WIDER = {"bool": "uint8", "float16": "float32"}
_NM_PER_CM = 1e7
# what the tag's fraction of two 32-bit integers can say
_LEAST_RATIO, _MOST_RATIO = 1e-3, 2.0**32 - 1


def write(path: Path, image: Outgoing, monitor: Monitor) -> None:
    """Write an image or stack as OME-TIFF, uncompressed.

    Frames larger than 2048 pixels a side are tiled and carry a pyramid (sub-IFDs, 2 x 2 means); smaller
    ones lie in one piece, which every program reads and ours maps into memory.
    """
    image.store_as(_NATIVE, _WIDER, "OME-TIFF")
    described = _description(image)
    if max(image.shape[1:]) > PYRAMID_FROM_PX:
        _write_pyramid(path, image, described, monitor)
    else:
        _write_plain(path, image, described, monitor)
    final = _description(image)
    if final != described:
        # what was clipped is known only now; the longer description goes to the end of the file
        tifffile.tiffcomment(path, final)


def _description(image: Outgoing) -> bytes:
    return write_ome(image.record(), image.shape, image.export.target, image.is_stack)


def _writer(path: Path, image: Outgoing) -> tifffile.TiffWriter:
    pixel_bytes = int(np.prod(image.shape, dtype=np.int64)) * image.export.target.itemsize
    return tifffile.TiffWriter(path, bigtiff=pixel_bytes * 4 // 3 > _CLASSIC_BYTES)


def _resolution(known: Acquisition, factor: int = 1) -> dict[str, Any]:
    """Return pixels per cm, for programs that read no OME-XML."""
    if known.pixel_size_nm is None:
        return {}
    y, x = (_NM_PER_CM / size / factor for size in known.pixel_size_nm)
    if min(y, x) < _LEAST_RATIO or max(y, x) > _MOST_RATIO:
        return {}
    return {"resolution": (x, y), "resolutionunit": "CENTIMETER"}


def _write_plain(path: Path, image: Outgoing, description: bytes, monitor: Monitor) -> None:
    count, height, _ = image.shape
    with _writer(path, image) as tiff:
        tiff.write(
            _counted(image.bands(height), monitor, 0, count, image.acquisition.name),
            shape=image.shape,
            dtype=image.export.target,
            photometric="minisblack",
            description=description,
            metadata=None,
            **_resolution(image.acquisition),
        )


def _write_pyramid(path: Path, image: Outgoing, description: bytes, monitor: Monitor) -> None:
    count = image.shape[0]
    dtype = image.export.target
    shapes = level_shapes(*image.shape[1:])
    # each level is reduced while it is written and waits beside the file, so that memory stays small and
    # the source is read once; by plain writes, because a memory map on a full disk kills the process
    waiting = [path.with_name(f"{path.name}.{level}") for level in range(1, len(shapes))]
    steps = [count * -(-y // _TILE) for y, _ in shapes]
    try:
        with _writer(path, image) as tiff:
            for level, (y, x) in enumerate(shapes):
                shape = (count, y, x)
                bands = image.bands(_TILE) if level == 0 else _stored_bands(waiting[level - 1], shape, dtype)
                counted = _counted(bands, monitor, sum(steps[:level]), sum(steps), image.acquisition.name)
                first: dict[str, Any] = {"subifds": len(waiting), "description": description}
                with waiting[level].open("wb") if level < len(waiting) else nullcontext() as smaller:
                    tiff.write(
                        _tiles(counted, smaller),
                        shape=shape,
                        dtype=dtype,
                        tile=(_TILE, _TILE),
                        photometric="minisblack",
                        metadata=None,
                        **(first if level == 0 else {"subfiletype": 1}),
                        **_resolution(image.acquisition, 1 << level),
                    )
    finally:
        for file in waiting:
            file.unlink(missing_ok=True)


def _counted(
    bands: Iterator[tuple[int, int, NDArray[Any]]], monitor: Monitor, before: int, total: int, name: str
) -> Iterator[NDArray[Any]]:
    for done, (_, _, band) in enumerate(bands, start=before + 1):
        # before the yield: tifffile takes what it needs and never comes back to see the end
        tell(monitor, done, total, name)
        yield np.ascontiguousarray(band)


def _tiles(bands: Iterator[NDArray[Any]], smaller: BufferedWriter | None) -> Iterator[NDArray[Any]]:
    """Yield each band's tiles from left to right, padded with zeros; put the halved band into `smaller`."""
    for band in bands:
        if smaller is not None:
            smaller.write(halve(band).tobytes())
        height, width = band.shape
        for left in range(0, width, _TILE):
            tile = np.zeros((_TILE, _TILE), band.dtype)
            piece = band[:, left : left + _TILE]
            tile[:height, : piece.shape[1]] = piece
            yield tile


def _stored_bands(
    path: Path, shape: tuple[int, int, int], dtype: np.dtype[Any]
) -> Iterator[tuple[int, int, NDArray[Any]]]:
    count, height, width = shape
    with path.open("rb") as stream:
        for frame in range(count):
            for top in range(0, height, _TILE):
                rows = min(_TILE, height - top)
                raw = stream.read(rows * width * dtype.itemsize)
                yield frame, top, np.frombuffer(raw, dtype).reshape(rows, width)
