"""Compile a function with numba where numba is there, and leave it plain Python where it is not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    F = TypeVar("F", bound=Callable[..., Any])

# No "nnan"/"ninf": a NaN must stay one. "reassoc" is what lets sums run in SIMD lanes.
_FAST = {"nsz", "arcp", "contract", "reassoc"}


def compiled(function: F) -> F:
    """Return `function` compiled to machine code without the interpreter lock, or itself without numba.

    The machine code is kept on disk between processes. Where no folder for it can be written (a read-only
    install without a home folder), it is compiled once per process instead.
    """
    try:
        import numba
    except ImportError:
        return function
    try:
        made: F = numba.njit(function, cache=True, nogil=True, fastmath=_FAST, error_model="numpy")
    except RuntimeError:  # numba found no place for its cache
        made = numba.njit(function, nogil=True, fastmath=_FAST, error_model="numpy")
    return made


def has_numba() -> bool:
    """Return whether numba can be imported."""
    from importlib.util import find_spec

    return find_spec("numba") is not None
