"""A stack on disk as a source of frames: lazy, guarded, with what is known about its acquisition."""

from __future__ import annotations

import math
import weakref
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from napari_emrestore.core import FormatError, Frame, InputError
from napari_emrestore.core.closing import ClosedAtEnd
from napari_emrestore.core.frames import Acquisition
from napari_emrestore.io.axes import AxisView, FrameAxes
from napari_emrestore.io.files import file_sha256
from napari_emrestore.io.guarding import check_claim, reading

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import ArrayLike, NDArray

_CHUNK_BYTES = 64 << 20


class Pixels(Protocol):
    """Anything with the shape, type and slicing of an array ``(N, Y, X)``."""

    @property
    def shape(self) -> tuple[int, ...]: ...  # noqa: D102
    @property
    def dtype(self) -> np.dtype[Any]: ...  # noqa: D102
    def __getitem__(self, key: tuple[slice, slice, slice], /) -> Any: ...


def _nothing() -> None:
    """Close what needs no closing."""


@dataclass(frozen=True, slots=True, eq=False)
class StoredStack:
    """What a format's reader hands over; nothing of it has been unpacked yet.

    Attributes
    ----------
    pixels : array-like, shape (N, Y, X)
        Reads from disk when sliced.
    acquisition : Acquisition
        What the file says.
    tile : tuple of int
        ``(n, y, x)`` size of the pieces the file is stored in; reading multiples of it is cheap.
    close : callable
        Releases the file; calling it twice is harmless.
    is_sparse : bool
        Whether absent pieces are part of the format (Zarr), so that size says nothing about damage.
    smaller : tuple of (array-like, tuple of int)
        The smaller copies of a pyramid, largest first, each with its stored piece; for looking at only.
    """

    pixels: Pixels
    acquisition: Acquisition
    tile: tuple[int, int, int] = (1, 1, 1)
    close: Callable[[], None] = _nothing
    is_sparse: bool = False
    smaller: tuple[tuple[Pixels, tuple[int, int, int]], ...] = ()


class FrameStack(ClosedAtEnd):
    """Frames of a file or folder, read when asked for; satisfies `FrameSource`.

    Parameters
    ----------
    stored : StoredStack
        As a format's reader returns it.
    path : Path, optional
        Where it came from; None for an array in memory.

    Raises
    ------
    FormatError
        If the stack has no pixel, is not of real numbers, or claims more than its file can hold.
    """

    def __init__(self, stored: StoredStack, path: Path | None = None) -> None:
        self._stored = stored
        self._path = path
        self._is_open = True
        # a stack that nobody closed lets go of its file when it is forgotten
        self._release = weakref.finalize(self, stored.close)
        try:
            self._check()
        except FormatError:
            self.close()
            raise

    @classmethod
    def from_array(cls, data: ArrayLike, acquisition: Acquisition = Acquisition()) -> FrameStack:
        """Return a stack of the frames of an array in memory.

        Parameters
        ----------
        data : array_like, shape (N, Y, X) or (Y, X)
            A numpy, dask or zarr array of real numbers.
        acquisition : Acquisition
            What is known about it.
        """
        array: Any = data if hasattr(data, "shape") else np.asarray(data)
        if len(array.shape) not in (2, 3):
            raise InputError(
                "A stack is an array (N, Y, X) or (Y, X)", came=f"an array of shape {array.shape} came"
            )
        axes = FrameAxes(None, 0, 1) if len(array.shape) == 2 else FrameAxes(0, 1, 2)
        return cls(StoredStack(AxisView(array, axes), acquisition))

    @property
    def acquisition(self) -> Acquisition:
        """What the file says about how the frames were taken."""
        return self._stored.acquisition

    @property
    def frame_shape(self) -> tuple[int, int]:
        """Shape ``(Y, X)`` of every frame."""
        _, y, x = self._stored.pixels.shape
        return int(y), int(x)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Pixel type of every frame, in this machine's byte order."""
        return np.dtype(self._stored.pixels.dtype).newbyteorder("=")

    @property
    def data(self) -> Any:
        """The stack ``(N, Y, X)`` as a dask array; nothing is read before it is computed.

        Reading a damaged piece raises `FormatError` from inside ``compute``.
        """
        return self._lazy(self._stored.pixels, self._stored.tile)

    @property
    def levels(self) -> list[Any]:
        """`data` and, if the file holds a pyramid, its smaller copies ``(N, y, x)``, largest first."""
        return [self.data, *(self._lazy(pixels, tile) for pixels, tile in self._stored.smaller)]

    def __len__(self) -> int:
        return int(self._stored.pixels.shape[0])

    def __getitem__(self, index: int) -> Frame:
        position = index + len(self) if index < 0 else index
        if not 0 <= position < len(self):
            raise InputError(
                f"A frame number of this stack lies between 0 and {len(self) - 1}", came=f"{index} came"
            )
        return self._frame(self._read((slice(position, position + 1), slice(None), slice(None)))[0], position)

    def __iter__(self) -> Iterator[Frame]:
        frame_bytes = self.dtype.itemsize * self.frame_shape[0] * self.frame_shape[1]
        # frames stored in one piece are unpacked together, so that the piece is unpacked once
        count = max(1, min(self._stored.tile[0], _CHUNK_BYTES // frame_bytes))
        for start in range(0, len(self), count):
            block = self._read((slice(start, min(start + count, len(self))), slice(None), slice(None)))
            yield from (self._frame(image, start + i) for i, image in enumerate(block))

    def sha256(self) -> str:
        """Return the hash of the file (or of all files of a folder), for provenance; empty for an array."""
        return "" if self._path is None else file_sha256(self._path)

    def close(self) -> None:
        """Release the file."""
        self._is_open = False
        self._release()

    def _check(self) -> None:
        shape, dtype = self._stored.pixels.shape, self.dtype
        name = self._path.name if self._path else "the array"
        if len(shape) != 3 or 0 in shape:
            raise FormatError("A stack has at least one pixel", item=name, came=f"has shape {tuple(shape)}")
        if dtype.kind not in "buif":
            raise FormatError(
                "A stack holds real numbers, one per pixel",
                item=name,
                came=f"has pixels of type {dtype}",
                remedy="Convert complex data to modulus or phase, and colour to grey, then save it again.",
            )
        if self._path is not None and self._path.is_file() and not self._stored.is_sparse:
            claimed = math.prod(int(size) for size in shape) * dtype.itemsize
            check_claim(self._path, claimed, self._path.stat().st_size, f"pixels of shape {tuple(shape)}")

    def _lazy(self, pixels: Pixels, tile: tuple[int, int, int]) -> Any:
        """Return an array of this stack's file as a dask array."""
        import dask.array

        def block(_shape: Any, key: tuple[slice, slice, slice], *_: Any) -> NDArray[Any]:
            return self._read(key, pixels)

        from_array: Any = dask.array.from_array
        count, y, x = (int(length) for length in pixels.shape)
        return from_array(
            lazy := _LazyPixels((count, y, x), self.dtype),
            chunks=chunk_shape(lazy.shape, self.dtype.itemsize, tile),
            name=False,
            getitem=block,
            meta=np.empty((0, 0, 0), self.dtype),
        )

    def _read(self, key: tuple[slice, slice, slice], pixels: Pixels | None = None) -> NDArray[Any]:
        if not self._is_open:
            raise InputError(
                "An open stack is needed",
                item=str(self._path or "the stack"),
                came="was closed",
                remedy="Read inside the `with` block, or open it again.",
            )
        with reading(self._path or Path("array")):
            found = self._stored.pixels if pixels is None else pixels
            return np.asarray(found[key]).astype(self.dtype, copy=False)

    def _frame(self, image: NDArray[Any], index: int) -> Frame:
        acquisition = self.acquisition
        if image.dtype.kind == "f" and (count := image.size - int(np.isfinite(image).sum())):
            extra = {**acquisition.extra, "not_finite_pixels": count}
            acquisition = replace(acquisition, extra=extra)
        step = acquisition.frame_step
        time_s = (index + 1) * step / 1000 if acquisition.frame_axis == "time" and step else None
        return Frame(image, index, acquisition, time_s)


@dataclass(frozen=True, slots=True)
class _LazyPixels:
    """Shape and type for dask, which reads through its stack."""

    shape: tuple[int, int, int]
    dtype: np.dtype[Any]

    @property
    def ndim(self) -> int:
        return 3


def chunk_shape(
    shape: tuple[int, int, int], itemsize: int, tile: tuple[int, int, int] = (1, 1, 1)
) -> tuple[int, int, int]:
    """Return the ``(n, y, x)`` chunk for a stack: whole frames, or bands of rows of up to 64 MiB.

    Parameters
    ----------
    shape : tuple of int
        ``(N, Y, X)`` of the stack.
    itemsize : int
        Bytes per pixel.
    tile : tuple of int
        Stored piece; chunks are whole multiples of it, also where that exceeds 64 MiB.
    """
    frames, height, width = shape
    depth = min(tile[0], frames)
    columns = width
    rows = _CHUNK_BYTES // max(1, depth * columns * itemsize)
    if rows < tile[1]:
        rows = tile[1]
        columns = max(tile[2], _CHUNK_BYTES // max(1, depth * rows * itemsize) // tile[2] * tile[2])
    return depth, min(height, rows // tile[1] * tile[1]), min(width, columns)
