"""A recording or any stack, played at a frame rate as if it came from a camera."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.cameras.clock import FrameClock
from napari_emrestore.cameras.source import SLICE_S, LiveSource
from napari_emrestore.core import Acquisition, Frame, InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray


def open_replay(
    *,
    source: str | NDArray[Any] | Any,
    frame_rate_hz: float | None = 25.0,
    repeat: bool = False,
    held_frames: int | None = None,
    timeout_s: float = 10.0,
    reader: Callable[..., Any] | None = None,
) -> Replay:
    """Return a player of a recording.

    Parameters
    ----------
    source : str, ndarray or stack
        The path of a file or folder, an array ``(N, Y, X)``, or an open stack with ``len`` and ``stack[k]``
        giving a `Frame`, such as `io.FrameStack`; an open stack stays open.
    frame_rate_hz : float, optional
        Frames per second; ``None``: as fast as they are asked for.
    repeat : bool
        Whether to begin again at the end; frames are then counted on.
    held_frames : int, optional
        Frames kept for a slow reader; older ones are lost and leave a gap, as with a camera. ``None`` loses
        none: a late frame comes at once.
    timeout_s : float
        See `LiveSource`.
    reader : callable, optional
        Opens a path, for example `io.open_frames`.

    Raises
    ------
    InputError
        If there is no frame, a path comes without a reader, or the frame rate is not above 0.
    """
    if not isinstance(source, str):
        return Replay(_as_stack(source), FrameClock(frame_rate_hz, held_frames), repeat, timeout_s)
    if reader is None:
        raise InputError(
            "A recording is read by a reader", item=source, came="came without one", remedy="Pass reader=."
        )
    stack = reader(source)
    return Replay(stack, FrameClock(frame_rate_hz, held_frames), repeat, timeout_s, stack.close)


class Replay(LiveSource):
    """Plays the frames of a stack; see `open_replay`."""

    def __init__(
        self,
        stack: Any,
        clock: FrameClock,
        repeat: bool,
        timeout_s: float,
        close: Callable[[], None] | None = None,
    ) -> None:
        super().__init__(stack.acquisition, stack.frame_shape, np.dtype(stack.dtype), timeout_s)
        self._stack, self._clock, self._repeat, self._close_stack = stack, clock, repeat, close
        self._next = 0

    def _poll(self) -> Frame | None:
        index = self._clock.oldest_held(self._next)
        if index >= len(self._stack) and not self._repeat:
            self._exhausted = True
            return None
        if not self._clock.due(index, self._closing, SLICE_S):
            return None
        self._next = index + 1
        frame: Frame = self._stack[index % len(self._stack)]
        return replace(frame, index=index, time_s=time.monotonic())

    def _release(self) -> None:
        if self._close_stack is not None:
            self._close_stack()


class _ArrayStack:
    """Frames of an array in memory."""

    def __init__(self, frames: NDArray[Any]) -> None:
        self._frames = frames
        self.acquisition = Acquisition("replay")
        self.frame_shape = (int(frames.shape[1]), int(frames.shape[2]))
        self.dtype = frames.dtype

    def __len__(self) -> int:
        return len(self._frames)

    def __getitem__(self, index: int) -> Frame:
        return Frame(np.asarray(self._frames[index]), index, self.acquisition)


def _as_stack(source: Any) -> Any:
    if hasattr(source, "frame_shape"):
        return source
    shape = np.shape(source)
    if len(shape) != 3 or 0 in shape:
        raise InputError(
            "A recording is an array (N, Y, X) with at least one pixel",
            came=f"an array of shape {shape} came",
        )
    return _ArrayStack(source if hasattr(source, "dtype") else np.asarray(source))
