"""Gathering bursts: the next N frames of a source, and where windows of N frames lie in a recording."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from napari_emrestore.core import SILENT, Burst, InputError

if TYPE_CHECKING:
    from napari_emrestore.core import FrameSource, Monitor

MOST_FRAMES = 32


def collect(source: FrameSource, n: int, *, monitor: Monitor = SILENT) -> Burst:
    """Return the next `n` frames of a source as one burst.

    Parameters
    ----------
    source : FrameSource
        Iterated from where it stands: a file from its first frame, a camera from now.
    n : int
        Number of frames, 1 to 32.
    monitor : Monitor
        Told after each frame.

    Returns
    -------
    Burst
        ``(n, Y, X)`` in the source's dtype and units, with each frame's position in the source.

    Raises
    ------
    InputError
        If `n` is out of range, the source ends early or a frame has another shape.
    SourceTimeoutError
        When a live source delivers no frame in time.
    Cancelled
        When the user has asked to stop.
    """
    require_count(n)
    frames = np.empty((n, *source.frame_shape), dtype=source.dtype)
    indices: list[int] = []
    # `range` first: zip then stops without taking frame n + 1 from a live source
    for position, frame in zip(range(n), source, strict=False):
        if frame.data.shape != source.frame_shape:
            raise InputError(
                "Burst frames must share one shape",
                item=f"frame {frame.index}",
                came=f"is {frame.data.shape}, the source announced {source.frame_shape}",
                remedy="Crop the series or drop this frame.",
            )
        frames[position] = frame.data
        indices.append(frame.index)
        monitor.step(position + 1, n, "collecting frames")
    if len(indices) < n:
        raise InputError(
            f"A burst of {n} frames was asked for",
            item="the source",
            came=f"ended after {len(indices)}",
            remedy="Ask for fewer frames or take a longer series.",
        )
    return Burst(frames, source.acquisition, tuple(indices))


def windows(count: int, length: int = 5, mode: Literal["sliding", "consecutive"] = "sliding") -> list[range]:
    """Return where bursts of `length` frames lie in a recording of `count` frames.

    Parameters
    ----------
    count : int
        Frames in the recording.
    length : int
        Frames per burst, 1 to 32.
    mode : {"sliding", "consecutive"}
        ``sliding``: one burst begins at every frame. ``consecutive``: no frame is used twice, and the
        frames left over at the end, fewer than `length`, are in no burst.

    Returns
    -------
    list of range
        Frame positions of each burst, in order.

    Raises
    ------
    InputError
        If there are fewer frames than `length`, or an argument is out of range.
    """
    require_count(length)
    if mode not in ("sliding", "consecutive"):
        raise InputError("Burst windows are 'sliding' or 'consecutive'", came=f"{mode!r} came")
    if count < length:
        raise InputError(
            f"A burst of {length} frames needs a recording of at least as many",
            came=f"{count} came",
            remedy="Choose shorter bursts.",
        )
    step = 1 if mode == "sliding" else length
    return [range(start, start + length) for start in range(0, count - length + 1, step)]


def require_count(n: int) -> None:
    """Raise `InputError` unless a burst may have `n` frames."""
    if not 1 <= n <= MOST_FRAMES:
        raise InputError(
            f"A burst has 1 to {MOST_FRAMES} frames",
            came=f"{n} came",
            remedy="Cut the series into windows.",
        )
