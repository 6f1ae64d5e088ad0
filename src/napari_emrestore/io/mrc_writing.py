"""MRC out: streamed by plain writes, our record in the extended header, a label in the ten text lines."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.io.mrc_header import HEADER_BYTES, new_header
from napari_emrestore.io.outgoing import Outgoing, tell

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_emrestore.core import Monitor

_MODES = {"int8": 0, "int16": 1, "float32": 2, "uint16": 6}
_WIDER = {"bool": "int8", "uint8": "uint16", "float16": "float32", "float64": "float32"}
_BAND_ROWS = 512
# what clipping may add to the record after its place in the file is fixed
_SPARE_BYTES = 1024


def write(path: Path, image: Outgoing, monitor: Monitor) -> None:
    """Write an image or stack as MRC2014, in modes 0, 1, 2 or 6.

    float64 is stored as float32 and the provenance says so; 32-bit integers are refused, since no mode
    holds them.
    """
    dtype = image.store_as(tuple(_MODES), _WIDER, "MRC")
    room = len(image.record().to_json()) + _SPARE_BYTES
    total = image.shape[0] * -(-image.shape[1] // _BAND_ROWS)
    sums = _Sums()
    with path.open("wb") as stream:
        stream.write(bytes(HEADER_BYTES + room))
        for done, (_, _, band) in enumerate(image.bands(_BAND_ROWS), start=1):
            stream.write(np.ascontiguousarray(band, dtype.newbyteorder("<")).data)
            sums.add(band)
            tell(monitor, done, total, image.acquisition.name)
        stream.seek(0)
        stream.write(_header(image, room, sums).tobytes())
        stream.write(image.record().to_json().encode("ascii").ljust(room))


@dataclass(slots=True)
class _Sums:
    """Statistics of the finite pixels, which the header must state."""

    low: float = math.inf
    high: float = -math.inf
    total: float = 0.0
    squares: float = 0.0
    count: int = 0

    def add(self, band: NDArray[Any]) -> None:
        finite = band[np.isfinite(band)].astype(np.float64)
        if finite.size:
            self.low, self.high = min(self.low, finite.min()), max(self.high, finite.max())
            self.total += finite.sum()
            self.squares += np.square(finite).sum()
            self.count += finite.size

    @property
    def mean(self) -> float:
        return self.total / max(1, self.count)

    @property
    def deviation(self) -> float:
        return math.sqrt(max(0.0, self.squares / max(1, self.count) - self.mean**2))


def _header(image: Outgoing, room: int, sums: _Sums) -> NDArray[Any]:
    known = image.acquisition
    tool = image.provenance.tool if image.provenance else "write_image"
    header = new_header(
        image.shape,
        _MODES[image.export.target.name],
        room,
        known,
        f"napari-emrestore {tool}: record in the extended header",
        is_volume=known.frame_axis == "z" and image.is_stack,
    )
    if sums.count:
        header["low_high_mean"] = (sums.low, sums.high, sums.mean)
        header["deviation"] = sums.deviation
    return header
