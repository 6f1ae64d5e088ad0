"""An image on its way out: read once, band by band, in the order files are written in."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.core import Acquisition, InputError, Provenance
from napari_emrestore.io.axes import AxisView, FrameAxes
from napari_emrestore.io.exporting import Export, stored_dtype
from napari_emrestore.io.records import Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import DTypeLike, NDArray

    from napari_emrestore.core import Monitor

_READ_BYTES = 32 << 20


class Outgoing:
    """An image or stack to be written, with what is to be said about it.

    Parameters
    ----------
    data : array-like, shape (Y, X) or (N, Y, X)
        A numpy, dask or zarr array of real numbers; read once, in bands of rows.
    acquisition, provenance
        What the file is to carry.
    dtype : dtype-like, optional
        Type asked for; an integer type rounds, clips and counts.
    contrast_limits : tuple of float, optional
        Input values that become black and white of a picture.

    Raises
    ------
    InputError
        If `data` is not an image or stack of real numbers.
    """

    def __init__(
        self,
        data: Any,
        acquisition: Acquisition,
        provenance: Provenance | None = None,
        *,
        dtype: DTypeLike | None = None,
        contrast_limits: tuple[float, float] | None = None,
    ) -> None:
        array: Any = data if hasattr(data, "shape") and hasattr(data, "dtype") else np.asarray(data)
        _check_image(array)
        self.is_stack = len(array.shape) == 3
        axes = FrameAxes(0, 1, 2) if self.is_stack else FrameAxes(None, 0, 1)
        self._array = array
        self._view = AxisView(array, axes)
        self.shape = self._view.shape
        self.acquisition = acquisition
        self.provenance = provenance
        self.asked_dtype = dtype
        self.contrast_limits = contrast_limits
        self.export = Export(self.dtype, self.dtype)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Pixel type of the image as it came, in this machine's byte order."""
        native: np.dtype[Any] = self._view.dtype.newbyteorder("=")
        return native

    def store_as(self, native: tuple[str, ...], wider: Mapping[str, str], kind: str) -> np.dtype[Any]:
        """Settle the type the file keeps, as `stored_dtype`, and return it."""
        target = stored_dtype(self.dtype, self.asked_dtype, native, wider, kind)
        self.export = Export(self.dtype, target, self.contrast_limits)
        return target

    def record(self) -> Record:
        """Return what the file is to carry; after the pixels are written it tells what was clipped."""
        notes = self.export.notes()
        if not notes:
            return Record(self.acquisition, self.provenance)
        made_by = self.provenance or Provenance("write_image")
        return Record(self.acquisition, replace(made_by, notes=(*made_by.notes, *notes)))

    def bands(self, height: int) -> Iterator[tuple[int, int, NDArray[Any]]]:
        """Yield ``(frame, first row, band)`` in file order, each band in the file's type.

        Bands have `height` rows, the last of a frame what is left. Every pixel is computed once.
        """
        for frame, slabs in self._frames(height):
            waiting: NDArray[Any] | None = None
            row = 0
            for slab in slabs:
                ready = slab if waiting is None else np.concatenate([waiting, slab])
                whole = len(ready) // height * height
                for start in range(0, whole, height):
                    yield frame, row, self.export.convert(ready[start : start + height])
                    row += height
                waiting = ready[whole:] if whole < len(ready) else None
            if waiting is not None:
                yield frame, row, self.export.convert(waiting)

    def extremes(self) -> tuple[float, float]:
        """Return the smallest and largest finite value of the image as it came; (0, 0) if none is."""
        low, high = np.inf, -np.inf
        for _, slabs in self._frames(1):
            for slab in slabs:
                finite = slab[np.isfinite(slab)]
                if finite.size:
                    low, high = min(low, float(finite.min())), max(high, float(finite.max()))
        return (low, high) if low <= high else (0.0, 0.0)

    def _frames(self, height: int) -> Iterator[tuple[int, Iterator[NDArray[Any]]]]:
        """Yield each frame's number and its rows from top to bottom, in the pieces the data come in."""
        count, rows, _ = self.shape
        depth, row_edges = self._pieces(height)
        for start in range(0, count, depth):
            stop = min(start + depth, count)
            if depth == 1:
                yield start, (self._read(start, stop, top, low)[0] for top, low in row_edges)
                continue
            # a dask chunk over several frames must be computed whole, so it is, once
            block = self._read(start, stop, 0, rows)
            for frame in range(start, stop):
                yield frame, iter((block[frame - start],))

    def _pieces(self, height: int) -> tuple[int, list[tuple[int, int]]]:
        count, rows, columns = self.shape
        chunks = getattr(self._array, "chunks", None)
        if chunks and isinstance(chunks[0], tuple):
            depth = max(chunks[0]) if self.is_stack else 1
            edges = np.cumsum([0, *chunks[-2]])
            return min(depth, count), list(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True))
        step = max(1, _READ_BYTES // (columns * self.dtype.itemsize) // height) * height
        return 1, [(top, min(top + step, rows)) for top in range(0, rows, step)]

    def _read(self, start: int, stop: int, top: int, low: int) -> NDArray[Any]:
        block = self._view[slice(start, stop), slice(top, low), slice(None)]
        return block.astype(self.dtype, copy=False)


def tell(monitor: Monitor, done: int, total: int, name: str) -> None:
    """Report one written band."""
    monitor.step(done, total, f"writing {name}")


def _check_image(array: Any) -> None:
    shape = tuple(array.shape)
    if len(shape) not in (2, 3) or 0 in shape:
        raise InputError(
            "An image (Y, X) or a stack (N, Y, X) with at least one pixel is needed",
            came=f"an array of shape {shape} came",
            remedy="Pick one channel, or remove empty axes.",
        )
    if np.dtype(array.dtype).kind not in "buif":
        raise InputError(
            "An image of real numbers is needed",
            came=f"pixels of type {array.dtype} came",
            remedy="Write modulus and phase of complex data as two images.",
        )
