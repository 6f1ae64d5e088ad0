"""Which part of each image shows the field they all share: planned from their places, no pixel touched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_emrestore.core import InputError
from napari_emrestore.restoration.plan import Rect

if TYPE_CHECKING:
    from collections.abc import Mapping

_WHOLE_PX = 0.02  # pixels; what rounding of scales and translations may cost
_SAME_SCALE = 1e-4  # relative


@dataclass(frozen=True, slots=True)
class Place:
    """Where the pixels of an image lie.

    Attributes
    ----------
    shape : tuple of int
        ``(Y, X)``.
    scale : tuple of float
        ``(y, x)`` size of a pixel, in any unit.
    translate : tuple of float
        ``(y, x)`` of the centre of its first pixel, in the same unit.
    """

    shape: tuple[int, int]
    scale: tuple[float, float] = (1.0, 1.0)
    translate: tuple[float, float] = (0.0, 0.0)


def shared_field(places: Mapping[str, Place]) -> dict[str, Rect]:
    """Return, for each image, the rectangle of its pixels that shows what all of them show.

    Parameters
    ----------
    places : mapping of str to Place
        Name and place; names are for messages.

    Returns
    -------
    dict of str to Rect
        Rectangles of one shape.

    Raises
    ------
    InputError
        If pixel sizes differ, an image lies between the pixels of the first one, or they share no pixel.
    """
    first_name, first = next(iter(places.items()))
    offsets = {name: _offset(name, place, first_name, first) for name, place in places.items()}
    top, left = (max(offset[axis] for offset in offsets.values()) for axis in (0, 1))
    bottom, right = (
        min(offsets[name][axis] + place.shape[axis] for name, place in places.items()) for axis in (0, 1)
    )
    if top >= bottom or left >= right:
        raise InputError(
            "Images that are compared must show a common field",
            item=", ".join(places),
            came="share no pixel",
            remedy="Leave out the one that lies elsewhere.",
        )
    return {name: Rect(top - y, bottom - y, left - x, right - x) for name, (y, x) in offsets.items()}


def _offset(name: str, place: Place, first_name: str, first: Place) -> tuple[int, int]:
    """Return the whole number of pixels ``(y, x)`` by which an image starts after the first one."""
    scale = np.array(first.scale)
    if not np.allclose(place.scale, scale, rtol=_SAME_SCALE, atol=0):
        raise InputError(
            "Images that are compared must have one pixel size",
            item=name,
            came=f"has {_pair(place.scale)}, {first_name} has {_pair(first.scale)}",
            remedy="Resample one of them, or leave it out.",
        )
    exact = (np.array(place.translate) - first.translate) / scale
    whole = np.rint(exact)
    if np.abs(exact - whole).max() > _WHOLE_PX:
        raise InputError(
            "Images that are compared must lie on one pixel grid",
            item=name,
            came=f"is shifted by {_pair(exact)} pixels (y, x) against {first_name}",
            remedy="Register and resample it first.",
        )
    return int(whole[0]), int(whole[1])


def _pair(numbers: object) -> str:
    y, x = np.asarray(numbers)
    return f"{y:.5g} × {x:.5g}"
