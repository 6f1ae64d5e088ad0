"""TIFF and its dialects, lazily: uncompressed pages by memory map, everything else tile by tile."""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import tifffile

from napari_emrestore.core import Acquisition, FormatError
from napari_emrestore.io.axes import AxisView, colour, plan_axes
from napari_emrestore.io.guarding import check_claim
from napari_emrestore.io.ome_xml import OmeImage, read_ome
from napari_emrestore.io.records import Record, plain_name
from napari_emrestore.io.stack import StoredStack
from napari_emrestore.io.tiff_vendors import Facts, vendor_facts
from napari_emrestore.io.units import frame_axis

if TYPE_CHECKING:
    from pathlib import Path

    from napari_emrestore.io.axes import FrameAxes

# tifffile's letters for unnamed sequences of pages are frame axes like any other
_AXIS_NAMES = {"I": "frame", "Q": "frame"}
# a palette with this many grey entries is a grey image with a few coloured annotation values
_GREY_ENTRIES = 0.75
# description, and where strips or tiles lie; makers' own tags often point nowhere and are forgiven
_INDISPENSABLE = (270, 273, 279, 324, 325)


def read(path: Path) -> StoredStack:
    """Return the first grey image series of a TIFF file."""
    tiff = tifffile.TiffFile(path)
    try:
        _check_chain(path, tiff)
        index, series = _first_grey(path, tiff)
        axes = plan_axes(path, [_AXIS_NAMES.get(a, a.lower()) for a in series.axes], series.shape)
        _check_complete(path, series)
        array, tile = _lazy_array(path, series)
        view = AxisView(array, axes)
        acquisition = _acquisition(path, tiff, index, axes)
        copies = [_tiled_array(path, series, level) for level in range(1, len(series.levels))]
        smaller = tuple((small := AxisView(copy, axes), small.tile(piece)) for copy, piece in copies)
    except BaseException:
        tiff.close()
        raise
    if isinstance(array, np.memmap) and not smaller:
        tiff.close()
    return StoredStack(view, acquisition, view.tile(tile), tiff.close, smaller=smaller)


def read_record(path: Path) -> Record | None:
    """Return the record that our writer left in a TIFF file."""
    with tifffile.TiffFile(path) as tiff:
        image = read_ome(tiff.ome_metadata, 0)
    return image.record if image else None


def _first_grey(path: Path, tiff: tifffile.TiffFile) -> tuple[int, tifffile.TiffPageSeries]:
    seen = []
    for index, series in enumerate(tiff.series):
        if "S" not in series.axes and _palette_is_grey(series.keyframe):
            return index, series
        seen.append(f"{series.axes} {series.shape}")
    raise colour(path, f"holds {' and '.join(seen)}" if seen else "holds no image")


def _palette_is_grey(page: Any) -> bool:
    if page.colormap is None:
        return True
    red, green, blue = np.asarray(page.colormap)
    return float(np.mean((red == green) & (green == blue))) >= _GREY_ENTRIES


def _check_chain(path: Path, tiff: tifffile.TiffFile) -> None:
    """Refuse a file whose list of pages leads past its end, where tifffile would just stop counting."""
    form, stream, size = tiff.tiff, tiff.filehandle, path.stat().st_size
    stream.seek(form.offsetsize if form.is_bigtiff else 4)
    seen: set[int] = set()
    link = stream.read(form.offsetsize)
    while True:
        (offset,) = struct.unpack(form.offsetformat, link)
        if offset == 0 or offset in seen:
            return
        seen.add(offset)
        if offset + form.tagnosize > size:
            raise _cut_off(path, f"ends after {size} bytes, page {len(seen) - 1} starts at {offset}")
        stream.seek(offset)
        (count,) = struct.unpack(form.tagnoformat, stream.read(form.tagnosize))
        entries = stream.read(count * form.tagsize)
        link = stream.read(form.offsetsize)
        if len(link) < form.offsetsize or _reaches(form, entries) > size:
            raise _cut_off(path, f"ends after {size} bytes, inside page {len(seen) - 1}")


def _reaches(form: Any, entries: bytes) -> int:
    """Return the last byte that the values of a page's indispensable tags take."""
    layout = form.byteorder + ("HHQQ" if form.is_bigtiff else "HHII")
    last = 0
    for code, kind, count, where in struct.iter_unpack(layout, entries):
        length = count * struct.calcsize(tifffile.TIFF.DATA_FORMATS.get(kind, "0B"))
        if code in _INDISPENSABLE and length > form.offsetsize:
            last = max(last, where + length)
    return last


def _cut_off(path: Path, came: str) -> FormatError:
    return FormatError(
        "A TIFF file holds the pages and pixels its header points to",
        item=path.name,
        came=came,
        remedy="Copy it again from the microscope.",
    )


def _check_complete(path: Path, series: tifffile.TiffPageSeries) -> None:
    """Refuse a file that ends before its pixels do, which tifffile would pad with zeros."""
    size = path.stat().st_size
    for number, page in enumerate(series.pages):
        if page is None:
            raise FormatError(
                "Every frame of a TIFF series is needed",
                item=f"frame {number} of {path.name}",
                came="is in another file that is not here",
                remedy="Put all files of the series into one folder and open its first file.",
            )
        ends = [a + b for a, b in zip(page.dataoffsets, page.databytecounts, strict=False)]
        if max(ends, default=0) > size:
            raise _cut_off(path, f"ends after {size} bytes, frame {number} needs {max(ends)}")


def _lazy_array(path: Path, series: tifffile.TiffPageSeries) -> tuple[Any, tuple[int, ...]]:
    """Return an array that reads when sliced, and its stored piece along each axis."""
    if series.dataoffset is not None:
        return _memory_map(path, series, series.dataoffset), (1,) * len(series.shape)
    return _tiled_array(path, series, 0)


def _tiled_array(path: Path, series: tifffile.TiffPageSeries, level: int) -> tuple[Any, tuple[int, ...]]:
    """Return one level of a pyramid; level 0 is the image itself."""
    import zarr

    page = series.levels[level].keyframe
    piece = int(np.prod(page.chunks)) * np.dtype(page.dtype).itemsize
    check_claim(path, piece, max(page.databytecounts, default=0), f"a piece of {page.chunks}")
    array: Any = zarr.open_array(series.aszarr(level=level), mode="r")
    return array, tuple(int(c) for c in array.chunks)


def _memory_map(path: Path, series: tifffile.TiffPageSeries, offset: int) -> Any:
    order: Any = series.parent.byteorder if series.parent is not None else "="
    needed = offset + series.nbytes
    if needed > path.stat().st_size:
        raise _cut_off(path, f"ends after {path.stat().st_size} bytes, {needed} are needed")
    dtype = np.dtype(series.dtype).newbyteorder(order)
    return np.memmap(path, dtype, mode="r", offset=offset, shape=series.shape)


def _acquisition(path: Path, tiff: tifffile.TiffFile, index: int, axes: FrameAxes) -> Acquisition:
    ome = read_ome(tiff.ome_metadata, index)
    if ome is not None and ome.record is not None:
        return ome.record.acquisition_at(path)
    series = tiff.series[index]
    facts = _ome_facts(ome) if ome is not None else vendor_facts(tiff, series.keyframe)
    extra: dict[str, Any] = {**axes.extra, **facts.extra}
    if len(tiff.series) > 1:
        extra |= {"image": index, "images": len(tiff.series)}
    if series.keyframe.photometric == 0:
        extra["photometric"] = "white is zero"
    found = Acquisition(facts.name or plain_name(path), str(path), facts.pixel_size_nm, extra=extra)
    found = replace(found, exposure_ms=facts.exposure_ms, dose_e=facts.dose_e)
    if axes.frame is None:
        return found
    kind, step = frame_axis(facts.frame_step, facts.frame_unit)
    if kind == "index":
        letter = series.axes[axes.frame]
        kind = "time" if letter == "T" else "z" if letter == "Z" else "index"
    return replace(found, frame_axis=kind, frame_step=step)


def _ome_facts(image: OmeImage) -> Facts:
    return Facts(
        name=image.name,
        pixel_size_nm=image.pixel_size_nm,
        exposure_ms=image.exposure_ms,
        frame_step=image.frame_step,
        frame_unit=image.frame_unit,
    )
