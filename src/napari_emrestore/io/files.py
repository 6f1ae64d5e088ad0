"""Paths before they are opened: what can be read in a folder, in which order, and content hashes."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from napari_emrestore.core import FormatError, InputError
from napari_emrestore.io.formats import FORMATS, readable_suffixes

if TYPE_CHECKING:
    from collections.abc import Iterable

_BLOCK_BYTES = 1 << 20
_ZARR_MARKS = ("zarr.json", ".zgroup", ".zarray", ".zattrs")
_FOLDER_SUFFIXES = tuple(suffix for row in FORMATS if row.is_folder for suffix in row.suffixes)


class MissingFileError(InputError, FileNotFoundError):
    """A path where nothing is."""


def existing(path: str | Path) -> Path:
    """Return `path` as a Path with ``~`` resolved.

    Raises
    ------
    MissingFileError
        If nothing is there.
    """
    found = Path(path).expanduser()
    if not found.exists():
        raise MissingFileError(
            "An existing file or folder is needed",
            item=str(path),
            came="does not exist",
            remedy="Check the spelling, and that the drive is connected.",
        )
    return found


def is_zarr(path: Path) -> bool:
    """Return whether a path is a Zarr folder, by its name or its content."""
    if not path.is_dir():
        return False
    return path.suffix.lower() in _FOLDER_SUFFIXES or any((path / mark).is_file() for mark in _ZARR_MARKS)


def in_natural_order(paths: Iterable[Path]) -> list[Path]:
    """Return paths by name with numbers counted as numbers: frame 2 comes before frame 10."""
    from natsort import natsorted, ns

    return list(natsorted(paths, key=lambda path: path.name, alg=ns.IGNORECASE))


def frame_files(folder: Path) -> list[Path]:
    """Return the image files directly in a folder, in natural order; everything else is passed over.

    An ``.emi`` beside its ``_1.ser`` is left out: it holds no pixels of its own.
    """
    known = set(readable_suffixes()) - set(_FOLDER_SUFFIXES)
    files = [
        path
        for path in folder.iterdir()
        if path.suffix.lower() in known and not path.name.startswith(".") and path.is_file()
    ]
    series = {path.stem.rsplit("_", 1)[0] for path in files if path.suffix.lower() == ".ser"}
    return in_natural_order(p for p in files if not (p.suffix.lower() == ".emi" and p.stem in series))


def find_inputs(path: str | Path) -> list[Path]:
    """Return what a batch over `path` would open one by one, in natural order.

    Parameters
    ----------
    path : str or Path
        A file or Zarr folder (returned alone), or a folder: its image files and Zarr folders, and those
        of its sub-folders that directly hold image files (each a folder of frames). Suffixes decide;
        no file is opened.

    Returns
    -------
    list of Path

    Raises
    ------
    MissingFileError
        If nothing is at `path`.
    FormatError
        If a folder holds nothing that looks like an image.
    """
    root = existing(path)
    if root.is_file() or is_zarr(root):
        return [root]
    folders = [p for p in root.iterdir() if p.is_dir() and not p.name.startswith(".")]
    found = [*frame_files(root), *(p for p in folders if is_zarr(p) or frame_files(p))]
    if not found:
        raise no_images(root)
    return in_natural_order(found)


def no_images(folder: Path) -> FormatError:
    """Return the error for a folder in which nothing looks like an image."""
    return FormatError(
        f"A folder with image files ({', '.join(readable_suffixes())}) is needed",
        item=str(folder),
        came="holds none",
        remedy="Pick the folder that holds the frames themselves.",
    )


def file_sha256(path: str | Path) -> str:
    """Return the SHA-256 of a file, or of all files below a folder with their names, as hexadecimal.

    Raises
    ------
    MissingFileError
        If nothing is at `path`.
    """
    root = existing(path)
    digest = hashlib.sha256()
    if root.is_file():
        _feed(digest, root)
        return digest.hexdigest()
    for file in sorted(p for p in root.rglob("*") if p.is_file()):
        digest.update(file.relative_to(root).as_posix().encode() + b"\0")
        _feed(digest, file)
    return digest.hexdigest()


def _feed(digest: hashlib._Hash, file: Path) -> None:
    with file.open("rb") as stream:
        while block := stream.read(_BLOCK_BYTES):
            digest.update(block)
