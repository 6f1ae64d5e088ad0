"""An MRC file that gains frames: appended behind the last, and only then counted in the header."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.core import InputError
from napari_emrestore.io.mrc_header import HEADER_BYTES, new_header
from napari_emrestore.io.records import Record
from napari_emrestore.pipeline.frame_tables import append_rows
from napari_emrestore.pipeline.growing import frames_per_chunk, write_at

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from napari_emrestore.core import Acquisition, Frame, Provenance

_MODES = {"int8": 0, "int16": 1, "float32": 2, "uint16": 6}
_WIDER = {"bool": "int8", "uint8": "uint16"}
_ROOM_BYTES = 64 << 10
"""For the record in the extended header, whose place is fixed before the recording is finished."""
_COUNT_AT = 8


class GrowingMrc:
    """See `growing.Growing` and `growing.open_growing`; 8-bit unsigned frames are kept as 16-bit ones."""

    def __init__(
        self, path: Path, frame_shape: tuple[int, int], dtype: np.dtype[Any], acquisition: Acquisition
    ) -> None:
        stored = _WIDER.get(dtype.name, dtype.name)
        if stored not in _MODES:
            raise InputError(
                f"An MRC file holds {', '.join(_MODES)} exactly",
                item=path.name,
                came=f"was to hold {dtype.name}",
                remedy="Record to .zarr or .tif.",
            )
        self.path, self.frames = path, 0
        self._dtype = np.dtype(stored).newbyteorder("<")
        self.frame_bytes = frame_shape[0] * frame_shape[1] * self._dtype.itemsize
        self.chunk_frames = frames_per_chunk(self.frame_bytes)
        self._acquisition = acquisition
        self._stream = path.open("x+b", buffering=0)
        label = "napari-emrestore record: record in the extended header"
        header = new_header((0, *frame_shape), _MODES[stored], _ROOM_BYTES, acquisition, label)
        write_at(self._stream, 0, header.tobytes())
        self._tell_record(None)

    def put(self, frames: Sequence[Frame]) -> None:
        """Append what is new of these frames."""
        new = frames[self.frames % self.chunk_frames :]
        pixels = np.stack([np.asarray(frame.data, self._dtype) for frame in new])
        write_at(self._stream, HEADER_BYTES + _ROOM_BYTES + self.frames * self.frame_bytes, pixels)
        append_rows(self.path, new, self._acquisition)
        self.frames += len(new)
        write_at(self._stream, _COUNT_AT, np.array(self.frames, "<i4").tobytes())

    def finish(self, provenance: Provenance) -> None:
        """Add what made the recording, and the size of the whole; close it."""
        self._tell_record(provenance)
        self.abandon()

    def abandon(self) -> None:
        """Close it as it is."""
        self._stream.close()

    def _tell_record(self, provenance: Provenance | None) -> None:
        text = Record(self._acquisition, provenance).to_json().encode("ascii")
        if len(text) > _ROOM_BYTES:
            raise InputError(
                f"What is known about an MRC recording fits into {_ROOM_BYTES} bytes",
                item=self.path.name,
                came=f"takes {len(text)}",
                remedy="Record to .zarr or .tif.",
            )
        write_at(self._stream, HEADER_BYTES, text.ljust(_ROOM_BYTES))
