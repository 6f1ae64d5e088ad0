"""The border to other programs' files: whatever is wrong with them leaves here as one clear error."""

from __future__ import annotations

import json
import math
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from napari_emrestore.core import FormatError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MOST_BYTES = 256 << 20
_DAMAGE = (
    ArithmeticError,
    AttributeError,
    InputError,
    LookupError,
    MemoryError,
    RecursionError,
    TypeError,
    ValueError,
)


@contextmanager
def parsing(path: Path, kind: str) -> Iterator[None]:
    """Turn what goes wrong while a file is taken apart into an error that names it.

    Parameters
    ----------
    path : Path
        The file.
    kind : str
        What it is taken for, for example ``"SerialEM navigator file"``.

    Raises
    ------
    FormatError
        Instead of the many errors that damaged or foreign content causes.
    """
    try:
        yield
    except FormatError:
        raise
    except _DAMAGE as error:
        words = f"{error}" if isinstance(error, InputError) else f"{type(error).__name__}: {error}"
        raise FormatError(
            f"A complete {kind} is needed",
            item=path.name,
            came=f"could not be read ({words.rstrip('.')})",
            remedy="Save it again in the program that wrote it.",
        ) from error


def read_text(path: Path, *, encoding: str = "utf-8") -> str:
    """Return the text of a file.

    Raises
    ------
    InputError
        If there is no such file or it may not be read.
    FormatError
        If it is no text of this encoding, or larger than 256 MiB.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise FormatError(
                f"A list of regions has at most {MOST_BYTES >> 20} MiB",
                item=path.name,
                came=f"has {path.stat().st_size >> 20} MiB",
            )
        return path.read_text(encoding=encoding)
    except UnicodeDecodeError as error:
        raise FormatError(
            f"A text file ({encoding}) is needed", item=path.name, came=f"is none ({error})"
        ) from error
    except OSError as error:
        raise InputError("A file that can be read is needed", item=str(path), came=f"gave {error}") from error


def read_json(path: Path) -> Any:
    """Return the content of a JSON file; raises as `read_text`, also for NaN and infinity."""
    text = read_text(path, encoding="utf-8-sig")
    with parsing(path, "JSON file"):
        return json.loads(text, parse_constant=_no_number)


def finite(value: Any) -> float:
    """Return a number from a file; raises `ValueError` or `TypeError` if it is none or not finite."""
    number = math.nan if isinstance(value, bool) else float(value)
    if not math.isfinite(number):
        raise ValueError(f"{value!r} is no finite number")
    return number


def _no_number(constant: str) -> float:
    raise ValueError(f"{constant} is no JSON number")
