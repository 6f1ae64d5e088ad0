"""The table beside a recording: one line of JSON per frame, appended before the frame counts as written."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_emrestore.core import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_emrestore.core import Acquisition, Frame

TABLE = "frames.jsonl"


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
    table = table_of(Path(path).expanduser())
    if not table.is_file():
        raise InputError(
            "A recording has a table of its frames", item=str(path), came=f"comes without {table.name}"
        )
    lines = table.read_text(encoding="utf-8").split("\n")
    # what follows the last line break was being written when the process ended
    rows: list[dict[str, Any]] = [json.loads(line) for line in lines[:-1]]
    return rows


def table_of(recording: Path) -> Path:
    """Return where the table of a recording lies: in a Zarr folder, beside a file."""
    if recording.name.lower().endswith(".zarr"):
        return recording / TABLE
    return recording.with_name(f"{recording.name}.{TABLE}")


def append_rows(recording: Path, frames: Sequence[Frame], known: Acquisition) -> None:
    """Add a line for each frame; what `known` says of all of them is left out."""
    lines = "".join(json.dumps(_row(frame, known), default=str) + "\n" for frame in frames)
    with table_of(recording).open("a", encoding="utf-8") as table:
        table.write(lines)
        table.flush()
        os.fsync(table.fileno())


def _row(frame: Frame, known: Acquisition) -> dict[str, Any]:
    row: dict[str, Any] = {"index": frame.index, "time_s": frame.time_s}
    if frame.acquisition.exposure_ms != known.exposure_ms:
        row["exposure_ms"] = frame.acquisition.exposure_ms
    extra = frame.acquisition.extra
    return row | {k: v for k, v in extra.items() if k not in known.extra or known.extra[k] != v}
