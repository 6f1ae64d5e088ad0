"""An OME-Zarr image with its smaller copies that is filled piece by piece and can be read all the while."""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.core import InputError
from napari_emrestore.io.pyramid import halve_measured, level_shapes
from napari_emrestore.io.records import RECORD_KEY, Record
from napari_emrestore.io.zarr_writing import CHUNK_PX, ome_metadata

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_emrestore.core import Acquisition, Provenance

_HELD_CHUNKS = 48
_SHOW_EVERY_S = 2.0


class GrowingImage:
    """One multiscale image in a Zarr group; filled by one thread, read by anybody.

    All levels are there from the start, empty. A chunk is written whole, beside its name first, so a reader
    never meets half of one. Chunks of smaller copies are put together in memory, from pieces that lie near
    each other in time, and written when they are complete, every two seconds, and when there are too many.

    Parameters
    ----------
    group : zarr.Group
        An empty group, or that of an image to go on with.
    shape : tuple of int
        ``(Y, X)``.
    dtype : dtype
        A floating type is NaN where nothing has been written, any other 0.
    acquisition : Acquisition
        What is known about it.
    """

    def __init__(
        self, group: Any, shape: tuple[int, int], dtype: np.dtype[Any], acquisition: Acquisition
    ) -> None:
        self._group, self._acquisition = group, acquisition
        shapes = level_shapes(*shape)
        self._levels = [self._level(number, level, dtype) for number, level in enumerate(shapes)]
        self._held: OrderedDict[tuple[int, int, int], _Chunk] = OrderedDict()
        self._shown_s = time.monotonic()
        self.describe(None)

    def put(self, y: int, x: int, pixels: NDArray[Any]) -> None:
        """Write a piece and what follows from it in the smaller copies.

        Parameters
        ----------
        y, x : int
            Its first pixel, multiples of the chunk side (512).
        pixels : ndarray, shape (Y, X)
            One chunk, or less at the far rims of the image.

        Raises
        ------
        InputError
            If the piece is not one chunk of the image.
        """
        height, width = self._levels[0].shape
        wanted = min(CHUNK_PX, height - y), min(CHUNK_PX, width - x)
        if y % CHUNK_PX or x % CHUNK_PX or pixels.shape != wanted:
            raise InputError(
                f"A piece of a growing image is one of its chunks of {CHUNK_PX} px",
                came=f"shape {pixels.shape} at ({y}, {x}) of {height} x {width} px came",
            )
        self._levels[0][y : y + wanted[0], x : x + wanted[1]] = pixels
        self._make_smaller(y, x, pixels)
        if time.monotonic() - self._shown_s > _SHOW_EVERY_S:
            self.flush()

    def refresh(self, y: int, x: int) -> None:
        """Make the smaller copies of a piece that is there already."""
        piece = self._levels[0][y : y + CHUNK_PX, x : x + CHUNK_PX]
        self._make_smaller(y, x, np.asarray(piece))

    def flush(self) -> None:
        """Write what is held, so that the smaller copies show all pieces."""
        for key, chunk in self._held.items():
            self._write(key, chunk)
        self._shown_s = time.monotonic()

    def describe(self, provenance: Provenance | None) -> None:
        """Say what the image is and what made it."""
        self._group.attrs.update(
            {
                "ome": ome_metadata(self._acquisition, len(self._levels), False),
                RECORD_KEY: Record(self._acquisition, provenance).to_dict(),
            }
        )

    def _level(self, number: int, shape: tuple[int, int], dtype: np.dtype[Any]) -> Any:
        if str(number) in self._group:
            return self._group[str(number)]
        return self._group.create_array(
            str(number),
            shape=shape,
            dtype=dtype,
            chunks=(min(CHUNK_PX, shape[0]), min(CHUNK_PX, shape[1])),
            fill_value=np.nan if dtype.kind == "f" else 0,
            dimension_names=("y", "x"),
        )

    def _make_smaller(self, y: int, x: int, pixels: NDArray[Any]) -> None:
        for number in range(1, len(self._levels)):
            y, x, pixels = y // 2, x // 2, halve_measured(pixels)
            self._gather(number, y, x, pixels)

    def _gather(self, number: int, y: int, x: int, pixels: NDArray[Any]) -> None:
        key = number, y // CHUNK_PX, x // CHUNK_PX
        chunk = self._held.get(key) or self._open(key)
        inner = np.s_[
            y % CHUNK_PX : y % CHUNK_PX + pixels.shape[0], x % CHUNK_PX : x % CHUNK_PX + pixels.shape[1]
        ]
        chunk.pixels[inner] = pixels
        chunk.missing_px -= pixels.size
        chunk.changed = True
        self._held[key] = chunk
        self._held.move_to_end(key)
        if chunk.missing_px <= 0:
            self._write(key, self._held.pop(key))
        while len(self._held) > _HELD_CHUNKS:
            self._write(*self._held.popitem(last=False))

    def _open(self, key: tuple[int, int, int]) -> _Chunk:
        pixels = np.asarray(self._levels[key[0]][self._where(key)])
        return _Chunk(pixels, pixels.size)

    def _write(self, key: tuple[int, int, int], chunk: _Chunk) -> None:
        if chunk.changed:
            self._levels[key[0]][self._where(key)] = chunk.pixels
            chunk.changed = False

    def _where(self, key: tuple[int, int, int]) -> tuple[slice, slice]:
        _, row, column = key
        return (
            slice(row * CHUNK_PX, (row + 1) * CHUNK_PX),
            slice(column * CHUNK_PX, (column + 1) * CHUNK_PX),
        )


class _Chunk:
    """A chunk of a smaller copy that is being put together."""

    __slots__ = ("changed", "missing_px", "pixels")

    def __init__(self, pixels: NDArray[Any], missing_px: int) -> None:
        self.pixels, self.missing_px, self.changed = pixels, missing_px, False
