"""What is compared: images of one field under names, and the regions of the field that numbers are for."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.core import InputError
from napari_emrestore.restoration.plan import Rect

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

MOST_CANDIDATES = 8
WHOLE, VISIBLE = "whole image", "visible field"


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """One image under test.

    Attributes
    ----------
    name : str
        Unique in its comparison.
    image : ndarray, shape (Y, X)
        Input units; NaN where nothing was measured.
    seconds : float, optional
        Wall time that making it took; ``None`` if nobody measured it.
    provenance : mapping
        Plain JSON of what made it; empty if unknown.
    """

    name: str
    image: NDArray[Any]
    seconds: float | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """A part of the field.

    Attributes
    ----------
    name : str
        Unique in its comparison.
    area : Rect
        The smallest rectangle around it, within the field.
    inside : ndarray of bool, optional
        Which pixels of `area` belong to it; ``None`` for all.
    """

    name: str
    area: Rect
    inside: NDArray[np.bool_] | None = None


def rectangle(
    name: str, shape: tuple[int, int], rows: tuple[float, float], columns: tuple[float, float]
) -> Region:
    """Return the part of a rectangle that lies in a field.

    Parameters
    ----------
    name : str
        Of the region.
    shape : tuple of int
        ``(Y, X)`` of the field.
    rows, columns : tuple of float
        First and last coordinate in pixels, pixel centres at integers; pixels whose centre lies between
        belong to the region.

    Raises
    ------
    InputError
        If no pixel of the field does.
    """
    ends = [
        (max(0, int(np.ceil(low))), min(length, int(np.floor(high)) + 1))
        for (low, high), length in zip((rows, columns), shape, strict=True)
    ]
    if any(first >= last for first, last in ends):
        raise _outside(name, shape)
    return Region(name, Rect(*ends[0], *ends[1]))


def polygon(name: str, shape: tuple[int, int], corners: ArrayLike) -> Region:
    """Return the pixels of a field whose centres lie in a polygon.

    Parameters
    ----------
    name : str
        Of the region.
    shape : tuple of int
        ``(Y, X)`` of the field.
    corners : array_like, shape (K, 2)
        ``(y, x)`` in pixels; may lie outside of the field.

    Raises
    ------
    InputError
        If no pixel of the field lies in it.
    """
    draw: Any = import_module("skimage.draw")  # its functions carry no types
    mask: NDArray[np.bool_] = draw.polygon2mask(shape, np.asarray(corners, float))
    if not mask.any():
        raise _outside(name, shape)
    return _tight(name, mask)


def label_regions(labels: ArrayLike) -> list[Region]:
    """Return one region per label above or below 0, named ``"label 3"``, in rising order.

    Parameters
    ----------
    labels : array_like of int, shape (Y, X)
        0 is background.
    """
    values = np.asarray(labels)
    return [_tight(f"label {value}", values == value) for value in np.unique(values) if value != 0]


def check_candidates(candidates: Sequence[Candidate], shape: tuple[int, ...] | None = None) -> None:
    """Raise `InputError` unless one to eight candidates of one shape and different names came."""
    names = [candidate.name for candidate in candidates]
    if not 1 <= len(names) <= MOST_CANDIDATES or len(set(names)) < len(names):
        raise InputError(
            f"A comparison takes one to {MOST_CANDIDATES} candidates with different names",
            came=f"{len(names)} came: {', '.join(names) or 'none'}",
        )
    wanted = candidates[0].image.shape if shape is None else shape
    for candidate in candidates:
        if candidate.image.ndim != 2 or candidate.image.shape != wanted or candidate.image.size == 0:
            raise InputError(
                f"Candidates are images (Y, X) of one field, here {tuple(wanted)}",
                item=candidate.name,
                came=f"has shape {candidate.image.shape}",
                remedy="Crop all to the area they share.",
            )


def _tight(name: str, mask: NDArray[np.bool_]) -> Region:
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    area = Rect(int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1)
    inside = mask[area.slices]
    return Region(name, area, None if inside.all() else inside)


def _outside(name: str, shape: tuple[int, int]) -> InputError:
    return InputError(
        f"A region needs pixels of the compared field of {shape[0]} × {shape[1]}",
        item=name,
        came="holds none of them",
        remedy="Draw it on the images.",
    )
