"""Where regions lie and which pixels they cover; all in pixels ``(y, x)``, pixel centres at integers."""

from __future__ import annotations

import math
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.overview.region_masks import decode_mask
from napari_emrestore.restoration.plan import Rect

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_emrestore.overview.regions import Region


def outline(region: Region) -> NDArray[np.float64]:
    """Return the corners around a region ``(N, 2)``: of a label those of its box, of a point the point."""
    if region.mask is None:
        return np.asarray(region.vertices, np.float64)
    (y, x), (height, width) = region.mask.origin_px, region.mask.shape
    low, high = (y - 0.5, x - 0.5), (y + height - 0.5, x + width - 0.5)
    return np.array([low, (low[0], high[1]), high, (high[0], low[1])])


def bounds(region: Region) -> tuple[float, float, float, float]:
    """Return ``(y_low, y_high, x_low, x_high)`` of a region, not rounded."""
    corners = outline(region)
    (y0, x0), (y1, x1) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
    return y0, y1, x0, x1


def box_of(region: Region) -> Rect:
    """Return the whole pixels whose centres may lie in a region; for a point the one it lies in."""
    y0, y1, x0, x1 = bounds(region)
    if region.kind == "point":
        y, x = math.floor(y0 + 0.5), math.floor(x0 + 0.5)
        return Rect(y, y + 1, x, x + 1)
    if region.mask is not None:
        return Rect(math.ceil(y0), math.ceil(y1), math.ceil(x0), math.ceil(x1))
    return Rect(math.ceil(y0), math.floor(y1) + 1, math.ceil(x0), math.floor(x1) + 1)


def centre(region: Region) -> tuple[float, float]:
    """Return the centre of area ``(y, x)`` of a region; of one without area the mean of its vertices."""
    if region.mask is not None:
        inside = np.argwhere(decode_mask(region.mask)).mean(axis=0)
        y, x = (inside + region.mask.origin_px).tolist()
        return y, x
    corners = outline(region)
    middle = corners.mean(axis=0)
    # shifted to the mean first, or far corners would cost digits
    moved = corners - middle
    weights = _cross(moved)
    total = weights.sum()
    if abs(total) > 1e-9 * np.abs(weights).sum():
        middle = middle + ((moved + np.roll(moved, -1, axis=0)) * weights[:, None]).sum(axis=0) / (3 * total)
    return float(middle[0]), float(middle[1])


def area_px(region: Region) -> float:
    """Return the area in pixels: of a drawn outline exactly, of a label its pixels, of a point 0."""
    if region.mask is not None:
        return float(region.mask.area_px)
    return abs(float(_cross(outline(region)).sum())) / 2


def pixels_inside(region: Region, box: Rect | None = None, every: int = 1) -> NDArray[np.bool_]:
    """Return which pixels of a box belong to a region.

    Parameters
    ----------
    region : Region
        A pixel belongs to a drawn outline when its centre lies within (crossings count by the even-odd
        rule), to a point when the point lies in it.
    box : Rect, optional
        Where to look; `box_of` the region by default. It may reach out of the overview.
    every : int
        1 for all pixels of the box; 2 for every second in y and x, from its first.

    Returns
    -------
    ndarray of bool
        Of the box's shape, or what is left of it.
    """
    draw: Any = import_module("skimage.draw")
    own = box_of(region)
    box = own if box is None else box
    if region.mask is not None:
        return _cut(decode_mask(region.mask), own, box)[::every, ::every]
    if region.kind == "point":
        return _cut(np.ones((1, 1), bool), own, box)[::every, ::every]
    shape = tuple(-(-length // every) for length in box.shape)
    inside: NDArray[np.bool_] = draw.polygon2mask(shape, (outline(region) - (box.y0, box.x0)) / every)
    return inside


def _cut(image: NDArray[Any], own: Rect, box: Rect) -> NDArray[Any]:
    """Return what an image that fills one box shows in another; nothing where it does not reach."""
    shown = np.zeros(box.shape, image.dtype)
    moved = own.within(box)
    seen = moved.clipped(box.shape)
    part = seen.within(moved)
    if min(seen.shape) > 0:
        shown[seen.slices] = image[part.slices]
    return shown


def _cross(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the cross product of each corner with the next; their sum is twice the signed area."""
    following = np.roll(corners, -1, axis=0)
    return corners[:, 0] * following[:, 1] - corners[:, 1] * following[:, 0]
