"""Files in and out: electron-microscopy formats with pixel size, lazily; results with provenance inside.

In: the path of a file, a Zarr folder or a folder of frames. Out: a `FrameStack` of frames ``(N, Y, X)`` in
the detector's own units, with pixel size in nm and ``(y, x)`` order, frame step and exposure in ms, dose in
electrons per pixel and frame, each ``None`` where the file does not say it in a known unit. `write_image`
goes the other way, beside the final name first, so that a half-written file never carries it.

What it does not do: convert intensities on the way in (not-a-number pixels come through as they are, and
are counted in a frame's ``acquisition.extra["not_finite_pixels"]``), turn colour into grey, choose a frame
axis among several, or crop an information bar (its height is in ``extra["info_bar_px"]``).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_emrestore.io.files import MissingFileError, file_sha256, find_inputs
    from napari_emrestore.io.formats import FORMATS, FileFormat, readable_suffixes, writable_suffixes
    from napari_emrestore.io.opening import open_frames, open_series, read_provenance
    from napari_emrestore.io.stack import FrameStack
    from napari_emrestore.io.writing import write_image
    from napari_emrestore.io.zarr_writing import zarr_target

_HOMES = {
    "FORMATS": "formats",
    "FileFormat": "formats",
    "FrameStack": "stack",
    "MissingFileError": "files",
    "file_sha256": "files",
    "find_inputs": "files",
    "open_frames": "opening",
    "open_series": "opening",
    "read_provenance": "opening",
    "readable_suffixes": "formats",
    "writable_suffixes": "formats",
    "write_image": "writing",
    "zarr_target": "zarr_writing",
}

__all__ = [
    "FORMATS",
    "FileFormat",
    "FrameStack",
    "MissingFileError",
    "file_sha256",
    "find_inputs",
    "open_frames",
    "open_series",
    "read_provenance",
    "readable_suffixes",
    "writable_suffixes",
    "write_image",
    "zarr_target",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
