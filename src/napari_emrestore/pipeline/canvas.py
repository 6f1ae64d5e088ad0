"""Where the results of several bursts are laid: an array in memory, or on disk as they come."""

from __future__ import annotations

import math
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.core import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from numpy.typing import NDArray

    from napari_emrestore.pipeline.windows import Job, Room


def check_output(output: str) -> None:
    """Refuse an output that could not be written, before any work is done for it.

    Raises
    ------
    InputError
        If its folder does not exist or no format has its suffix.
    """
    from napari_emrestore.io import writable_suffixes

    path = Path(output)
    if path.suffix.lower() not in writable_suffixes():
        raise InputError(
            f"An output ends in one of {', '.join(writable_suffixes())}", item=path.name, came="does not"
        )
    if not path.parent.is_dir():
        raise InputError(
            "An output is written into an existing folder",
            item=str(path.parent),
            came="does not exist",
            remedy="Create it first.",
        )


def error_output(output: str | Path) -> Path:
    """Return the file beside an output that its expected error goes to: ``NAME.expected-error.SUFFIX``."""
    path = Path(output)
    ends = f".ome{path.suffix}" if path.stem.endswith(".ome") else path.suffix
    return path.with_name(f"{path.name.removesuffix(ends)}.expected-error{ends}")


def streams(job: Job) -> bool:
    """Return whether results go to the output as they come, instead of staying in memory until the end."""
    output = job.settings.output
    return (
        output is not None and output.endswith(".zarr") and (len(job.ranges) > 1 or len(job.ranges[0]) == 1)
    )


def in_blocks(job: Job) -> bool:
    """Return whether frames are restored in the blocks of a regular grid, each of which is written once.

    So it is with single frames that go to a Zarr image, whoever works on them, wherever that is.
    """
    return streams(job) and len(job.ranges[0]) == 1 and job.restorer.tiling.mode == "exact"


def chunk_px(job: Job) -> tuple[int, int]:
    """Return the ``(Y, X)`` of the pieces that results on disk are stored in: those of the blocks, if any."""
    from napari_emrestore.io.zarr_writing import CHUNK_PX
    from napari_emrestore.restoration.blocks import blocks_of
    from napari_emrestore.restoration.inputs import gather

    usual = (CHUNK_PX, CHUNK_PX)
    if not in_blocks(job) or job.settings.tile == "auto":
        return usual
    first = blocks_of(gather(job.stack.data[0], job.restorer), job.restorer, job.settings.tile).windows[0]
    return first.write.shape


@dataclass(frozen=True, slots=True, eq=False)
class Canvas:
    """Where the images of a run's bursts go.

    Attributes
    ----------
    array : array, optional
        ``(W, Y, X)`` for several bursts, ``(Y, X)`` for a single frame that goes to disk; ``None`` for a
        single burst, whose shape is known once it is registered.
    several : bool
        Whether there are several bursts.
    room : callable, optional
        Gives the array for a single burst, see `restore_window`.
    """

    array: Any | None
    several: bool
    room: Room | None

    def room_for(self, position: int, shape: tuple[int, ...], origin_px: tuple[int, int]) -> Any | None:
        """Return where the restoration of a burst is written, ``None`` if it is to make its own array.

        What the crop of a burst leaves out of its frame is not-a-number, not a measurement.
        """
        if not self.several:
            return self.room(shape, origin_px) if self.array is None and self.room else self.array
        if not isinstance(self.array, np.ndarray):
            return None
        frame = self.array[position]
        frame.fill(np.nan)
        (top, left), (height, width) = origin_px, shape
        return frame[top : top + height, left : left + width]

    def lay(self, position: int, image: Any, origin_px: tuple[int, int]) -> None:
        """Put a finished burst in its place, if it was not written there."""
        if self.several and self.array is not None and not isinstance(self.array, np.ndarray):
            self.array[position] = on_frame_grid(image, origin_px, self.array.shape[1:])


def canvas_for(job: Job, room: Room | None = None) -> AbstractContextManager[Canvas]:
    """Give the canvas of a run: on disk, where `room` says, or in memory."""
    return _canvas(job, job.settings.output, room)


def error_canvas_for(job: Job) -> AbstractContextManager[Canvas | None]:
    """Give the canvas of the expected error of a run, on disk or in memory; ``None`` if nobody asked."""
    if not job.settings.expected_error:
        return nullcontext()
    output = job.settings.output
    return _canvas(job, None if output is None else error_output(output), None)


@contextmanager
def _canvas(job: Job, output: str | Path | None, room: Room | None) -> Iterator[Canvas]:
    from napari_emrestore.io import zarr_target

    several = len(job.ranges) > 1
    if streams(job):
        with zarr_target(
            str(output),
            job.result_shape,
            np.float32,
            job.stack.acquisition,
            chunk_px=chunk_px(job),
        ) as array:
            yield Canvas(array, several, None)
    elif several:
        refuse_too_large(job.result_shape, 1 + job.settings.expected_error)
        yield Canvas((room or _in_memory)(job.result_shape, (0, 0)), several, room)
    else:
        yield Canvas(None, several, room)


def fits_in_memory(shape: tuple[int, ...], count: int = 1) -> bool:
    """Return whether `count` results of this shape fit into half of the memory that is free now."""
    from napari_emrestore.restoration.devices import free_memory

    return 4 * count * math.prod(shape) <= free_memory() // 2


def refuse_too_large(shape: tuple[int, ...], count: int = 1) -> None:
    """Refuse `count` results that would fill more than half of the free memory.

    Raises
    ------
    InputError
        With what it takes.
    """
    if not fits_in_memory(shape, count):
        raise InputError(
            "A restored stack must fit into half of the free memory, or go to a Zarr image on disk",
            came=f"shape {shape} takes {4 * count * math.prod(shape) / 2**30:.1f} GiB",
            remedy="Name an output that ends in .zarr.",
        )


def _in_memory(shape: tuple[int, ...], origin_px: tuple[int, int]) -> NDArray[np.float32]:
    return np.empty(shape, np.float32)


def reopened(output: str | Path | None) -> Any:
    """Return the full-size level of a finished OME-Zarr image, lazily."""
    import zarr

    return zarr.open_array(f"{output}/0", mode="r")


def on_frame_grid(
    image: NDArray[np.float32], origin_px: tuple[int, int], shape: tuple[int, int]
) -> NDArray[np.float32]:
    """Return a cropped image at its place in a frame; what the crop left out is NaN, not a measurement."""
    if image.shape == shape:
        return image
    frame = np.full(shape, np.nan, np.float32)
    (top, left), (height, width) = origin_px, image.shape
    frame[top : top + height, left : left + width] = image
    return frame
