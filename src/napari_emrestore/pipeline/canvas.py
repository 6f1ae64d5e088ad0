"""Where the results of several bursts are laid: an array in memory, or on disk as they come."""

from __future__ import annotations

import math
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.core import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from napari_emrestore.pipeline.windows import Job


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


def streams(job: Job) -> bool:
    """Return whether results go to the output as they come, instead of staying in memory until the end."""
    output = job.settings.output
    return (
        output is not None and output.endswith(".zarr") and (len(job.ranges) > 1 or len(job.ranges[0]) == 1)
    )


@contextmanager
def canvas_for(job: Job) -> Iterator[Any]:
    """Give the array that results are laid into: on disk, in memory, or ``None`` for a single burst."""
    from napari_emrestore.io import zarr_target

    if streams(job):
        with zarr_target(
            str(job.settings.output), job.result_shape, np.float32, job.stack.acquisition
        ) as array:
            yield array
    elif len(job.ranges) > 1:
        yield _in_memory(job.result_shape)
    else:
        yield None


def _in_memory(shape: tuple[int, ...]) -> NDArray[np.float32]:
    from napari_emrestore.restoration.devices import free_memory

    need, free = 4 * math.prod(shape), free_memory()
    if need > free // 2:
        raise InputError(
            "A restored stack must fit into half of the free memory, or go to a Zarr image on disk",
            came=f"shape {shape} takes {need / 2**30:.1f} GiB and {free / 2**30:.1f} GiB are free",
            remedy="Name an output that ends in .zarr.",
        )
    return np.empty(shape, np.float32)


def reopened(output: str | None) -> Any:
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
