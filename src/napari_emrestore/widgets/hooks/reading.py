"""Files and folders that napari opens: image layers with geometry, units and provenance, lazily."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_emrestore.io import FrameStack

LayerData = tuple[Any, dict[str, Any], str]
_LISTED = 1000
_PNG_GREY_OR_PALETTE = (0, 3)
_HDF5 = b"\x89HDF\r\n\x1a\n"


def get_reader(path: str | list[str]) -> Callable[[str | list[str]], list[LayerData]] | None:
    """Return the function that reads a path, or None if it is probably not ours; never raises.

    Parameters
    ----------
    path : str or list of str
        A file, a Zarr folder or a folder of frames; a list is one stack, a frame per file.
    """
    paths = [path] if isinstance(path, str) else list(path)
    try:
        wanted = bool(paths) and all(_is_ours(Path(each), alone=len(paths) == 1) for each in paths)
    except (OSError, TypeError, ValueError):
        return None
    return read_layers if wanted else None


def read_layers(path: str | list[str]) -> list[LayerData]:
    """Return the image layer of a path, of a mosaic its images and maps; pixels are read when they are shown.

    Parameters
    ----------
    path : str or list of str
        As `get_reader`.

    Raises
    ------
    MissingFileError, InputError, FormatError
        In one sentence, which napari shows.
    """
    from napari_emrestore.io import open_frames, open_series, read_provenance
    from napari_emrestore.overview.mosaic_files import is_mosaic
    from napari_emrestore.widgets.hooks.mosaics import mosaic_layers

    paths = [path] if isinstance(path, str) else list(path)
    if len(paths) > 1:
        return [layer_data(open_series(paths))]
    if is_mosaic(paths[0]):
        return mosaic_layers(paths[0])
    data, options, kind = layer_data(open_frames(paths[0]), provenance=read_provenance(paths[0]))
    return [(data, options, kind)]


def layer_data(stack: FrameStack, **more: Any) -> LayerData:
    """Return a stack of frames as layer data: multiscale where the file holds a pyramid.

    Parameters
    ----------
    stack : FrameStack
        It stays open as long as the layer holds its pixels.
    **more
        Further arguments of `image_options`.
    """
    from napari_emrestore.widgets.layers import contrast_limits, image_options

    is_stack = len(stack) > 1
    levels = [level if is_stack else level[0] for level in stack.levels]
    options = image_options(stack.acquisition, stack=is_stack, **more)
    options["contrast_limits"] = contrast_limits(levels[-1])
    if len(levels) > 1:
        return levels, {**options, "multiscale": True}, "image"
    return levels[0], options, "image"


def _is_ours(path: Path, *, alone: bool) -> bool:
    from napari_emrestore.io import readable_suffixes
    from napari_emrestore.io.files import is_zarr

    if path.is_dir():
        return alone and (is_zarr(path) or _holds_images(path))
    suffix = path.suffix.lower()
    if suffix not in readable_suffixes() or not path.is_file():
        return False
    if suffix in (".png", ".h5", ".hdf5"):
        with path.open("rb") as file:
            return _is_grey_png(file.read(26)) if suffix == ".png" else file.read(8) == _HDF5
    return True


def _is_grey_png(head: bytes) -> bool:
    """Return whether the colour type of a PNG header says grey or palette; photographs are not ours."""
    return len(head) == 26 and head[25] in _PNG_GREY_OR_PALETTE


def _holds_images(folder: Path) -> bool:
    """Return whether one of the first files of a folder has a suffix of ours."""
    from napari_emrestore.io import readable_suffixes

    known = readable_suffixes()
    with os.scandir(folder) as entries:
        first = (entry for _, entry in zip(range(_LISTED), entries, strict=False))
        return any(
            entry.name.lower().endswith(known) and not entry.name.startswith(".") and entry.is_file()
            for entry in first
        )
