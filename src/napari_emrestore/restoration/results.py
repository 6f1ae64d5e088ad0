"""Where restored windows go: a numpy array, or anything that takes rectangles, such as a zarr array."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.core import InputError
from napari_emrestore.restoration.devices import free_memory
from napari_emrestore.restoration.plan import Rect

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_emrestore.core import IntensityMap
    from napari_emrestore.restoration.inputs import Inputs


class Result:
    """The array under construction.

    Parameters
    ----------
    array : array
        Floating-point, shape `Inputs.result_shape`.
    mapping : IntensityMap
        Back from model range to input units.
    """

    def __init__(self, array: Any, mapping: IntensityMap) -> None:
        self.array = array
        self._mapping = mapping
        self._pending: list[NDArray[np.float32]] = []
        self._strip: tuple[int, Rect] | None = None
        self._from_x = 0

    def put(self, image: int, where: Rect, values: NDArray[np.float32]) -> None:
        """Write values in model range.

        Neighbours in one row of windows are gathered before they go to an array that is not in memory, so
        that each of its chunks is touched once or twice rather than once per window.
        """
        if isinstance(self.array, np.ndarray):
            # one pass over the result, which is large; the product stays in the cache
            scaled = values * np.float32(self._mapping.scale)
            target = self.array[self._index(image, where)]
            np.add(scaled, np.float32(self._mapping.offset), out=target, casting="same_kind")
            return
        before = Rect(where.y0, where.y1, self._from_x, where.x0)
        if self._strip == (image, before):
            self._strip = (image, Rect(where.y0, where.y1, self._from_x, where.x1))
        else:
            self.flush()
            self._strip, self._from_x = (image, where), where.x0
        self._pending.append(self._mapping.to_input(values))

    def add(self, image: int, where: Rect, values: NDArray[np.float32], weights: NDArray[np.float32]) -> None:
        """Add a weighted share, in model range; the weights of all shares sum to 1 in each pixel."""
        index = self._index(image, where)
        self.array[index] = np.asarray(self.array[index]) + weights * self._mapping.to_input(values)

    def clear(self, image: int) -> None:
        """Set one image to zero, before shares are added."""
        index = (image, slice(None), slice(None)) if self.array.ndim == 3 else (slice(None), slice(None))
        self.array[index] = 0

    def flush(self) -> None:
        """Write what has been gathered."""
        if self._strip is not None:
            self.array[self._index(*self._strip)] = np.concatenate(self._pending, axis=1)
        self._pending, self._strip = [], None

    def _index(self, image: int, where: Rect) -> tuple[Any, ...]:
        return (image, *where.slices) if self.array.ndim == 3 else where.slices


def result_array(inputs: Inputs, out: Any | None) -> Any:
    """Return the array results are written to: `out`, or a new one in memory.

    Raises
    ------
    InputError
        If `out` has another shape or whole numbers, or there is none and the result would fill more than
        half of the free memory.
    """
    shape = inputs.result_shape
    if out is not None:
        if tuple(out.shape) != shape or np.dtype(out.dtype).kind != "f":
            raise InputError(
                f"A restoration of this input is a floating-point array of shape {shape}",
                came=f"out with shape {tuple(out.shape)} and type {out.dtype} came",
                remedy="Create it as float32 in this shape; make whole numbers of it when exporting.",
            )
        return out
    need, free = 4 * inputs.results * int(np.prod(shape)), free_memory()
    if need > free // 2:
        told = " with its expected error" if inputs.results > 1 else ""
        raise InputError(
            f"A restoration{told} must fit into half of the free memory, or go to an array on disk",
            came=f"shape {shape} takes {need / 2**30:.1f} GiB and {free / 2**30:.1f} GiB are free",
            remedy="Pass out=, for example a zarr array of float32 in this shape.",
        )
    return np.empty(shape, np.float32)
