"""Frames, what is known about their acquisition, bursts of them and the sources they come from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np

from napari_emrestore.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import TracebackType

    from numpy.typing import NDArray

FrameAxis = Literal["time", "z", "index"]


@dataclass(frozen=True, slots=True)
class Acquisition:
    """What is known about how frames were taken; everything unknown is ``None``.

    Attributes
    ----------
    name : str
        Short name of the data set, for layer names and reports.
    path : str
        Where the data came from; empty for data that never was a file.
    pixel_size_nm : tuple of float, optional
        ``(y, x)`` size of a pixel in nanometres.
    frame_axis : {"time", "z", "index"}
        Meaning of the axis along which frames follow each other.
    frame_step : float, optional
        Distance between frames along `frame_axis`: ms for time, nm for z.
    exposure_ms : float, optional
        Exposure (or frame) time of one frame.
    dose_e : float, optional
        Mean electrons per pixel in one frame.
    extra : mapping
        Further facts of the file as plain JSON values (high tension, magnification, ...).
    """

    name: str = "image"
    path: str = ""
    pixel_size_nm: tuple[float, float] | None = None
    frame_axis: FrameAxis = "index"
    frame_step: float | None = None
    exposure_ms: float | None = None
    dose_e: float | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One image ``(Y, X)`` of a source, in the detector's own units.

    Attributes
    ----------
    data : ndarray, shape (Y, X)
        Pixels, real numbers of any dtype.
    index : int
        Position in its source, counted from 0; gaps in a live source show as gaps here.
    acquisition : Acquisition
        What is known about how it was taken.
    time_s : float, optional
        Time stamp of the end of exposure, seconds on the source's clock.
    """

    data: NDArray[Any]
    index: int
    acquisition: Acquisition
    time_s: float | None = None


class FrameSource(Protocol):
    """Where frames come from: a file, a folder, a simulator or a camera.

    Iterating yields frames in order and ends when a recorded source is exhausted; a live source goes on
    until `close` and raises `SourceTimeoutError` when no frame comes in time. A source is a context
    manager, and closing twice is harmless.
    """

    @property
    def acquisition(self) -> Acquisition:
        """What is known about how the frames are taken."""
        ...

    @property
    def frame_shape(self) -> tuple[int, int]:
        """Shape ``(Y, X)`` of every frame."""
        ...

    @property
    def dtype(self) -> np.dtype[Any]:
        """Pixel type of every frame."""
        ...

    def __iter__(self) -> Iterator[Frame]: ...

    def close(self) -> None:
        """Release the file or device."""
        ...

    def __enter__(self) -> FrameSource: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


@dataclass(frozen=True, slots=True, eq=False)
class Burst:
    """N frames of one field of view, gathered to be fused into one image.

    Attributes
    ----------
    frames : ndarray, shape (N, Y, X)
        Pixels in input units, one dtype for all frames.
    acquisition : Acquisition
        Shared by all frames.
    indices : tuple of int
        Position of each frame in its source.

    Raises
    ------
    InputError
        If `frames` is not three-dimensional and real, holds no pixel, or `indices` does not match.
    """

    frames: NDArray[Any]
    acquisition: Acquisition = Acquisition()
    indices: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        shape = np.shape(self.frames)
        if len(shape) != 3 or 0 in shape:
            raise InputError(
                "A burst is an array (N, Y, X) with at least one pixel",
                came=f"an array of shape {shape} came",
                remedy="Add a frame axis, or pick one channel first.",
            )
        if self.frames.dtype.kind not in "buif":
            raise InputError(
                "A burst holds real numbers",
                came=f"pixels of type {self.frames.dtype} came",
                remedy="Convert complex data to its modulus or phase first.",
            )
        if not self.indices:
            object.__setattr__(self, "indices", tuple(range(shape[0])))
        if len(self.indices) != shape[0]:
            raise InputError(
                "A burst needs one index per frame",
                came=f"{len(self.indices)} indices came for {shape[0]} frames",
                remedy="Leave indices out to count from 0.",
            )

    def __len__(self) -> int:
        return int(self.frames.shape[0])
