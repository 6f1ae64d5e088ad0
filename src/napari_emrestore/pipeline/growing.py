"""Files that gain frames and can be read at any moment: which there are, and where they may be made."""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from napari_emrestore.core import InputError
from napari_emrestore.pipeline.frame_tables import table_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from io import RawIOBase

    import numpy as np
    from numpy.typing import NDArray

    from napari_emrestore.core import Acquisition, Frame, Provenance

_CHUNK_BYTES = 16 << 20
_MOST_FRAMES = 64
_HERE = "napari_emrestore.pipeline"
RECORDING_FORMATS = {
    ".zarr": f"{_HERE}.growing_zarr:GrowingZarr",
    ".mrc": f"{_HERE}.growing_mrc:GrowingMrc",
    ".tif": f"{_HERE}.growing_tiff:GrowingTiff",
    ".tiff": f"{_HERE}.growing_tiff:GrowingTiff",
}


class Growing(Protocol):
    """A recording on disk; used by one thread. All methods raise `OSError` if the system refuses.

    Attributes
    ----------
    path : Path
        What can be read: always, once it holds a frame.
    frame_bytes, chunk_frames, frames : int
        Bytes of a frame, frames to be put together, and frames that can be read.
    """

    path: Path
    frame_bytes: int
    chunk_frames: int
    frames: int

    def put(self, frames: Sequence[Frame]) -> None:
        """Write frames from the last whole chunk on; the same may come again with more behind them."""
        ...

    def finish(self, provenance: Provenance) -> None:
        """Add what made the recording, and close it."""
        ...

    def abandon(self) -> None:
        """Close it as it is."""
        ...


def open_growing(
    path: str | Path, frame_shape: tuple[int, int], dtype: np.dtype[Any], acquisition: Acquisition
) -> Growing:
    """Return a new recording; the suffix of its name picks the format.

    Parameters
    ----------
    path : str or Path
        Ends in one of `RECORDING_FORMATS`; nothing may be there yet.
    frame_shape : tuple of int
        ``(Y, X)``.
    dtype : dtype
        Of the frames.
    acquisition : Acquisition
        What is known about them.

    Raises
    ------
    InputError
        If the name is taken or ends otherwise, its folder does not exist, or the format cannot hold the type.
    OSError
        If the system refuses to write.
    """
    place = Path(path).expanduser()
    if place.suffix.lower() not in RECORDING_FORMATS:
        raise InputError(
            f"The name of a recording ends in {', '.join(RECORDING_FORMATS)}",
            item=place.name,
            came="does not",
        )
    _check_free(place)
    module, name = RECORDING_FORMATS[place.suffix.lower()].split(":")
    made: Growing = getattr(import_module(module), name)(place, frame_shape, dtype, acquisition)
    return made


def frames_per_chunk(frame_bytes: int) -> int:
    """Return how many frames are put together at most: 64, or 16 MiB of them."""
    return max(1, min(_MOST_FRAMES, _CHUNK_BYTES // frame_bytes))


def write_at(stream: RawIOBase, where: int, content: bytes | NDArray[Any]) -> None:
    """Write bytes at a place of a file, onto the disk and not only into its cache."""
    left = memoryview(content).cast("B") if isinstance(content, bytes) else content.data.cast("B")
    stream.seek(where)
    while left:  # a single write may take less, for example just before the disk is full
        left = left[stream.write(left) :]
    os.fsync(stream.fileno())


def _check_free(path: Path) -> None:
    if not path.parent.is_dir():
        raise InputError(
            "A recording is made in an existing folder",
            item=str(path.parent),
            came="does not exist",
            remedy="Create it first.",
        )
    for taken in (path, table_of(path)):
        if taken.exists():
            raise InputError(
                "A recording never replaces another",
                item=str(taken),
                came="is there already",
                remedy="Choose another name.",
            )
