"""What a recorder says when it cannot go on: what was needed, what came, what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_emrestore.core import WriteError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

    from napari_emrestore.core import Frame


def too_slow(path: Path, written: int, received: int) -> WriteError:
    """Return the error of a disk that lets too many frames wait in memory."""
    return WriteError(
        "A disk that keeps up with the camera is needed",
        item=str(path),
        came=f"left {received - written} frames waiting; the first {written} of {received} can be read",
        remedy="Record to a faster disk, a smaller region or at a lower frame rate.",
    )


def frame_changed(frame: Frame, shape: tuple[int, int], dtype: np.dtype[Any]) -> WriteError:
    """Return the error of a camera whose frames are no longer like those before."""
    return WriteError(
        f"The frames of a recording share shape and type, {shape[0]} x {shape[1]} {dtype}",
        item=f"frame {frame.index}",
        came=f"is {frame.data.shape[0]} x {frame.data.shape[1]} {frame.data.dtype}",
        remedy="What came before can be read; record what comes now to another file.",
    )


def no_room(path: Path, needed: int, reserve: int, free: int) -> WriteError:
    """Return the error of a disk without room for `needed` bytes beside a reserve."""
    return WriteError(
        f"A recording needs {needed / 2**20:.0f} MiB beside a reserve of {reserve / 2**20:.0f} MiB",
        item=str(path),
        came=f"has {max(0, free) / 2**20:.0f} MiB",
        remedy="Free some space or record elsewhere; what was written so far can be read.",
    )


def refused(path: Path, error: Exception | str) -> WriteError:
    """Return the error of a system that does not write."""
    return WriteError(
        "A disk that takes the frames is needed",
        item=str(path),
        came=f"could not be written ({error})",
        remedy="What was written before can be read; choose another disk and start again.",
    )
