"""The table of file formats: suffixes to reader and writer, by name, so that listing imports nothing."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from napari_emrestore.core import InputError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class FileFormat:
    """One row of the format table.

    Attributes
    ----------
    name : str
        For menus and messages.
    suffixes : tuple of str
        Lower-case file name endings, each with its dot.
    reader : str
        ``"module:function"`` in this package; the function takes a path and returns a `StoredStack`.
    writer : str
        ``"module:function"`` taking a target path, an `Outgoing` image and a monitor; empty if we only read.
    is_folder : bool
        Whether an image of this format is a folder on disk.
    """

    name: str
    suffixes: tuple[str, ...]
    reader: str
    writer: str = ""
    is_folder: bool = False


FORMATS: tuple[FileFormat, ...] = (
    FileFormat(
        "TIFF, OME-TIFF, ImageJ", (".tif", ".tiff", ".btf"), "tiff_reading:read", "tiff_writing:write"
    ),
    FileFormat("OME-Zarr, Zarr", (".zarr",), "zarr_reading:read", "zarr_writing:write", is_folder=True),
    FileFormat(
        "MRC",
        (".mrc", ".mrcs", ".st", ".map", ".rec", ".ali", ".preali"),
        "mrc_reading:read",
        "mrc_writing:write",
    ),
    FileFormat("PNG", (".png",), "png_reading:read", "png_writing:write"),
    FileFormat("DigitalMicrograph", (".dm3", ".dm4"), "rosetta_reading:read"),
    FileFormat("TIA", (".ser", ".emi"), "tia_reading:read"),
    FileFormat("EMD (Velox, NCEM)", (".emd", ".h5", ".hdf5"), "rosetta_reading:read"),
    FileFormat("HyperSpy", (".hspy",), "rosetta_reading:read"),
    FileFormat("TVIPS", (".tvips",), "tvips_reading:read"),
)


def readable_suffixes() -> tuple[str, ...]:
    """Return every suffix that `open_frames` takes, lower case with dot."""
    return tuple(suffix for row in FORMATS for suffix in row.suffixes)


def writable_suffixes() -> tuple[str, ...]:
    """Return every suffix that `write_image` takes, lower case with dot."""
    return tuple(suffix for row in FORMATS if row.writer for suffix in row.suffixes)


def format_of(path: Path, *, to_write: bool = False) -> FileFormat:
    """Return the row of the table for the suffix of `path`.

    Raises
    ------
    InputError
        If no row has this suffix, or none that can write it.
    """
    known = writable_suffixes() if to_write else readable_suffixes()
    suffix = path.suffix.lower()
    if suffix not in known:
        raise InputError(
            f"A file name {'to write' if to_write else 'to open'} ends in one of {', '.join(known)}",
            item=path.name,
            came=f"ends in {suffix!r}" if suffix else "has no suffix",
            remedy="Give the file its right suffix, or convert it to OME-TIFF first.",
        )
    return next(row for row in FORMATS if suffix in row.suffixes)


def resolve(name: str) -> Callable[..., Any]:
    """Return the function that ``"module:function"`` names in this package."""
    module, function = name.split(":")
    found: Callable[..., Any] = getattr(import_module(f"napari_emrestore.io.{module}"), function)
    return found
