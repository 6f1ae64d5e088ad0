"""Frames that lie at known places in files, each whole and uncompressed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray


class ScatteredFrames:
    """Frames ``(N, Y, X)`` by memory map, with other things between them.

    Parameters
    ----------
    files : sequence of Path
        The files that hold frames.
    places : ndarray, shape (N, 2), int64
        For each frame the number of its file and the byte where its pixels start.
    frame_shape : tuple of int
        ``(Y, X)``.
    dtype : dtype
        With the file's byte order.
    is_bottom_up : bool
        Whether the last row is stored first.
    """

    def __init__(
        self,
        files: Sequence[Path],
        places: NDArray[np.int64],
        frame_shape: tuple[int, int],
        dtype: np.dtype[Any],
        *,
        is_bottom_up: bool = False,
    ) -> None:
        self._bytes = [np.memmap(file, np.uint8, mode="r") for file in files]
        self._places = places
        self._rows = slice(None, None, -1) if is_bottom_up else slice(None)
        self.shape = (len(places), *frame_shape)
        self.dtype = dtype

    def __getitem__(self, key: tuple[slice, slice, slice]) -> NDArray[Any]:
        images = [self._frame(file, start)[key[1:]] for file, start in self._places[key[0]].tolist()]
        return np.stack(images) if images else np.empty((0, 0, 0), self.dtype)

    def _frame(self, file: int, start: int) -> NDArray[Any]:
        height, width = self.shape[1:]
        raw = self._bytes[file][start : start + height * width * self.dtype.itemsize]
        return raw.view(self.dtype).reshape(height, width)[self._rows]
