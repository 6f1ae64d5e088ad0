"""An OME-Zarr image that gains frames and can be read at any moment, up to the last chunk written.

Chunks hold whole frames, uncompressed, so that a chunk file is the frames' bytes: it is written beside its
final name and renamed, then the table of frames, and only then the array's length grows. Whatever kills the
process, what the length promises is there. zarr itself makes the image; only its growth is done here, since
``resize`` rewrites the length in place and a kill there would leave no readable image.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.io.records import RECORD_KEY, Record
from napari_emrestore.pipeline.frame_tables import append_rows
from napari_emrestore.pipeline.growing import frames_per_chunk

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_emrestore.core import Acquisition, Frame, Provenance


class GrowingZarr:
    """See `growing.Growing` and `growing.open_growing`; readable before it holds a frame."""

    def __init__(
        self, path: Path, frame_shape: tuple[int, int], dtype: np.dtype[Any], acquisition: Acquisition
    ) -> None:
        self.path = path
        self.frame_bytes = frame_shape[0] * frame_shape[1] * dtype.itemsize
        self.chunk_frames = frames_per_chunk(self.frame_bytes)
        self.frames = 0
        self._shape, self._dtype = frame_shape, dtype.newbyteorder("<")
        self._acquisition = acquisition
        self._create()
        self._array_file = self.path / "0" / "zarr.json"
        self._array: dict[str, Any] = json.loads(self._array_file.read_text())

    def put(self, frames: Sequence[Frame]) -> None:
        """Write the last chunk again, with what is new in it, or a further one."""
        first = self.frames // self.chunk_frames * self.chunk_frames
        new = frames[self.frames - first :]
        chunk = np.zeros((self.chunk_frames, *self._shape), self._dtype)
        for place, frame in zip(chunk, frames, strict=False):
            place[:] = frame.data
        where = self.path / "0" / "c" / str(first // self.chunk_frames) / "0" / "0"
        where.parent.mkdir(parents=True, exist_ok=True)
        write_whole(where, chunk)
        append_rows(self.path, new, self._acquisition)
        self.frames = first + len(frames)
        self._array["shape"][0] = self.frames
        write_whole(self._array_file, json.dumps(self._array).encode())

    def finish(self, provenance: Provenance) -> None:
        """Add what made the recording."""
        self._describe(provenance)

    def abandon(self) -> None:
        """Nothing is open between two chunks."""

    def _create(self) -> None:
        import zarr

        group = zarr.open_group(str(self.path), mode="w-", zarr_format=3)
        frame_axis = "z" if self._acquisition.frame_axis == "z" else "t"
        group.create_array(
            "0",
            shape=(0, *self._shape),
            dtype=self._dtype,
            chunks=(self.chunk_frames, *self._shape),
            compressors=None,
            dimension_names=(frame_axis, "y", "x"),
        )
        self._describe(None)

    def _describe(self, provenance: Provenance | None) -> None:
        from napari_emrestore.io.zarr_writing import ome_metadata

        group = {
            "zarr_format": 3,
            "node_type": "group",
            "attributes": {
                "ome": ome_metadata(self._acquisition, 1, True),
                RECORD_KEY: Record(self._acquisition, provenance).to_dict(),
            },
        }
        write_whole(self.path / "zarr.json", json.dumps(group).encode())


def write_whole(path: Path, content: bytes | NDArray[Any]) -> None:
    """Write a file so that it is there whole or not at all, on the disk and not only in its cache."""
    partial = path.with_name(f".{path.name}.partial")
    with partial.open("wb") as stream:
        stream.write(content if isinstance(content, bytes) else content.data.cast("B"))
        stream.flush()
        os.fsync(stream.fileno())
    partial.replace(path)
