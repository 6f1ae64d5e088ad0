"""Length and time units as microscope files spell them; what is not known stays unknown."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_emrestore.core.frames import FrameAxis

# "A" and "m" are read as files of this field mean them (ångström, metre), which is why no general unit
# package is used: there "A" is the ampere. Both code points of µ and Å occur in the wild.
_LENGTHS_NM = {
    **dict.fromkeys(("m", "meter", "metre"), 1e9),
    **dict.fromkeys(("cm", "centimeter", "centimetre"), 1e7),
    **dict.fromkeys(("mm", "millimeter", "millimetre"), 1e6),
    **dict.fromkeys(("\u00b5m", "\u03bcm", "um", "micron", "microns", "micrometer", "micrometre"), 1e3),
    **dict.fromkeys(("nm", "nanometer", "nanometre"), 1.0),
    **dict.fromkeys(("\u00c5", "\u212b", "A", "Ang", "angstrom", "\u00e5ngstr\u00f6m"), 0.1),
    **dict.fromkeys(("pm", "picometer", "picometre"), 1e-3),
}
_LARGEST_NM = 1e6
_TIMES_MS = {
    **dict.fromkeys(("min", "minute", "minutes"), 6e4),
    **dict.fromkeys(("s", "sec", "second", "seconds"), 1e3),
    **dict.fromkeys(("ms", "msec", "millisecond", "milliseconds"), 1.0),
    **dict.fromkeys(("\u00b5s", "\u03bcs", "us", "microsecond", "microseconds"), 1e-3),
    **dict.fromkeys(("ns", "nanosecond", "nanoseconds"), 1e-6),
}


def to_nm(value: Any, unit: Any) -> float | None:
    """Return a length in nm, or None if it is not positive and finite or its unit is not known."""
    return _convert(value, unit, _LENGTHS_NM)


def to_ms(value: Any, unit: Any) -> float | None:
    """Return a duration in ms, or None if it is not positive and finite or its unit is not known."""
    return _convert(value, unit, _TIMES_MS)


def pixel_size_nm(y: Any, x: Any, y_unit: Any, x_unit: Any) -> tuple[float, float] | None:
    """Return the ``(y, x)`` pixel size in nm, or None unless both are known.

    Above 1 mm it is None too: TIA files give the scale of diffraction patterns, some 1e7 per metre, in
    the same place and form as the pixel size of images.
    """
    size_y, size_x = to_nm(y, y_unit), to_nm(x, x_unit)
    if size_y is None or size_x is None or max(size_y, size_x) > _LARGEST_NM:
        return None
    return size_y, size_x


def frame_axis(step: Any, unit: Any) -> tuple[FrameAxis, float | None]:
    """Return the meaning of a frame axis and its step (ms or nm), as its unit tells."""
    if (step_ms := to_ms(step, unit)) is not None:
        return "time", step_ms
    if (step_nm := to_nm(step, unit)) is not None:
        return "z", step_nm
    return "index", None


def _convert(value: Any, unit: Any, table: dict[str, float]) -> float | None:
    spelling = str(unit).strip()
    factor = table.get(spelling, table.get(spelling.lower()) if len(spelling) > 2 else None)
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    if factor is None or not math.isfinite(number) or number <= 0:
        return None
    # dividing by a whole number keeps 0.4 Å at exactly 0.04 nm
    return number * factor if factor >= 1 else number / round(1 / factor)
