"""TVIPS recordings (.tvips) by memory map, over all their parts _000, _001, ...

Rosettasciio, our oracle in the tests, reads every byte of a recording when it is opened, even lazily.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.core import Acquisition, FormatError
from napari_emrestore.io.records import plain_name
from napari_emrestore.io.scattered import ScatteredFrames
from napari_emrestore.io.stack import StoredStack

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_NAMES = (
    *("size", "version", "width", "height", "bits", "offset_x", "offset_y", "bin_x", "bin_y"),
    *("sensor_pixel_nm", "high_tension_v", "magnification", "frame_header"),
)
_HEADER = np.dtype([(name, "<u4") for name in _NAMES])
_HEADER_BYTES = 256
_FIRST_VERSION_FRAME_HEADER = 12
_TIME = np.dtype({"names": ["s", "ms"], "formats": ["<u4", "<u4"], "offsets": [4, 8], "itemsize": 12})
_PART = re.compile(r"(.+)_(\d{3})")


def read(path: Path) -> StoredStack:
    """Return the frames of a recording; `path` is its first part.

    The file gives the size of the camera's pixels, not of the specimen's, so that the pixel size is None;
    binning and magnification are in ``extra``.
    """
    layout = _read_layout(path)
    files = _parts(path)
    places = np.concatenate([_places(layout, number, file) for number, file in enumerate(files)])
    if not len(places):
        raise _bad(path, "holds no frame")
    pixels = ScatteredFrames(files, places, layout.frame_shape, layout.dtype)
    step = _frame_step_ms(files, places, layout)
    known = Acquisition(plain_name(path), str(path), None, "time", step, extra=layout.extra)
    return StoredStack(pixels, known)


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where frames lie in the parts of a recording."""

    frame_shape: tuple[int, int]
    dtype: np.dtype[Any]
    start: int
    frame_header: int
    extra: dict[str, Any]

    @property
    def record_bytes(self) -> int:
        return self.frame_header + self.frame_shape[0] * self.frame_shape[1] * self.dtype.itemsize


def _read_layout(path: Path) -> _Layout:
    with path.open("rb") as stream:
        raw = stream.read(_HEADER_BYTES)
    if len(raw) < _HEADER_BYTES:
        raise _bad(path, f"has {len(raw)} bytes")
    header = {
        name: int(value)
        for name, value in zip(_HEADER.names or (), np.frombuffer(raw, _HEADER, 1)[0], strict=True)
    }
    is_sound = (
        header["version"] in (1, 2) and header["bits"] in (8, 16, 32) and header["size"] >= _HEADER_BYTES
    )
    frame_header = header["frame_header"] if header["version"] == 2 else _FIRST_VERSION_FRAME_HEADER
    if not is_sound or frame_header < _FIRST_VERSION_FRAME_HEADER:
        raise _bad(path, "does not start with the header of a recording's first part")
    told = ("sensor_pixel_nm", "high_tension_v", "magnification")
    extra: dict[str, Any] = {name: header[name] for name in told if header[name]}
    extra["binning"] = [header["bin_y"], header["bin_x"]]
    dtype = np.dtype(f"<u{header['bits'] // 8}")
    return _Layout((header["height"], header["width"]), dtype, header["size"], frame_header, extra)


def _parts(path: Path) -> list[Path]:
    found = [path]
    if match := _PART.fullmatch(path.stem):
        while (
            following := path.with_name(f"{match[1]}_{int(match[2]) + len(found):03d}{path.suffix}")
        ).is_file():
            found.append(following)
    return found


def _places(layout: _Layout, number: int, file: Path) -> NDArray[np.int64]:
    start = layout.start if number == 0 else 0
    count, rest = divmod(file.stat().st_size - start, layout.record_bytes)
    if rest:
        raise _bad(file, f"ends inside frame {count}")
    starts = start + layout.frame_header + layout.record_bytes * np.arange(count, dtype=np.int64)
    return np.stack([np.full(count, number, dtype=np.int64), starts], axis=1)


def _frame_step_ms(files: list[Path], places: NDArray[np.int64], layout: _Layout) -> float | None:
    """Return the mean time between frames, or None if the clock did not run."""
    if len(places) < 2:
        return None
    stamps = []
    for number, start in (places[0].tolist(), places[-1].tolist()):
        with files[number].open("rb") as stream:
            stream.seek(start - layout.frame_header)
            stamp = np.frombuffer(stream.read(_TIME.itemsize), _TIME)[0]
        stamps.append(int(stamp["s"]) * 1000 + int(stamp["ms"]))
    step = (stamps[1] - stamps[0]) / (len(places) - 1)
    return step if step > 0 else None


def _bad(path: Path, came: str) -> FormatError:
    return FormatError(
        "A complete TVIPS recording, opened by its first part (_000), is needed",
        item=path.name,
        came=came,
        remedy="Open the part _000; if it is that, copy it again from the camera's computer.",
    )
