"""PNG out, for pictures: 8 or 16 bit, one frame, with stated contrast limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, PngImagePlugin

from napari_emrestore.core import InputError
from napari_emrestore.io.outgoing import Outgoing, tell
from napari_emrestore.io.records import RECORD_KEY

if TYPE_CHECKING:
    from pathlib import Path

    from napari_emrestore.core import Monitor

_NATIVE = ("uint8", "uint16")
_BAND_ROWS = 1024


def write(path: Path, image: Outgoing, monitor: Monitor) -> None:
    """Write one image as PNG.

    8- and 16-bit images without contrast limits keep their values. All others are scaled: 16 bit unless
    asked otherwise, between the contrast limits or else the smallest and largest value; the limits and
    what they clip go into the file's provenance.
    """
    count, height, width = image.shape
    if count > 1:
        raise InputError(
            "A PNG picture holds one image",
            item=path.name,
            came=f"was to hold {count} frames",
            remedy="Write the stack as .ome.tif or .zarr, or one frame at a time.",
        )
    if image.contrast_limits is None and image.dtype.name not in _NATIVE:
        image.contrast_limits = _full_range(*image.extremes())
    dtype = image.store_as(
        _NATIVE, dict.fromkeys((image.dtype.name,), "uint16") if image.contrast_limits else {}, "PNG"
    )
    pixels = np.empty((height, width), dtype)
    bands = -(-height // _BAND_ROWS)
    for done, (_, top, band) in enumerate(image.bands(_BAND_ROWS), start=1):
        pixels[top : top + len(band)] = band
        tell(monitor, done, bands, image.acquisition.name)
    text = PngImagePlugin.PngInfo()
    text.add_text(RECORD_KEY, image.record().to_json())
    Image.fromarray(pixels).save(path, format="PNG", pnginfo=text)


def _full_range(low: float, high: float) -> tuple[float, float]:
    # a constant image has no contrast to stretch; it becomes black
    return (low, high) if high > low else (low, low + 1.0)
