"""A BigTIFF file that gains pages: written whole behind the last, and only then linked to it.

tifffile links a page before it writes it, so a process that is killed in between leaves a file that leads
past its end; therefore pages are laid out here. The OME-XML, which counts the pages, comes last.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.core import InputError
from napari_emrestore.io.ome_xml import write_ome
from napari_emrestore.io.records import Record
from napari_emrestore.pipeline.frame_tables import append_rows
from napari_emrestore.pipeline.growing import frames_per_chunk, write_at

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from napari_emrestore.core import Acquisition, Frame, Provenance

_HEADER = struct.pack("<2sHHHQ", b"II", 43, 8, 0, 0)
_FIRST_LINK = 8
_ENTRY = struct.Struct("<HHQ8s")
_LINK = struct.Struct("<Q")
_ASCII, _SHORT, _LONG, _RATIONAL, _LONG8 = 2, 3, 4, 5, 16
_DESCRIPTION = 270
_BEFORE_DESCRIPTION = 5  # entries, which stand in order of their codes
_NOT_YET = b"growing\0"
_SAMPLE_FORMATS = {"u": 1, "i": 2, "f": 3}
_NM_PER_CM = 1e7
_CENTIMETRES = 3
_MOST_UINT32 = 2**32 - 1


class GrowingTiff:
    """See `growing.Growing` and `growing.open_growing`; one that was broken off has no OME-XML."""

    def __init__(
        self, path: Path, frame_shape: tuple[int, int], dtype: np.dtype[Any], acquisition: Acquisition
    ) -> None:
        if dtype.kind not in _SAMPLE_FORMATS or dtype.itemsize > 8:
            raise InputError(
                "A TIFF file holds integers and floats of 8 to 64 bits",
                item=path.name,
                came=f"was to hold {dtype.name}",
            )
        self.path, self.frames = path, 0
        self._shape, self._dtype = frame_shape, dtype.newbyteorder("<")
        self.frame_bytes = frame_shape[0] * frame_shape[1] * dtype.itemsize
        self.chunk_frames = frames_per_chunk(self.frame_bytes)
        self._acquisition = acquisition
        self._end, self._link, self._description = len(_HEADER), _FIRST_LINK, 0
        self._stream = path.open("x+b", buffering=0)
        write_at(self._stream, 0, _HEADER)

    def put(self, frames: Sequence[Frame]) -> None:
        """Append what is new of these frames."""
        new = frames[self.frames % self.chunk_frames :]
        pages = bytearray()
        link = 0
        padded = _padded(self.frame_bytes)
        for frame in new:
            if link:
                _LINK.pack_into(pages, link, self._end + len(pages) + padded)
            pixels_at = self._end + len(pages)
            pages += np.ascontiguousarray(frame.data, self._dtype).tobytes().ljust(padded, b"\0")
            if not self._description:
                self._description = self._end + len(pages) + _LINK.size + _BEFORE_DESCRIPTION * _ENTRY.size
            pages += self._directory(pixels_at, has_description=pixels_at == len(_HEADER))
            link = len(pages) - _LINK.size
        write_at(self._stream, self._end, bytes(pages))
        append_rows(self.path, new, self._acquisition)
        write_at(self._stream, self._link, _LINK.pack(self._end + padded))
        self._link, self._end = self._end + link, self._end + len(pages)
        self.frames += len(new)

    def finish(self, provenance: Provenance) -> None:
        """Add OME-XML and what made the recording; close it."""
        if self.frames:
            record = Record(self._acquisition, provenance)
            text = write_ome(record, (self.frames, *self._shape), self._dtype, is_stack=True) + b"\0"
            write_at(self._stream, self._end, text)
            entry = _entry(_DESCRIPTION, _ASCII, self._end, len(text))
            write_at(self._stream, self._description, entry)
        self.abandon()

    def abandon(self) -> None:
        """Close it as it is."""
        self._stream.close()

    def _directory(self, pixels_at: int, has_description: bool) -> bytes:
        """Return a page's directory, the link to the next page last, 0."""
        height, width = self._shape
        entries = [
            _entry(256, _LONG, width),
            _entry(257, _LONG, height),
            _entry(258, _SHORT, 8 * self._dtype.itemsize),
            _entry(259, _SHORT, 1),  # not compressed
            _entry(262, _SHORT, 1),  # zero is black
            *([_ENTRY.pack(_DESCRIPTION, _ASCII, len(_NOT_YET), _NOT_YET)] if has_description else []),
            _entry(273, _LONG8, pixels_at),
            _entry(277, _SHORT, 1),  # sample per pixel
            _entry(278, _LONG, height),  # rows in the one strip
            _entry(279, _LONG8, self.frame_bytes),
            *_resolution(self._acquisition),
            _entry(339, _SHORT, _SAMPLE_FORMATS[self._dtype.kind]),
        ]
        made = _LINK.pack(len(entries)) + b"".join(entries)
        return made + _LINK.pack(0)


def _entry(code: int, kind: int, value: int, count: int = 1) -> bytes:
    return _ENTRY.pack(code, kind, count, _LINK.pack(value))  # little endian: shorter types begin alike


def _resolution(known: Acquisition) -> list[bytes]:
    """Return pixels per cm, for programs that read no OME-XML, where two 32-bit numbers can say it."""
    if known.pixel_size_nm is None:
        return []
    y, x = (_NM_PER_CM / size for size in known.pixel_size_nm)
    if not 1 <= min(y, x) <= max(y, x) <= _MOST_UINT32:
        return []
    parts = int(_MOST_UINT32 / max(y, x))
    ratios = (struct.pack("<2I", round(ratio * parts), parts) for ratio in (x, y))
    tags = zip((282, 283), ratios, strict=True)
    return [
        *(_ENTRY.pack(code, _RATIONAL, 1, ratio) for code, ratio in tags),
        _entry(296, _SHORT, _CENTIMETRES),
    ]


def _padded(size: int) -> int:
    return -(-size // 8) * 8
