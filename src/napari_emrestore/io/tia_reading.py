"""TIA series (.ser) by memory map, with what the .emi beside them says of the acquisition.

The layout follows C. B. Boothroyd's description of the format. Rosettasciio, our oracle in the tests, reads
a series into memory when it is opened, which a long live series does not allow.
"""

from __future__ import annotations

import mmap
import re
import struct
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import numpy as np

from napari_emrestore.core import Acquisition, FormatError
from napari_emrestore.io.files import in_natural_order
from napari_emrestore.io.records import plain_name
from napari_emrestore.io.scattered import ScatteredFrames
from napari_emrestore.io.stack import StoredStack
from napari_emrestore.io.units import pixel_size_nm, to_ms

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

_MAGIC = (b"II", 0x0197)
_IMAGES = 0x4122
_TAGGED_BY_TIME = 0x4152
_LONG_OFFSETS_FROM = 0x0220
_HEAD = "<2sHHIIII"
_ELEMENT = np.dtype(
    {
        "names": ["x_m", "y_m", "type", "width", "height"],
        "formats": ["<f8", "<f8", "<u2", "<u4", "<u4"],
        "offsets": [8, 28, 40, 42, 46],
        "itemsize": 50,
    }
)
_TYPES = {
    1: "<u1",
    2: "<u2",
    3: "<u4",
    4: "<i1",
    5: "<i2",
    6: "<i4",
    7: "<f4",
    8: "<f8",
    9: "<c8",
    10: "<c16",
}


def read(path: Path) -> StoredStack:
    """Return the images of a .ser file, or of the first .ser file of an .emi."""
    is_emi = path.suffix.lower() == ".emi"
    if is_emi and _object_info(path, 0) is None:
        raise _bad(path, "ends before its description of the acquisition")
    series = _first_series(path) if is_emi else path
    places, is_timed = _places(series)
    elements = _elements(series, places)
    first = elements[0]
    shape, dtype = (int(first["height"]), int(first["width"])), np.dtype(_TYPES[int(first["type"])])
    where = np.stack([np.zeros_like(places), places + _ELEMENT.itemsize], axis=1)
    facts = _emi_facts(series)
    size = pixel_size_nm(first["y_m"], first["x_m"], "m", "m")
    known = Acquisition(plain_name(path), str(path), size, extra=facts.conditions())
    known = replace(known, exposure_ms=facts.exposure_ms())
    if is_timed and len(places) > 1:
        known = replace(known, frame_axis="time")
    return StoredStack(ScatteredFrames([series], where, shape, dtype, is_bottom_up=True), known)


def _first_series(emi: Path) -> Path:
    numbered = re.compile(re.escape(emi.stem) + r"_\d+")
    found = in_natural_order(p for p in emi.parent.glob("*.[sS][eE][rR]") if numbered.fullmatch(p.stem))
    if not found:
        raise FormatError(
            "An .emi file needs its .ser file beside it, which holds the pixels",
            item=emi.name,
            came=f"has no {emi.stem}_1.ser",
            remedy="Copy the .ser file into the same folder.",
        )
    return found[0]


def _places(path: Path) -> tuple[NDArray[np.int64], bool]:
    """Return where the elements start, and whether they are told apart by time."""
    with path.open("rb") as stream:
        order, magic, version, kind, tag, _, valid = struct.unpack(_HEAD, stream.read(struct.calcsize(_HEAD)))
        if (order, magic) != _MAGIC:
            raise _bad(path, "is no TIA series")
        if kind != _IMAGES or valid == 0:
            raise _bad(
                path,
                "holds spectra" if valid else "holds no image; the acquisition was stopped before the first",
            )
        long = version >= _LONG_OFFSETS_FROM
        (table,) = struct.unpack("<Q" if long else "<I", stream.read(8 if long else 4))
        stream.seek(table)
        width = 8 if long else 4
        if table + valid * width > path.stat().st_size:
            raise _bad(path, f"ends before its table of {valid} images")
        places = np.frombuffer(stream.read(valid * width), "<u8" if long else "<u4").astype(np.int64)
    return places, tag == _TAGGED_BY_TIME


def _elements(path: Path, places: NDArray[np.int64]) -> NDArray[Any]:
    """Return the headers of all images, which must agree, and whose pixels must be in the file."""
    raw = np.memmap(path, np.uint8, mode="r")
    if places.min() < 0 or places.max() + _ELEMENT.itemsize > raw.size:
        raise _bad(path, f"ends after {raw.size} bytes, before its last image")
    # one gather per image, not one index array over all bytes: a series may have 1e5 images
    heads = b"".join(raw[start : start + _ELEMENT.itemsize].tobytes() for start in places.tolist())
    elements = np.frombuffer(heads, _ELEMENT)
    first = elements[0]
    if int(first["type"]) not in _TYPES:
        raise _bad(path, f"has pixels of unknown type {first['type']}")
    for name in ("type", "width", "height"):
        if (odd := np.flatnonzero(elements[name] != first[name])).size:
            raise _bad(path, f"has image {odd[0]} with another {name}, {elements[name][odd[0]]}")
    count = int(first["width"]) * int(first["height"]) * np.dtype(_TYPES[int(first["type"])]).itemsize
    if (cut := np.flatnonzero(places + _ELEMENT.itemsize + count > raw.size)).size:
        raise _bad(path, f"ends after {raw.size} bytes, inside image {cut[0]}")
    return elements


def _bad(path: Path, came: str) -> FormatError:
    return FormatError(
        "A complete TIA series of images of one shape is needed",
        item=path.name,
        came=came,
        remedy="Copy it again from the microscope, or export the images from TIA.",
    )


@dataclass(frozen=True, slots=True)
class _EmiFacts:
    """What an .emi file says about one series."""

    labels: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    acquire: Mapping[str, str] = field(default_factory=dict)

    def exposure_ms(self) -> float | None:
        """Return the frame time of a scan, or the exposure of a camera, which TIA calls dwell time."""
        if "CameraNamePath" in self.acquire:
            return to_ms(self.acquire.get("DwellTimePath"), "s")
        return to_ms(self.acquire.get("FrameTime"), "s")

    def conditions(self) -> dict[str, Any]:
        """Return high tension, magnification and mode, as far as given."""
        found: dict[str, Any] = {}
        for label, key, unit, factor in (
            ("High tension", "high_tension_v", "kV", 1e3),
            ("Magnification", "magnification", "x", 1.0),
        ):
            value, given = self.labels.get(label, ("", ""))
            if given == unit:
                found[key] = float(value) * factor
        if "Mode" in self.labels:
            found["mode"] = self.labels["Mode"][0].strip()
        return found


def _emi_facts(series: Path) -> _EmiFacts:
    stem, _, number = series.stem.rpartition("_")
    emi = next((p for s in (".emi", ".EMI") if (p := series.with_name(stem + s)).is_file()), None)
    if emi is None or not number.isdigit() or emi.stat().st_size == 0:
        return _EmiFacts()
    root = _object_info(emi, int(number) - 1)
    if root is None:
        return _EmiFacts()
    entries = root.iterfind("ExperimentalDescription/Root/Data")
    labels = {e.findtext("Label", ""): (e.findtext("Value", ""), e.findtext("Unit", "")) for e in entries}
    return _EmiFacts(labels, {child.tag: child.text or "" for child in root.iterfind("AcquireInfo/*")})


def _object_info(emi: Path, index: int) -> ElementTree.Element | None:
    """Return the XML of object number `index` in an .emi file, which is binary around it."""
    with emi.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
        start = -1
        for _ in range(index + 1):
            start = content.find(b"<ObjectInfo>", start + 1)
            if start < 0:
                return None
        end = content.find(b"</ObjectInfo>", start)
        return None if end < 0 else ElementTree.fromstring(content[start : end + len(b"</ObjectInfo>")])
