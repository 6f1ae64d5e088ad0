"""Our records as plain JSON values, for provenance and for programs that read our output."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import PurePath
from typing import Any


def plain(value: Any) -> Any:
    """Return `value` built of dict, list, str, int, float, bool and ``None`` only.

    Dataclasses become objects, tuples lists, paths strings, NumPy scalars and arrays Python numbers and
    lists. JSON knows no infinity and no not-a-number: both become ``None``.

    Raises
    ------
    TypeError
        If a value has no plain form; that is a mistake in this package, not in its input.
    """
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    raise TypeError(f"{type(value).__name__} has no plain JSON form")
