"""An OME-Zarr image that gains frames and can be read at any moment, up to the last chunk written.

Chunks hold whole frames, uncompressed, so that a chunk file is the frames' bytes: it is written beside its
final name and renamed, then the table of frames, and only then the array's length grows. Whatever kills the
process, what the length promises is there. zarr itself makes the image; only its growth is done here, since
``resize`` rewrites the length in place and a kill there would leave no readable image.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.core import Acquisition, InputError, Provenance
from napari_emrestore.io.records import RECORD_KEY, Record

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_emrestore.core import Frame

TABLE = "frames.jsonl"
_CHUNK_BYTES = 16 << 20
_MOST_FRAMES = 64


class GrowingZarr:
    """A recording on disk; used by one thread.

    Parameters
    ----------
    path : str or Path
        Ends in ``.zarr``; nothing may be there yet.
    frame_shape : tuple of int
        ``(Y, X)``.
    dtype : dtype
        Of the frames.
    acquisition : Acquisition
        What is known about them.

    Raises
    ------
    InputError
        If the name is taken or ends otherwise, or its folder does not exist.
    OSError
        If the system refuses to write; so do all methods.
    """

    def __init__(
        self, path: str | Path, frame_shape: tuple[int, int], dtype: np.dtype[Any], acquisition: Acquisition
    ) -> None:
        self.path = _free_place(Path(path).expanduser())
        self.frame_bytes = frame_shape[0] * frame_shape[1] * dtype.itemsize
        self.chunk_frames = max(1, min(_MOST_FRAMES, _CHUNK_BYTES // self.frame_bytes))
        self.frames = 0
        self._shape, self._dtype = frame_shape, dtype.newbyteorder("<")
        self._acquisition = acquisition
        self._create()
        self._array_file = self.path / "0" / "zarr.json"
        self._array: dict[str, Any] = json.loads(self._array_file.read_text())

    def put(self, frames: Sequence[Frame]) -> None:
        """Write frames that fill a chunk or begin one; the same frames may come again with more behind them.

        Parameters
        ----------
        frames : sequence of Frame
            The frames from the last whole chunk on, at most a chunk of them.
        """
        first = self.frames // self.chunk_frames * self.chunk_frames
        new = frames[self.frames - first :]
        chunk = np.zeros((self.chunk_frames, *self._shape), self._dtype)
        for place, frame in zip(chunk, frames, strict=False):
            place[:] = frame.data
        where = self.path / "0" / "c" / str(first // self.chunk_frames) / "0" / "0"
        where.parent.mkdir(parents=True, exist_ok=True)
        write_whole(where, chunk)
        self._tell(new)
        self.frames = first + len(frames)
        self._array["shape"][0] = self.frames
        write_whole(self._array_file, json.dumps(self._array).encode())

    def finish(self, provenance: Provenance) -> None:
        """Add what made the recording."""
        self._describe(provenance)

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

    def _tell(self, frames: Sequence[Frame]) -> None:
        lines = "".join(json.dumps(_row(frame, self._acquisition), default=str) + "\n" for frame in frames)
        with (self.path / TABLE).open("a", encoding="utf-8") as table:
            table.write(lines)
            table.flush()
            os.fsync(table.fileno())


def frame_table(path: str | Path) -> list[dict[str, Any]]:
    """Return what is known about each frame of a recording: number, time, stage position and the like.

    Parameters
    ----------
    path : str or Path
        A recording; one that was broken off has entries for all frames that can be read.

    Raises
    ------
    InputError
        If it holds no table of frames.
    """
    table = Path(path).expanduser() / TABLE
    if not table.is_file():
        raise InputError("A recording holds a table of its frames", item=str(path), came=f"has no {TABLE}")
    lines = table.read_text(encoding="utf-8").split("\n")
    # what follows the last line break was being written when the process ended
    rows: list[dict[str, Any]] = [json.loads(line) for line in lines[:-1]]
    return rows


def write_whole(path: Path, content: bytes | NDArray[Any]) -> None:
    """Write a file so that it is there whole or not at all, on the disk and not only in its cache."""
    partial = path.with_name(f".{path.name}.partial")
    with partial.open("wb") as stream:
        stream.write(content if isinstance(content, bytes) else content.data.cast("B"))
        stream.flush()
        os.fsync(stream.fileno())
    partial.replace(path)


def _row(frame: Frame, known: Acquisition) -> dict[str, Any]:
    row: dict[str, Any] = {"index": frame.index, "time_s": frame.time_s}
    extra = frame.acquisition.extra
    return row | {k: v for k, v in extra.items() if k not in known.extra or known.extra[k] != v}


def _free_place(path: Path) -> Path:
    if path.suffix.lower() != ".zarr":
        raise InputError("The name of a recording ends in .zarr", item=path.name, came="does not")
    if not path.parent.is_dir():
        raise InputError(
            "A recording is made in an existing folder",
            item=str(path.parent),
            came="does not exist",
            remedy="Create it first.",
        )
    if path.exists():
        raise InputError(
            "A recording never replaces another",
            item=str(path),
            came="is there already",
            remedy="Choose another name.",
        )
    return path
