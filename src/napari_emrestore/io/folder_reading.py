"""A folder of frames as one stack: natural order, one shape and type, other files passed over."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.core import FormatError
from napari_emrestore.io.files import frame_files, no_images
from napari_emrestore.io.guarding import reading
from napari_emrestore.io.opening import read_stored
from napari_emrestore.io.stack import StoredStack

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_emrestore.core import Acquisition

_Kind = tuple[tuple[int, int], np.dtype[Any]]


def read(folder: Path) -> StoredStack:
    """Return the frames of a folder, one per file; every header is read, no pixel.

    What is known about the acquisition is taken from the first file.

    Raises
    ------
    FormatError
        If no file is an image, a file holds several frames, or shapes or types differ.
    """
    files = frame_files(folder)
    if not files:
        raise no_images(folder)
    return join(files, folder.name, str(folder))


def join(files: list[Path], name: str, path: str = "") -> StoredStack:
    """Return files of one frame each as one stack, in the order given; every header is read, no pixel.

    Raises
    ------
    FormatError
        If a file holds several frames, or shapes or types differ.
    """
    kinds = [_look_at(file) for file in files]
    shape, dtype = _common_kind(files, [kind for kind, _ in kinds])
    first = kinds[0][1]
    extra = {**first.extra, "first_file": files[0].name, "files": len(files)}
    known = replace(first, name=name, path=path, extra=extra)
    return StoredStack(_FolderPixels(files, (len(files), *shape), dtype), known, (1, *shape))


def _look_at(file: Path) -> tuple[_Kind, Acquisition]:
    stored = read_stored(file)
    try:
        count, height, width = stored.pixels.shape
        if count != 1:
            raise FormatError(
                "A folder of frames holds one frame per file",
                item=file.name,
                came=f"holds {count}",
                remedy="Open that file itself, or take it out of the folder.",
            )
        return ((height, width), np.dtype(stored.pixels.dtype).newbyteorder("=")), stored.acquisition
    finally:
        stored.close()


def _common_kind(files: list[Path], kinds: list[_Kind]) -> _Kind:
    usual = Counter(kinds).most_common(1)[0][0]
    odd = next((i for i, kind in enumerate(kinds) if kind != usual), None)
    if odd is None:
        return usual
    (shape, dtype), (usual_shape, usual_dtype) = kinds[odd], usual
    raise FormatError(
        f"Frames of a folder share one shape and type, here {usual_shape} {usual_dtype}",
        item=files[odd].name,
        came=f"is {shape} {dtype}",
        remedy="Take it out of the folder, or crop the series to one size.",
    )


class _FolderPixels:
    """One file per frame; each is opened when read and closed after, so that no folder is too large."""

    def __init__(self, files: list[Path], shape: tuple[int, int, int], dtype: np.dtype[Any]) -> None:
        self._files = files
        self.shape = shape
        self.dtype = dtype

    def __getitem__(self, key: tuple[slice, slice, slice]) -> NDArray[Any]:
        files = self._files[key[0]]
        block = [self._one(file, key[1:]) for file in files]
        return np.concatenate(block) if block else np.empty((0, 0, 0), self.dtype)

    def _one(self, file: Path, window: tuple[slice, ...]) -> NDArray[Any]:
        stored = read_stored(file)
        try:
            with reading(file):
                return np.array(stored.pixels[slice(None), window[0], window[1]])
        finally:
            stored.close()
