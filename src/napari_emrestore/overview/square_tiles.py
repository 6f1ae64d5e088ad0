"""Reads an overview of any size piece by piece, at a resolution that suits what is looked for.

In: the levels of an overview, finest first, with pixels of any shape. Out: pieces with square pixels of
one size, each with the way from its pixels to those of the finest level.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.restoration.plan import Rect

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_READ_SIDE_PX = 4096
_MADE_SIDE_PX = 1024
_SQUARE = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class SquareTile:
    """A piece of an overview with square pixels.

    Attributes
    ----------
    image : ndarray, shape (Y, X), float32
        Finite; where the overview holds no number, the median of the rest.
    missing : ndarray of bool, shape (Y, X)
        Where the overview holds no number.
    origin, scale : ndarray, shape (2,)
        Where the corner of the first pixel lies in the finest level, and the size of a pixel there.
    core : Rect
        Pixels of the finest level that are this tile's own; what lies around it belongs to others.
    """

    image: NDArray[np.float32]
    missing: NDArray[np.bool_]
    origin: NDArray[np.float64]
    scale: NDArray[np.float64]
    core: Rect

    def to_overview(self, places: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return places ``(N, 2)`` in the tile as pixels of the finest level."""
        return (places + 0.5) * self.scale + self.origin

    def owns(self, place: NDArray[np.float64]) -> bool:
        """Return whether a place ``(y, x)`` in the finest level lies in the tile's core."""
        y, x = place + 0.5
        return bool(self.core.y0 <= y < self.core.y1 and self.core.x0 <= x < self.core.x1)


@dataclass(frozen=True, slots=True, eq=False)
class SquareGrid:
    """The level that is read, and how many of its pixels make one square pixel.

    Attributes
    ----------
    level : array, shape (Y, X)
        Numpy, dask or zarr.
    factor : tuple of float
        Pixels of the finest level in one of `level`, ``(y, x)``.
    step : tuple of float
        Pixels of `level` in one square pixel, ``(y, x)``; 1 or more for all but pixels of odd shape.
    """

    level: Any
    factor: tuple[float, float]
    step: tuple[float, float]

    def plan(self, area: Rect) -> list[Rect]:
        """Return the cores of the tiles, row by row; together they are the area, each pixel once."""
        sides = [
            max(1, int(factor * min(_READ_SIDE_PX, _MADE_SIDE_PX * step)))
            for factor, step in zip(self.factor, self.step, strict=True)
        ]
        return [
            Rect(y, min(y + sides[0], area.y1), x, min(x + sides[1], area.x1))
            for y in range(area.y0, area.y1, sides[0])
            for x in range(area.x0, area.x1, sides[1])
        ]

    def read(self, core: Rect, halo_px: float = 0.0) -> SquareTile:
        """Return the tile of a core in the finest level, with so many square pixels around it."""
        (low, high) = (np.array([core.y0, core.x0]), np.array([core.y1, core.x1]))
        reach = halo_px * np.asarray(self.step)
        first = np.maximum(np.floor(low / self.factor - reach), 0).astype(int)
        last = np.minimum(np.ceil(high / self.factor + reach), self.level.shape).astype(int)
        pixels = np.asarray(self.level[first[0] : last[0], first[1] : last[1]], np.float32)
        missing = ~np.isfinite(pixels)
        if missing.any():
            pixels = np.where(missing, np.median(pixels[~missing]) if not missing.all() else 0.0, pixels)
        image, scale = _averaged(pixels, self.step)
        gaps, _ = _averaged(missing.astype(np.float32), self.step)
        factor = np.asarray(self.factor)
        return SquareTile(image, gaps > 0.5, first * factor - 0.5, scale * factor, core)


def square_grid(
    levels: Sequence[Any], pixel_size_nm: tuple[float, float], wanted_nm: float
) -> tuple[SquareGrid, float]:
    """Return how to read an overview with square pixels, and their side in nm.

    Parameters
    ----------
    levels : sequence of array, each of shape (Y, X)
        Finest first.
    pixel_size_nm : tuple of float
        ``(y, x)`` of the finest level; any unit will do where nm are unknown.
    wanted_nm : float
        Side of a pixel that would be fine enough; the finest level's own pixels are the finest possible.
    """
    finest = levels[0].shape
    side = max(wanted_nm, min(pixel_size_nm))
    chosen, factor = levels[0], (1.0, 1.0)
    for level in levels[1:]:
        coarser = (finest[0] / level.shape[0], finest[1] / level.shape[1])
        if max(coarser[0] * pixel_size_nm[0], coarser[1] * pixel_size_nm[1]) <= side:
            chosen, factor = level, coarser
    own = (factor[0] * pixel_size_nm[0], factor[1] * pixel_size_nm[1])
    if math.isclose(*own, rel_tol=_SQUARE):
        whole = max(1, math.floor(side / own[0]))  # whole pixels need no interpolation
        return SquareGrid(chosen, factor, (float(whole), float(whole))), whole * own[0]
    return SquareGrid(chosen, factor, (side / own[0], side / own[1])), side


def _averaged(
    pixels: NDArray[np.float32], step: tuple[float, float]
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Return an image with each pixel the mean of so many, and how many these are precisely."""
    if step == (1.0, 1.0):
        return pixels, np.ones(2)
    whole = [max(1, math.floor(one)) for one in step]
    pad = [(0, -length % by) for length, by in zip(pixels.shape, whole, strict=True)]
    padded = np.pad(pixels, pad, mode="edge")
    rows, columns = padded.shape[0] // whole[0], padded.shape[1] // whole[1]
    blocks = padded.reshape(rows, whole[0], columns, whole[1]).mean(axis=(1, 3))
    wanted = [max(1, round(length / one)) for length, one in zip(padded.shape, step, strict=True)]
    if tuple(wanted) != blocks.shape:
        transform: Any = import_module("skimage.transform")
        blocks = transform.resize_local_mean(blocks, wanted, preserve_range=True)
    return np.asarray(blocks, np.float32), np.array(padded.shape) / np.array(wanted)
