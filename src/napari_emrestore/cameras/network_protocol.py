"""The wire format of the network camera: a message of two parts, a header in JSON and the pixels.

Header, one JSON object in UTF-8:

- ``protocol``: ``"emrestore-frames/1"``
- ``index``: number of the frame, counted by the sender from any start; gaps are frames it lost
- ``shape``: ``[Y, X]``
- ``dtype``: ``"u1" "u2" "u4" "i1" "i2" "i4" "f4"`` or ``"f8"``, little endian
- optional ``name`` (text), ``pixel_size_nm`` ``[y, x]``, ``exposure_ms``, ``dose_e``, ``stage_um`` ``[y, x]``

Pixels: ``Y * X`` numbers, row by row, nothing else. The receiver binds a ZeroMQ PULL socket, senders connect
PUSH sockets.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.core import Acquisition, FormatError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

PROTOCOL = "emrestore-frames/1"
DTYPES = ("u1", "u2", "u4", "i1", "i2", "i4", "f4", "f8")
MOST_HEADER_BYTES = 64 << 10
LONGEST_SIDE_PX = 16384


@dataclass(frozen=True, slots=True, eq=False)
class Received:
    """What a message says.

    Attributes
    ----------
    data : ndarray, shape (Y, X)
        The pixels, not to be written to.
    index : int
        The sender's number.
    facts : mapping
        The optional fields, checked.
    """

    data: NDArray[Any]
    index: int
    facts: Mapping[str, Any] = field(default_factory=dict)

    def acquisition(self) -> Acquisition:
        """Return what the message says about how the frame was taken."""
        facts = dict(self.facts)
        stage = facts.pop("stage_um", None)
        extra = {"camera": "network"} | ({} if stage is None else {"stage_um": list(stage)})
        return Acquisition(facts.pop("name", "network camera"), **facts, extra=extra)


def encode(data: NDArray[Any], index: int, **facts: Any) -> list[bytes]:
    """Return the two parts of a message.

    Parameters
    ----------
    data : ndarray, shape (Y, X)
        Of a type in `DTYPES`.
    index : int
        Number of the frame.
    **facts
        The optional fields of the header.
    """
    dtype = data.dtype.newbyteorder("<")
    header = {
        "protocol": PROTOCOL,
        "index": index,
        "shape": list(data.shape),
        "dtype": dtype.str.lstrip("<|"),
        **facts,
    }
    return [json.dumps(header).encode(), np.ascontiguousarray(data, dtype).tobytes()]


def decode(parts: Sequence[bytes]) -> Received:
    """Return what a message says; nothing of it is trusted before it was checked.

    Raises
    ------
    FormatError
        If it is not as this module says, with what is wrong.
    """
    if len(parts) != 2:
        raise _malformed("two parts, header and pixels", f"{len(parts)} came")
    header = _header(parts[0])
    shape: Any = header.get("shape")
    if not (_are(int, shape, 2) and all(1 <= side <= LONGEST_SIDE_PX for side in shape)):
        raise _malformed(f"a shape [Y, X] of 1 to {LONGEST_SIDE_PX} px a side", f"{shape!r} came")
    if header.get("dtype") not in DTYPES:
        raise _malformed(f"a dtype of {', '.join(DTYPES)}", f"{header.get('dtype')!r} came")
    index = header.get("index")
    if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < 1 << 62:
        raise _malformed("an index of at least 0", f"{index!r} came")
    dtype = np.dtype("<" + header["dtype"])
    needed = math.prod(shape) * dtype.itemsize
    if len(parts[1]) != needed:
        raise _malformed(f"{needed} bytes of pixels for {shape} {dtype}", f"{len(parts[1])} came")
    data = np.frombuffer(parts[1], dtype).reshape(shape)
    return Received(data, index, _facts(header))


def _header(raw: bytes) -> dict[str, Any]:
    if len(raw) > MOST_HEADER_BYTES:
        raise _malformed(f"a header of at most {MOST_HEADER_BYTES} bytes", f"{len(raw)} came")
    try:
        header = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise _malformed("a header in JSON", str(error)) from error
    if not isinstance(header, dict) or header.get("protocol") != PROTOCOL:
        raise _malformed(f"a header with protocol {PROTOCOL!r}", f"{str(header)[:80]} came")
    return header


def _facts(header: Mapping[str, Any]) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    if isinstance(header.get("name"), str):
        facts["name"] = header["name"][:200]
    for field_name in ("exposure_ms", "dose_e"):
        if (value := header.get(field_name)) is not None:
            facts[field_name] = _positive(field_name, value)
    if (size := header.get("pixel_size_nm")) is not None:
        if not _are((int, float), size, 2):
            raise _malformed("a pixel_size_nm [y, x]", f"{size!r} came")
        y, x = (_positive("pixel_size_nm", value) for value in size)
        facts["pixel_size_nm"] = (y, x)
    if (stage := header.get("stage_um")) is not None:
        if not _are((int, float), stage, 2) or not all(math.isfinite(place) for place in stage):
            raise _malformed("a stage_um [y, x]", f"{stage!r} came")
        facts["stage_um"] = [float(place) for place in stage]
    return facts


def _are(kind: Any, values: Any, count: int) -> bool:
    return (
        isinstance(values, list)
        and len(values) == count
        and all(isinstance(value, kind) and not isinstance(value, bool) for value in values)
    )


def _positive(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < math.inf:
        raise _malformed(f"a {name} above 0", f"{value!r} came")
    return float(value)


def _malformed(needed: str, came: str) -> FormatError:
    return FormatError(f"A message of the network camera has {needed}", came=came)
