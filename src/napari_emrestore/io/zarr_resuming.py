"""A Zarr image that is made in pieces, by anybody, over several starts: what is finished is not made again.

Until all is done it lies hidden beside its final name, under a tag of what makes it. Beside it lies its
record: one JSON line that says what is made, then one per finished piece. A changed setting has another tag
and so another image and record; results of different settings cannot mix.
"""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import contextmanager
from dataclasses import dataclass
from glob import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.core import SILENT
from napari_emrestore.io.records import Record
from napari_emrestore.io.staging import kept_until_done, remove_tree
from napari_emrestore.io.zarr_writing import check_target, create_image, finish_image

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from napari_emrestore.core import Acquisition, Monitor, Provenance

_TAG_DIGITS = 12


@dataclass(slots=True, eq=False)
class Unfinished:
    """An image in the making.

    Attributes
    ----------
    array : zarr.Array
        Its full-size level, to be filled.
    folder : Path
        Where it lies; the array is ``folder / "0"``.
    finished : dict of int to dict
        What was noted about each finished piece, by its number.
    provenance : Provenance, optional
        To be set before the end.
    """

    array: Any
    folder: Path
    record: Path
    finished: dict[int, dict[str, Any]]
    provenance: Provenance | None = None

    def note(self, number: int, facts: Mapping[str, Any]) -> None:
        """Note that a piece is written, so that it lasts whatever happens next."""
        self.finished[number] = dict(facts)
        with self.record.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps({"piece": number, **facts}, allow_nan=False) + "\n")
            stream.flush()
            os.fsync(stream.fileno())


@contextmanager
def resumable_zarr(
    path: str | Path,
    shape: tuple[int, ...],
    acquisition: Acquisition,
    made_of: Mapping[str, Any],
    *,
    chunk_px: tuple[int, int],
    monitor: Monitor = SILENT,
) -> Iterator[Unfinished]:
    """Give a float32 Zarr array to be filled piece by piece; at the end it becomes an image at `path`.

    When the block fails or is cancelled, what was finished stays, and the next call with the same arguments
    gives it back. Unfinished images of other settings are removed when an image is done.

    Parameters
    ----------
    path : str or Path
        Ends in ``.zarr``; an older Zarr image there is replaced at the end.
    shape : tuple of int
        ``(Y, X)`` or ``(N, Y, X)``.
    acquisition : Acquisition
        What the file is to carry.
    made_of : mapping
        Everything that the pixels depend on, as plain JSON.
    chunk_px : tuple of int
        ``(Y, X)`` of the stored pieces.
    monitor : Monitor
        Told about the pyramid that is made at the end.

    Raises
    ------
    InputError, WriteError
        As `write_image`.
    """
    final = check_target(path, shape, np.float32)
    claim = {"made_of": made_of, "shape": list(shape), "chunk": list(chunk_px)}
    tag = hashlib.sha256(json.dumps(claim, sort_keys=True).encode()).hexdigest()[:_TAG_DIGITS]
    with kept_until_done(final, tag) as folder:
        record = folder.with_name(f"{folder.name}.jsonl")
        finished = _read(record, claim) if (folder / "0" / "zarr.json").is_file() else None
        if finished is None:
            remove_tree(folder)
            create_image(folder, shape, np.dtype(np.float32), acquisition, chunk_px)
            record.write_text(json.dumps(claim) + "\n", encoding="utf-8")
        import zarr

        group: Any = zarr.open_group(str(folder), mode="r+")
        image = Unfinished(group["0"], folder, record, finished or {})
        yield image
        finish_image(group, Record(acquisition, image.provenance), monitor)
    for left in final.parent.glob(f".{escape(final.name)}.*.unfinished*"):
        remove_tree(left)


def _read(record: Path, claim: Mapping[str, Any]) -> dict[int, dict[str, Any]] | None:
    """Return what was noted, or None where the record is missing or of something else.

    A last line that was cut off by a crash is a piece that is made again.
    """
    try:
        first, *lines = record.read_text(encoding="utf-8").splitlines()
        if json.loads(first) != json.loads(json.dumps(claim)):
            return None
    except (OSError, ValueError):
        return None
    finished = {}
    for line in lines:
        try:
            facts = json.loads(line)
        except json.JSONDecodeError:
            continue
        finished[int(facts.pop("piece"))] = facts
    return finished
