"""Outlines of painted regions as rings of vertices, rings back to pixels, and what shape a ring is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.core import InputError
from napari_emrestore.overview.region_geometry import outline
from napari_emrestore.overview.region_masks import RegionMask, decode_mask, encode_mask

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_emrestore.overview.regions import Region

Ring = list[tuple[float, float]]

_SQUARE_PX = 0.05
# a hostile file may ask for a mask of any size
MOST_MASK_PX = 1 << 30


def rings_of(region: Region) -> list[Ring]:
    """Return the outlines of a region ``(y, x)`` in pixels; the first vertex is not repeated.

    Rings of a label run half-way between pixels in and out, so that by the even-odd rule they hold exactly
    its pixels; the first is the longest. Other kinds have one ring.
    """
    if region.mask is None:
        return [_ring(outline(region))]
    from skimage.measure import find_contours

    y, x = region.mask.origin_px
    padded = np.pad(decode_mask(region.mask), 1).astype(np.uint8)
    contours: Any = find_contours
    found = (np.add(contour[:-1], (y - 1, x - 1)) for contour in contours(padded, 0.5))
    return sorted((_ring(contour) for contour in found), key=len, reverse=True)


def polygons_of(region: Region) -> list[list[Ring]]:
    """Return a region as polygons: of each the outer ring, then those of its holes."""
    rings = rings_of(region)
    if region.mask is None:
        return [rings]
    # marching squares winds holes the other way round
    outer = [[ring] for ring in rings if signed_area(ring) < 0]
    for hole in (ring for ring in rings if signed_area(ring) > 0):
        around = [polygon for polygon in outer if _holds(polygon[0], hole[0])]
        min(around, key=lambda polygon: -signed_area(polygon[0])).append(hole)
    return outer


def mask_of_rings(rings: Sequence[Ring]) -> RegionMask:
    """Return the pixels whose centres lie in an odd number of rings.

    Raises
    ------
    InputError
        If there are none, or the rings reach over more than 2³⁰ pixels.
    """
    from skimage.draw import polygon2mask

    fill: Any = polygon2mask
    corners = np.concatenate([np.asarray(ring, np.float64) for ring in rings])
    low = np.floor(corners.min(axis=0)).astype(np.int64)
    shape = np.ceil(corners.max(axis=0)).astype(np.int64) + 1 - low
    if int(shape[0]) * int(shape[1]) > MOST_MASK_PX:
        raise InputError("A painted region is of at most 2³⁰ pixels", came=f"{shape.tolist()} came")
    inside = np.zeros(tuple(shape.tolist()), bool)
    for ring in rings:
        inside ^= fill(inside.shape, np.asarray(ring, np.float64) - low)
    return encode_mask(inside, (int(low[0]), int(low[1])))


def is_rectangle(ring: Ring) -> bool:
    """Return whether four vertices are those of a rectangle, perhaps turned, to a twentieth of a pixel."""
    if len(ring) != 4:
        return False
    a, b, c, d = np.asarray(ring, np.float64)
    crooked = float(np.linalg.norm(a - b + c - d))
    skewed = abs(float(np.linalg.norm(a - c)) - float(np.linalg.norm(b - d)))
    return crooked < _SQUARE_PX and skewed < _SQUARE_PX


def open_ring(ring: Ring) -> Ring:
    """Return a ring without the repetition of its first vertex that many formats ask for."""
    return ring[:-1] if len(ring) > 1 and ring[0] == ring[-1] else ring


def closed_ring(ring: Ring) -> Ring:
    """Return a ring with its first vertex repeated at the end."""
    return [*ring, ring[0]]


def signed_area(ring: Ring) -> float:
    """Return the area of a ring in pixels, by its sense of turning positive or negative."""
    y, x = np.asarray(ring, np.float64).T
    y, x = y - y.mean(), x - x.mean()
    return float((y * np.roll(x, -1) - x * np.roll(y, -1)).sum() / 2)


def _ring(places: NDArray[np.float64]) -> Ring:
    return [(float(y), float(x)) for y, x in places]


def _holds(ring: Ring, place: tuple[float, float]) -> bool:
    """Return whether a place lies in a ring, by counting the edges that a ray towards +x crosses."""
    corners = np.asarray(ring, np.float64)
    following = np.roll(corners, -1, axis=0)
    spans = (corners[:, 0] > place[0]) != (following[:, 0] > place[0])
    start, end = corners[spans], following[spans]
    meets = start[:, 1] + (place[0] - start[:, 0]) / (end[:, 0] - start[:, 0]) * (end[:, 1] - start[:, 1])
    return bool((meets > place[1]).sum() % 2)
