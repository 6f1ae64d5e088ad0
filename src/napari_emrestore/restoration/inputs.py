"""What `restore` was given, as images of N frames each that can be read piece by piece."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.core import Acquisition, Burst, Frame, InputError, RegisteredBurst

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_emrestore.core import Restorer
    from napari_emrestore.restoration.plan import Rect

_READ_AT_ONCE = 1 << 28  # bytes; a lazy array up to this size is read whole


@dataclass(slots=True, eq=False)
class Inputs:
    """One or more images to be restored, each from the same number of frames.

    Attributes
    ----------
    data : array, shape (Y, X) or (N, Y, X)
        Pixels in input units: numpy, dask, zarr, or anything with ``shape``, ``dtype`` and slicing.
    images : int
        Images to be made.
    frames : int
        Frames that make one image.
    acquisition : Acquisition
        Of the input.
    valid : ndarray, optional
        Same shape as `data`: where pixels are measured; ``None`` if all are.
    origin_px : tuple of int
        ``(y, x)`` of the first pixel in the frames as they were taken.
    raw : array, optional
        Frames as the detector gave them, where `data` were resampled since.
    stacked : bool
        Whether the result is a stack ``(N, Y, X)`` of the `images`.
    results : int
        Arrays of the result's shape that are made: two with the expected error.
    by_rows : bool
        Whether a lazy array is read in full-width rows, for windows that come row by row.
    """

    data: Any
    images: int
    frames: int
    acquisition: Acquisition
    valid: NDArray[np.bool_] | None = None
    origin_px: tuple[int, int] = (0, 0)
    raw: Any = None
    stacked: bool = False
    by_rows: bool = True
    results: int = 1
    _rows: tuple[int, int, int, NDArray[Any]] | None = field(default=None, repr=False)

    @property
    def shape(self) -> tuple[int, int]:
        """``(Y, X)`` of an image."""
        return int(self.data.shape[-2]), int(self.data.shape[-1])

    @property
    def result_shape(self) -> tuple[int, ...]:
        """``(Y, X)``, or ``(N, Y, X)`` for a stack."""
        return (self.images, *self.shape) if self.stacked else self.shape

    @property
    def nbytes(self) -> int:
        """Bytes of the input, in memory or not."""
        return int(np.prod(self.data.shape)) * int(self.data.dtype.itemsize)

    @property
    def in_memory(self) -> bool:
        """Whether the input is a numpy array."""
        return isinstance(self.data, np.ndarray)

    def read(self, image: int, part: Rect) -> NDArray[Any]:
        """Return the frames ``(N, y, x)`` of one image within a rectangle, in input units.

        A lazy array is read in full-width rows and the last ones are kept, because its chunks are often
        whole frames and would be decoded again for every window.
        """
        if self.in_memory or not self.by_rows:
            return self._cut(image, part.slices)
        first, last = part.y0, part.y1
        if self._rows is None or not (
            self._rows[0] == image and self._rows[1] <= first and last <= self._rows[2]
        ):
            self._rows = None  # before the next rows are read, so that only one set is in memory
            self._rows = (image, first, last, self._cut(image, (slice(first, last), slice(None))))
        start = self._rows[1]
        return self._rows[3][:, first - start : last - start, part.x0 : part.x1]

    def measured(self, image: int, part: Rect) -> NDArray[np.bool_] | None:
        """Return where the frames ``(N, y, x)`` within a rectangle are measured; ``None`` if all are."""
        return None if self.valid is None else self.valid[(slice(None), *part.slices)]

    def _cut(self, image: int, area: tuple[slice, slice]) -> NDArray[Any]:
        if self.data.ndim == 2:
            return np.asarray(self.data[area])[None]
        frames = slice(None) if self.frames > 1 else slice(image, image + 1)
        return np.asarray(self.data[(frames, *area)])


def gather(data: Any, restorer: Restorer) -> Inputs:
    """Return what is to be restored.

    Parameters
    ----------
    data : array, Frame, Burst or RegisteredBurst
        ``(Y, X)`` is one image; ``(N, Y, X)`` is one burst if the restorer takes several frames, else N
        images.
    restorer : Restorer
        Whose `frames` decide.

    Raises
    ------
    InputError
        If it is none of these, holds no pixel or no real numbers, or has too many or too few frames.
    """
    if isinstance(data, RegisteredBurst):
        valid = None if data.valid.all() else data.valid
        raw = data.burst.frames[list(data.accepted)]
        inputs = Inputs(
            data.aligned, 1, len(data.aligned), data.burst.acquisition, valid, data.origin_px, raw
        )
    elif isinstance(data, Burst):
        inputs = Inputs(data.frames, 1, len(data), data.acquisition)
    elif isinstance(data, Frame):
        inputs = Inputs(_checked(data.data), 1, 1, data.acquisition)
    else:
        inputs = _from_array(_checked(data), restorer)
    _refuse_frame_count(inputs, restorer)
    return inputs


def _from_array(data: Any, restorer: Restorer) -> Inputs:
    if data.ndim == 2:
        return Inputs(data, 1, 1, Acquisition())
    if restorer.frames[1] > 1:
        return Inputs(data, 1, data.shape[0], Acquisition())
    return Inputs(data, data.shape[0], 1, Acquisition(), stacked=True)


def _checked(data: Any) -> Any:
    array = data if hasattr(data, "dtype") and hasattr(data, "shape") else np.asarray(data)
    if len(array.shape) not in (2, 3) or 0 in array.shape:
        raise InputError(
            "An image is an array (Y, X), a burst or stack (N, Y, X), with at least one pixel",
            came=f"an array of shape {tuple(array.shape)} came",
            remedy="Pick one channel, or restore the frames of a longer series in bursts.",
        )
    if array.dtype.kind not in "buif":
        raise InputError(
            "An image holds real numbers",
            came=f"pixels of type {array.dtype} came",
            remedy="Convert complex data to its modulus or phase first.",
        )
    small = int(np.prod(array.shape)) * array.dtype.itemsize <= _READ_AT_ONCE
    return np.asarray(array) if small else array


def _refuse_frame_count(inputs: Inputs, restorer: Restorer) -> None:
    fewest, most = restorer.frames
    if not fewest <= inputs.frames <= most:
        span = f"{fewest}" if fewest == most else f"{fewest} to {most}"
        raise InputError(
            f"{restorer.id} makes one image from {span} frame(s)",
            came=f"{inputs.frames} came",
            remedy="Choose another burst length or another model."
            if inputs.frames < fewest
            else "Use fewer frames, merge them first, or choose another model.",
        )
