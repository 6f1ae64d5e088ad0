"""The border to other people's readers: whatever they throw at damaged bytes leaves here as our error."""

from __future__ import annotations

import struct
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING

from napari_emrestore.core import EmRestoreError, FormatError, InputError, MissingPackageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Found by truncating and flipping bytes of every format; readers promise nothing about damaged files.
# SyntaxError is what XML parsers and Pillow raise, MemoryError what a header with absurd sizes causes.
_DAMAGE = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    NameError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    Warning,
    struct.error,
    zlib.error,
)
_SMALL_BYTES = 256 << 20
_MOST_PACKED = 2000


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn what a reader raises while it works on `path` into an error of this package.

    Raises
    ------
    FormatError
        If the file is damaged or not what its name says.
    InputError
        If the file may not be read.
    MissingPackageError
        If a package is needed for it that is not installed.
    """
    try:
        yield
    except EmRestoreError:
        raise
    except PermissionError as error:
        raise InputError(
            "A file that may be read is needed",
            item=str(path),
            came="refuses access",
            remedy="Close the program that holds it, or ask for read permission.",
        ) from error
    except ImportError as error:
        raise MissingPackageError(
            "An optional package is needed for this file",
            item=path.name,
            came=str(error),
            remedy="Install the package named there.",
        ) from error
    except _DAMAGE as error:
        if "imagecodecs" in str(error):
            raise MissingPackageError(
                "The package imagecodecs is needed to unpack this file",
                item=path.name,
                came=str(error),
                remedy="Run: pip install imagecodecs",
            ) from error
        raise FormatError(
            "A complete file of the kind its name says is needed",
            item=path.name,
            came=f"could not be read ({type(error).__name__}: {error})",
            remedy="Copy it again from the microscope; if it opens elsewhere, save it as OME-TIFF there.",
        ) from error


def check_claim(path: Path, claimed_bytes: int, stored_bytes: int, what: str) -> None:
    """Refuse a header that claims far more pixels than its stored bytes can hold, before memory is taken.

    Parameters
    ----------
    path : Path
        The file.
    claimed_bytes, stored_bytes : int
        Bytes of the unpacked pixels, and bytes on disk that they are said to come from. Up to 2000 times
        packed is believed (zlib ends at 1032), and anything up to 256 MiB.
    what : str
        The claim in words, for example ``"a tile of 9000 x 9000"``.

    Raises
    ------
    FormatError
        If the claim cannot be true.
    """
    if claimed_bytes > _SMALL_BYTES and claimed_bytes > _MOST_PACKED * stored_bytes:
        raise FormatError(
            "A file holds the pixels its header claims",
            item=path.name,
            came=f"claims {what} ({claimed_bytes} bytes) from {stored_bytes} stored bytes",
            remedy="The file is damaged or incomplete; copy it again from the microscope.",
        )
