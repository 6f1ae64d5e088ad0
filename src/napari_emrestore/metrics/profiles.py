"""Intensity along a drawn line, averaged across a width: what edges and particles are measured on."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, hypot, inf
from typing import TYPE_CHECKING

import numpy as np

from napari_emrestore.core.errors import InputError
from napari_emrestore.metrics.pairs import check_image

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Point = tuple[float, float]


@dataclass(frozen=True, slots=True, eq=False)
class LineProfile:
    """Intensity at points along a line.

    Attributes
    ----------
    distance_px : ndarray, shape (K,)
        Distance of each point from the start of the line, rising, in pixels.
    intensity : ndarray, shape (K,)
        In input units; NaN where the line, or a part of its width, leaves the image or meets NaN.
    width_px : int
        Parallel lines, one pixel apart, that were averaged.
    nm_per_px : float, optional
        Length in nm of a pixel along this line; ``None`` if the pixel size is unknown.
    """

    distance_px: NDArray[np.float64]
    intensity: NDArray[np.float64]
    width_px: int = 1
    nm_per_px: float | None = None

    def measured(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return distance and intensity of the points that are not NaN."""
        kept = np.isfinite(self.intensity)
        return self.distance_px[kept], self.intensity[kept]

    def to_nm(self, length_px: float) -> float | None:
        """Return a length along the line in nm, or ``None`` if the pixel size is unknown."""
        return None if self.nm_per_px is None else length_px * self.nm_per_px


def line_profile(
    image: ArrayLike,
    start: Point,
    end: Point,
    *,
    width_px: int = 1,
    pixel_size_nm: tuple[float, float] | None = None,
) -> LineProfile:
    """Return the intensity along a straight line, both ends included.

    Parameters
    ----------
    image : array_like, shape (Y, X)
        Real numbers of any dtype.
    start, end : tuple of float
        ``(y, x)`` in pixels, pixel centres at integers; may lie outside of the image.
    width_px : int
        Number of parallel lines, one pixel apart and centred on this one, that are averaged.
    pixel_size_nm : tuple of float, optional
        ``(y, x)`` size of a pixel; pixels need not be square.

    Returns
    -------
    LineProfile
        Points are evenly spaced, at most one pixel apart.

    Raises
    ------
    InputError
        If `image` is no image, the line has no length, or the width or the pixel size is not positive.

    Notes
    -----
    Linear interpolation. Equal to scikit-image's ``profile_line(order=1)`` on a line along an axis with
    whole-numbered ends.
    """
    from scipy.ndimage import map_coordinates

    pixels = check_image(image).astype(np.float64)
    length = _length_of(start, end)
    _check_width(width_px)
    (y, x), (dy, dx) = start, (end[0] - start[0], end[1] - start[1])
    distance = np.linspace(0.0, length, ceil(length) + 1)
    aside = np.arange(width_px) - (width_px - 1) / 2
    rows = y + (distance * dy - aside[:, None] * dx) / length
    columns = x + (distance * dx + aside[:, None] * dy) / length
    # a last digit lost to rounding must not put the rim of the image outside of it
    places = np.round([rows, columns], 9)
    lines = map_coordinates(pixels, places, order=1, mode="constant", cval=np.nan)
    return LineProfile(distance, lines.mean(axis=0), width_px, _nm_per_px(pixel_size_nm, dy, dx))


def _length_of(start: Point, end: Point) -> float:
    length = hypot(end[0] - start[0], end[1] - start[1])
    if not 0 < length < inf:
        raise InputError(
            "A line profile needs a line with two different ends",
            item="the line",
            came=f"goes from {tuple(start)} to {tuple(end)}",
            remedy="Draw a longer line.",
        )
    return length


def _check_width(width_px: int) -> None:
    if not isinstance(width_px, int | np.integer) or width_px < 1:
        raise InputError("The width of a line is a whole number of pixels from 1", came=f"{width_px!r} came")


def _nm_per_px(pixel_size_nm: tuple[float, float] | None, dy: float, dx: float) -> float | None:
    if pixel_size_nm is None:
        return None
    if not all(0 < size < inf for size in pixel_size_nm):
        raise InputError("A pixel size is (y, x) in nm, both positive", came=f"{pixel_size_nm!r} came")
    return hypot(dy * pixel_size_nm[0], dx * pixel_size_nm[1]) / hypot(dy, dx)
