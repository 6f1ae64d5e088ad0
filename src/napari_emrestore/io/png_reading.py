"""PNG frames: grey, 1 to 16 bit; our own carry acquisition and provenance in a text chunk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import PngImagePlugin

from napari_emrestore.core import Acquisition
from napari_emrestore.io.axes import colour
from napari_emrestore.io.guarding import check_claim
from napari_emrestore.io.records import RECORD_KEY, Record, plain_name
from napari_emrestore.io.stack import StoredStack

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_DTYPES = {"1": np.dtype(bool), "L": np.dtype(np.uint8), "I;16": np.dtype(np.uint16), "P": np.dtype(np.uint8)}


def read(path: Path) -> StoredStack:
    """Return the single frame of a PNG file."""
    with _open(path) as image:
        width, height = image.size
        grey_palette = image.mode == "P" and _is_grey(image)
        if image.mode not in _DTYPES or (image.mode == "P" and not grey_palette):
            raise colour(path, f"has channels {image.mode}")
        dtype = _DTYPES[image.mode]
        record = _record(image)
    check_claim(path, width * height * dtype.itemsize, path.stat().st_size, f"{width} x {height} pixels")
    known = record.acquisition_at(path) if record else Acquisition(plain_name(path), str(path))
    return StoredStack(_PngPixels(path, (1, height, width), dtype), known, (1, height, width))


def read_record(path: Path) -> Record | None:
    """Return the record that our writer left in a PNG file."""
    with _open(path) as image:
        return _record(image)


def _open(path: Path) -> PngImagePlugin.PngImageFile:
    # Image.open refuses images above 179 megapixels, which a montage easily has; the claim check above
    # takes over its task
    return PngImagePlugin.PngImageFile(path)


def _record(image: PngImagePlugin.PngImageFile) -> Record | None:
    return Record.from_json(str(image.info.get(RECORD_KEY, "")))


def _is_grey(image: PngImagePlugin.PngImageFile) -> bool:
    palette = np.array(image.getpalette("RGB") or [], dtype=np.uint8).reshape(-1, 3)
    return bool((palette == palette[:, :1]).all())


class _PngPixels:
    """A PNG image as ``(1, Y, X)``; it is unpacked whole, at each read."""

    def __init__(self, path: Path, shape: tuple[int, int, int], dtype: np.dtype[Any]) -> None:
        self._path = path
        self.shape = shape
        self.dtype = dtype

    def __getitem__(self, key: tuple[slice, slice, slice]) -> NDArray[Any]:
        with _open(self._path) as image:
            picture = image.convert("L") if image.mode == "P" else image
            return np.asarray(picture, dtype=self.dtype)[None][key]
