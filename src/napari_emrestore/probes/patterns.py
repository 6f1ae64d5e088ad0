"""What a probe is: a known pattern, the parts whose contrast counts, and what may be judged on it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, cast

from napari_emrestore.core import InputError
from napari_emrestore.probes.drawing import check_size

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

_HERE = "napari_emrestore.probes"

PROBES: dict[str, str] = {
    "spots": f"{_HERE}.spots:spots_and_curves",
    "lines": f"{_HERE}.lines:lines_in_one_direction",
    "crossed-lines": f"{_HERE}.lines:lines_in_two_directions",
    "blank": f"{_HERE}.targets:blank_field",
    "siemens-star": f"{_HERE}.targets:siemens_star",
    "checkerboard": f"{_HERE}.targets:checkerboard",
    "fine-grating": f"{_HERE}.lines:fine_gratings",
    "edge": f"{_HERE}.targets:slanted_edge",
    "dots": f"{_HERE}.targets:dot_lattice",
}


@dataclass(frozen=True, slots=True, eq=False)
class Probe:
    """A known pattern.

    Attributes
    ----------
    name, title : str
        As in `PROBES`, and for people.
    stands_for : str
        What of a real image it stands for, in one sentence.
    pattern : ndarray, shape (Y, X), float32
        Intensities in [0, 1].
    judged : tuple of str
        Names of the artefacts that have a meaning on it, see `scores.ARTEFACTS`.
    parts : ndarray, shape (Y, X), int32, optional
        Numbers, from 1, of the parts (curves, lines, dots, fields) whose contrast is measured; 0 for none.
    ground : ndarray, shape (Y, X), float32, optional
        The pattern without its parts, where that is not one grey.
    """

    name: str
    title: str
    stands_for: str
    pattern: NDArray[np.float32]
    judged: tuple[str, ...]
    parts: NDArray[np.int32] | None = None
    ground: NDArray[np.float32] | None = None


def list_probes() -> tuple[str, ...]:
    """Return the names of all probes; draws none."""
    return tuple(PROBES)


def draw_probe(name: str, size_px: int = 512) -> Probe:
    """Return a probe; the same name and size always give the same pattern, whose arrays are read-only.

    Parameters
    ----------
    name : str
        One of `list_probes`.
    size_px : int
        Side of the square pattern, at least 32.

    Raises
    ------
    InputError
        If there is no such probe or the size is too small.
    """
    if name not in PROBES:
        raise InputError(f"A probe is one of {', '.join(PROBES)}", came=f"{name!r} came")
    return _drawn(name, check_size(size_px))


@lru_cache(maxsize=2 * len(PROBES))
def _drawn(name: str, size_px: int) -> Probe:
    module, _, attribute = PROBES[name].partition(":")
    probe = cast("Callable[[int], Probe]", getattr(import_module(module), attribute))(size_px)
    for image in (probe.pattern, probe.parts, probe.ground):
        if image is not None:
            image.setflags(write=False)  # it is shared from now on
    return probe
