"""Frames by number, each read from disk as seldom as a bounded memory allows."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from napari_emrestore.overview.tracking import thumbnail

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_emrestore.core import Acquisition, Frame
    from napari_emrestore.overview.shading import Shading

_HELD_BYTES = 192 << 20


class FrameSeries(Protocol):
    """Frames that can be asked for in any order, such as `io.FrameStack`."""

    @property
    def acquisition(self) -> Acquisition: ...  # noqa: D102
    @property
    def frame_shape(self) -> tuple[int, int]: ...  # noqa: D102
    def __len__(self) -> int: ...
    def __getitem__(self, index: int, /) -> Frame: ...


class FrameReader:
    """Pixels of frames by number; the latest are kept.

    Parameters
    ----------
    series : FrameSeries
        Where they are read. If its ``data`` is a chunked array, frames stored in one piece are read together.
    held_bytes : int
        How much is kept, at least one piece.
    """

    def __init__(self, series: FrameSeries, held_bytes: int = _HELD_BYTES) -> None:
        self._series = series
        self._held_bytes = held_bytes
        self._pieces: OrderedDict[int, NDArray[Any]] = OrderedDict()
        chunks = getattr(getattr(series, "data", None), "chunks", None)
        self._depth = int(chunks[0][0]) if chunks else 1

    def __len__(self) -> int:
        return len(self._series)

    def __getitem__(self, index: int) -> NDArray[Any]:
        number = index // self._depth
        piece = self._pieces.get(number)
        if piece is None:
            piece = self._read(number)
            self._pieces[number] = piece
            while len(self._pieces) > 1 and sum(p.nbytes for p in self._pieces.values()) > self._held_bytes:
                self._pieces.popitem(last=False)
        self._pieces.move_to_end(number)
        return np.asarray(piece[index - number * self._depth])

    def _read(self, number: int) -> NDArray[Any]:
        if self._depth == 1:
            return np.asarray(self._series[number].data)[None]
        first = number * self._depth
        data: Any = self._series.data  # type: ignore[attr-defined]
        return np.asarray(data[first : first + self._depth].compute(scheduler="sync"))


class EvenReader:
    """Frames by number, float32, evenly lit: without their shading and changes of brightness.

    Parameters
    ----------
    series : FrameSeries
        Where they are read.
    shading : Shading
        What they are freed of.
    """

    def __init__(self, series: FrameSeries, shading: Shading) -> None:
        self.raw = FrameReader(series)
        self.shading = shading
        self._field = shading.field

    def __getitem__(self, index: int) -> NDArray[np.float32]:
        dark = np.float32(self.shading.dark)
        pixels = np.asarray(self.raw[index], np.float32) - dark
        pixels /= self.shading.divisor(index, self._field)
        pixels += dark
        return pixels

    @property
    def thumbnail_field(self) -> NDArray[np.float32]:
        """The field reduced as thumbnails are."""
        return thumbnail(self._field)
