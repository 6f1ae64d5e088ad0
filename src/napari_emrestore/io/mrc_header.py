"""The 1024-byte header of MRC2014 files (Cheng et al. 2015, DOI 10.1016/j.jsb.2015.04.002).

The package mrcfile, our oracle in the tests, is not used here: it takes an extended header's claimed size
on trust, writes through a memory map (on a full disk that kills the process instead of raising an error)
and knows nothing of IMOD's unsigned bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.core import FormatError
from napari_emrestore.io.units import to_nm

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_emrestore.core import Acquisition

HEADER_BYTES = 1024
RECORD_TYPE = b"EMRS"
LABEL_BYTES = 80
_FIELDS = {
    "size": ("3i4", 0),
    "mode": ("i4", 12),
    "grid": ("3i4", 28),
    "cell": ("3f4", 40),
    "angles": ("3f4", 52),
    "order": ("3i4", 64),
    "low_high_mean": ("3f4", 76),
    "space_group": ("i4", 88),
    "extended": ("i4", 92),
    "type": ("S4", 104),
    "version": ("i4", 108),
    "imod_stamp": ("i4", 152),
    "imod_flags": ("i4", 156),
    "map": ("S4", 208),
    "machine": ("4u1", 212),
    "deviation": ("f4", 216),
    "labels": ("i4", 220),
    "label": ("10S80", 224),
}
_MODES = {0: "i1", 1: "i2", 2: "f4", 6: "u2", 12: "f2"}
_OTHER_MODES = {3: "complex 16-bit", 4: "complex 32-bit", 101: "packed 4-bit"}
_IMOD = 1146047817
_IMOD_SIGNED = 1
_VOLUME_STACK = 401
_VERSION = 20141
_ANGSTROM_PER_NM = 10.0
# the FEI extended header, one record per frame: its validity bits and what we take from it
_FEI_TYPES = (b"FEI1", b"FEI2")
_FEI = np.dtype(
    {
        "names": ["valid", "high_tension_v", "dose_m2", "pixel_x_m", "pixel_y_m"],
        "formats": ["<u4", "<f8", "<f8", "<f8", "<f8"],
        "offsets": [8, 84, 92, 156, 164],
        "itemsize": 172,
    }
)
_FEI_BITS = {"high_tension_v": 5, "dose_m2": 6, "pixel_x_m": 14, "pixel_y_m": 15}


def header_dtype(order: str = "<") -> np.dtype[Any]:
    """Return the header's layout in little (``"<"``) or big (``">"``) byte order."""
    layout: Any = {
        "names": list(_FIELDS),
        "formats": [kind for kind, _ in _FIELDS.values()],
        "offsets": [offset for _, offset in _FIELDS.values()],
        "itemsize": HEADER_BYTES,
    }
    dtype: np.dtype[Any] = np.dtype(layout).newbyteorder(order)
    return dtype


@dataclass(frozen=True, slots=True)
class MrcHeader:
    """What an MRC header says, checked against the size of its file.

    Attributes
    ----------
    shape : tuple of int
        ``(N, Y, X)``.
    dtype : dtype
        With the file's byte order.
    offset : int
        Where the pixels start.
    voxel_nm : tuple of float or None
        ``(n, y, x)`` spacing of sections, rows and columns.
    is_volume : bool
        Whether sections are planes of a volume, not images.
    extended_type : bytes
        Which extended header lies between header and pixels.
    labels : tuple of str
        Free text.
    """

    shape: tuple[int, int, int]
    dtype: np.dtype[Any]
    offset: int
    voxel_nm: tuple[float | None, float | None, float | None]
    is_volume: bool
    extended_type: bytes
    labels: tuple[str, ...]


def new_header(
    shape: tuple[int, int, int],
    mode: int,
    room: int,
    known: Acquisition,
    label: str,
    *,
    is_volume: bool = False,
) -> NDArray[Any]:
    """Return the header of one of our files, its statistics marked as not determined.

    Parameters
    ----------
    shape : tuple of int
        ``(N, Y, X)``.
    mode : int
        Of the pixels.
    room : int
        Bytes of our record, between header and pixels.
    known : Acquisition
        Tells pixel size and frame step.
    label : str
        Free text.
    is_volume : bool
        Whether sections are planes of a volume.
    """
    count, height, width = shape
    header = np.zeros((), header_dtype())
    header["size"] = (width, height, count)
    header["mode"] = mode
    header["grid"] = (width, height, count if is_volume else 1)
    header["angles"] = 90.0
    header["order"] = (1, 2, 3)
    header["low_high_mean"], header["deviation"] = (0.0, -1.0, -2.0), -1.0
    header["space_group"] = 1 if is_volume else 0
    header["extended"] = room
    header["type"] = RECORD_TYPE
    header["version"] = _VERSION
    header["map"] = b"MAP "
    header["machine"] = (0x44, 0x44, 0, 0)
    if known.pixel_size_nm is not None:
        y, x = known.pixel_size_nm
        depth = (known.frame_step or 0.0) * count if is_volume else 0.0
        header["cell"] = np.multiply((x * width, y * height, depth), _ANGSTROM_PER_NM)
    header["labels"] = 1
    header["label"][0] = label.encode("ascii", "replace")[:LABEL_BYTES].ljust(LABEL_BYTES)
    return header


def read_header(path: Path) -> MrcHeader:
    """Return the header of an MRC file.

    Raises
    ------
    FormatError
        If it is none, holds complex or packed pixels, a stack of volumes, or the file is too short.
    """
    with path.open("rb") as stream:
        raw = stream.read(HEADER_BYTES)
    if len(raw) < HEADER_BYTES:
        raise _damaged(path, f"has {len(raw)} bytes, fewer than its header of {HEADER_BYTES}")
    header, order = _in_its_byte_order(path, raw)
    x, y, n = (int(size) for size in header["size"])
    dtype = _pixel_type(path, header).newbyteorder(order)  # type: ignore[arg-type]
    offset = HEADER_BYTES + int(header["extended"])
    needed = offset + n * y * x * dtype.itemsize
    if needed > path.stat().st_size:
        raise _damaged(path, f"ends after {path.stat().st_size} bytes, its header asks for {needed}")
    if header["space_group"] >= _VOLUME_STACK and header["grid"][2] not in (n, 0):
        raise FormatError(
            "A stack has one frame axis",
            item=path.name,
            came="holds a stack of volumes",
            remedy="Save one volume as its own file.",
        )
    labels = header["label"][: max(0, min(10, int(header["labels"])))]
    return MrcHeader(
        (n, y, x),
        dtype,
        offset,
        _voxel_nm(header),
        bool(header["space_group"] == 1),
        bytes(header["type"]),
        tuple(bytes(label).decode("latin-1").strip() for label in labels),
    )


def read_extended(path: Path, header: MrcHeader, most_bytes: int) -> bytes:
    """Return the bytes between header and pixels, `most_bytes` of them at most."""
    with path.open("rb") as stream:
        stream.seek(HEADER_BYTES)
        return stream.read(min(most_bytes, header.offset - HEADER_BYTES))


def fei_facts(path: Path, header: MrcHeader) -> dict[str, float]:
    """Return what the FEI extended header says of the first frame, valid entries only; may be empty."""
    if header.extended_type not in _FEI_TYPES or header.offset < HEADER_BYTES + _FEI.itemsize:
        return {}
    record = np.frombuffer(read_extended(path, header, _FEI.itemsize), _FEI)[0]
    facts = {name: float(record[name]) for name, bit in _FEI_BITS.items() if record["valid"] >> bit & 1}
    return {name: value for name, value in facts.items() if np.isfinite(value) and value > 0}


def _in_its_byte_order(path: Path, raw: bytes) -> tuple[Any, str]:
    for order in "<>":
        header = np.frombuffer(raw, header_dtype(order))[0]
        # machine stamps are often wrong; sizes and mode of the wrong byte order are absurd
        plausible = all(0 < size < 1 << 24 for size in header["size"]) and header["extended"] >= 0
        if plausible and int(header["mode"]) in _MODES.keys() | _OTHER_MODES.keys():
            return header, order
    raise _damaged(path, f"has a header that starts with {raw[:16].hex(' ')}")


def _pixel_type(path: Path, header: Any) -> np.dtype[Any]:
    mode = int(header["mode"])
    if mode in _OTHER_MODES:
        raise FormatError(
            "An MRC file of real numbers in whole bytes is needed (modes 0, 1, 2, 6, 12)",
            item=path.name,
            came=f"holds {_OTHER_MODES[mode]} pixels (mode {mode})",
            remedy="Convert it to mode 1, 2 or 6, for example with IMOD's newstack.",
        )
    is_unsigned = header["imod_stamp"] == _IMOD and not header["imod_flags"] & _IMOD_SIGNED
    return np.dtype("u1" if mode == 0 and is_unsigned else _MODES[mode])


def _voxel_nm(header: Any) -> tuple[float | None, float | None, float | None]:
    """Return the spacing of sections, rows and columns; the header lists it by x, y, z of the cell."""
    spacing = [
        to_nm(c / g, "Å") if g > 0 else None for c, g in zip(header["cell"], header["grid"], strict=True)
    ]
    order = [int(axis) - 1 for axis in header["order"]]
    if sorted(order) != [0, 1, 2]:
        order = [0, 1, 2]
    columns, rows, sections = (spacing[axis] for axis in order)
    return sections, rows, columns


def _damaged(path: Path, came: str) -> FormatError:
    return FormatError(
        "A complete MRC file is needed",
        item=path.name,
        came=came,
        remedy="Copy it again from the microscope.",
    )
