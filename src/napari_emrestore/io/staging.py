"""Write beside, then rename: a crash or a full disk never leaves a half file under the final name."""

from __future__ import annotations

import os
import secrets
import shutil
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from napari_emrestore.core import InputError, WriteError
from napari_emrestore.io.files import is_zarr

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Zarr writes pieces from several threads; after one has failed, others may still be putting theirs down.
_PAUSES_S = (0.0, 0.05, 0.2, 0.5)


@contextmanager
def staged(path: Path) -> Iterator[Path]:
    """Give a hidden path beside `path` to write to, and move it into place when the block succeeds.

    An older file or Zarr folder of that name is replaced only then. When the block fails, is cancelled or
    interrupted, what it wrote is removed; only a killed process leaves a hidden ``.partial`` behind.

    Raises
    ------
    InputError
        If the folder of `path` does not exist, or `path` is a folder that is no Zarr image.
    WriteError
        If the system refuses to write, for example because the disk is full.
    """
    _check_place(path)
    partial = _beside(path, "partial")
    try:
        yield partial
        _sync(partial)
        _move(partial, path)
    except OSError as error:
        _remove(partial)
        if isinstance(error, WriteError | InputError):
            raise
        raise WriteError(
            "A place that takes the whole result is needed",
            item=str(path),
            came=f"could not be written ({error})",
            remedy="Free some space or choose another folder; nothing was left under this name.",
        ) from error
    except BaseException:
        _remove(partial)
        raise


@contextmanager
def kept_until_done(path: Path, tag: str) -> Iterator[Path]:
    """Give a hidden path beside `path` that keeps its name and its content until the block succeeds.

    For work that can be taken up again: the same path and tag give the same place. Only on success it is
    moved to `path`, as `staged` does.

    Raises
    ------
    InputError, WriteError
        As `staged`.
    """
    _check_place(path)
    place = path.with_name(f".{path.name}.{tag}.unfinished")
    try:
        yield place
        _move(place, path)
    except OSError as error:
        if isinstance(error, WriteError | InputError):
            raise
        raise WriteError(
            "A place that takes the whole result is needed",
            item=str(path),
            came=f"could not be written ({error})",
            remedy="Free some space and run it again: what was finished is kept.",
        ) from error


def remove_tree(path: Path) -> None:
    """Remove a file or folder, whatever another thread still puts into it."""
    _remove(path)


def _check_place(path: Path) -> None:
    if not path.parent.is_dir():
        raise InputError(
            "A result is written into an existing folder",
            item=str(path.parent),
            came="does not exist",
            remedy="Create it first.",
        )
    if path.is_dir() and any(path.iterdir()) and not is_zarr_content(path):
        raise InputError(
            "Only a file or a Zarr image is replaced",
            item=str(path),
            came="is a folder with other content",
            remedy="Choose another name.",
        )


def is_zarr_content(path: Path) -> bool:
    """Return whether a folder holds Zarr metadata, whatever its name."""
    return is_zarr(path) and any(p.name in ("zarr.json", ".zgroup", ".zarray") for p in path.iterdir())


def _beside(path: Path, kind: str) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}.{kind}")


def _sync(path: Path) -> None:
    """Wait until a file's bytes are on the disk, so that a power cut cannot empty it after the rename."""
    if path.is_file():
        with path.open("rb+") as stream:
            os.fsync(stream.fileno())


def _move(partial: Path, path: Path) -> None:
    if not path.is_dir() and not partial.is_dir():
        partial.replace(path)
        return
    # a folder cannot be replaced in one step: the old one steps aside, and back if the move fails
    old = _beside(path, "old")
    had_old = path.exists()
    if had_old:
        path.rename(old)
    try:
        partial.rename(path)
    except OSError:
        if had_old:
            old.rename(path)
        raise
    if had_old:
        _remove(old)


def _remove(path: Path) -> None:
    if not path.is_dir():
        path.unlink(missing_ok=True)
        return
    for pause_s in _PAUSES_S:
        time.sleep(pause_s)
        shutil.rmtree(path, ignore_errors=True)
        if not path.exists():
            return
