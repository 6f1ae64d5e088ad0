"""Telling that a device's memory did not suffice from other errors of torch."""

from __future__ import annotations

_SIGNS = ("out of memory", "can't allocate memory", "not enough memory")


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether memory did not suffice: torch says so in a plain `RuntimeError` at times."""
    text = str(error).lower()
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and any(sign in text for sign in _SIGNS)
    )
