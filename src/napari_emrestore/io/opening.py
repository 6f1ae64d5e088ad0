"""One way in for every file: `open_frames`, and the provenance our own files carry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_emrestore.core import FormatError
from napari_emrestore.io.files import existing, in_natural_order, is_zarr
from napari_emrestore.io.formats import format_of, resolve
from napari_emrestore.io.guarding import reading
from napari_emrestore.io.records import plain_name
from napari_emrestore.io.stack import FrameStack

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from napari_emrestore.core import Provenance
    from napari_emrestore.io.records import Record
    from napari_emrestore.io.stack import StoredStack


def open_frames(path: str | Path) -> FrameStack:
    """Return the frames of a file or folder; pixels are read when asked for.

    Parameters
    ----------
    path : str or Path
        An image file (the suffix decides, see `FORMATS`), a Zarr folder, or a folder of frames. Of a file
        with several images the first grey one is taken and the choice recorded in ``acquisition.extra``;
        frames of a folder come in natural order, files that are no images are passed over.

    Returns
    -------
    FrameStack
        Frames in the detector's own units and type. Not-a-number pixels come through and are counted in
        the ``extra`` of the frame that has them.

    Raises
    ------
    MissingFileError
        If nothing is at `path`.
    InputError
        If the suffix is of no format we read, or the file may not be read.
    FormatError
        If it is damaged, empty, coloured, complex, has more than one frame axis, or is a folder whose
        frames differ in shape or type. Damage inside pixel data shows when those pixels are read.
    MissingPackageError
        If an optional package is needed to unpack it.
    """
    found = existing(path)
    return FrameStack(read_stored(found), found)


def open_series(paths: Sequence[str | Path]) -> FrameStack:
    """Return several files of one frame each as one stack, in natural order of their names.

    Parameters
    ----------
    paths : sequence of str or Path
        At least one file; a folder of frames is opened with `open_frames`.

    Raises
    ------
    MissingFileError, InputError, FormatError
        As `open_frames`; also if a file holds several frames, or shapes or types differ.
    """
    files = in_natural_order([existing(path) for path in paths])
    return FrameStack(resolve("folder_reading:join")(files, plain_name(files[0])))


def read_stored(path: Path) -> StoredStack:
    """Return the stack at an existing path, by the reader of its format."""
    if path.is_dir():
        reader = "zarr_reading:read" if is_zarr(path) else "folder_reading:read"
    else:
        reader = format_of(path).reader
        _refuse_empty(path)
    with reading(path):
        stored: StoredStack = resolve(reader)(path)
    return stored


def read_provenance(path: str | Path) -> Provenance | None:
    """Return what made the image in a file that this package wrote; None for any other readable file.

    Parameters
    ----------
    path : str or Path
        A file, a Zarr folder, or a folder of frames, which carries none.

    Raises
    ------
    MissingFileError, InputError, FormatError
        As `open_frames`.
    """
    found = existing(path)
    if found.is_dir():
        row_reader = "zarr_reading:read" if is_zarr(found) else ""
    else:
        row = format_of(found)
        row_reader = row.reader if row.writer else ""
        _refuse_empty(found)
    if not row_reader:
        return None
    with reading(found):
        record: Record | None = resolve(row_reader.replace(":read", ":read_record"))(found)
    return record.provenance if record else None


def _refuse_empty(path: Path) -> None:
    with reading(path):
        size = path.stat().st_size
    if size == 0:
        raise FormatError(
            "A file with content is needed",
            item=path.name,
            came="has 0 bytes",
            remedy="The copy or acquisition was cut off; copy it again from the microscope.",
        )
