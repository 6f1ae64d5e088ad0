"""Painted pixels of one region: a box and run lengths, small enough to keep thousands and write as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.core import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

_SMALL_VALUE = 1 << 20


@dataclass(frozen=True, slots=True)
class RegionMask:
    """Which pixels of a box belong to a region.

    Attributes
    ----------
    origin_px : tuple of int
        ``(y, x)`` of the box's first pixel in the overview.
    shape : tuple of int
        ``(Y, X)`` of the box.
    runs : tuple of int
        Lengths of runs row by row, by turns outside and inside, the first outside (perhaps 0 long).

    Raises
    ------
    InputError
        If the runs do not fill the box.
    """

    origin_px: tuple[int, int]
    shape: tuple[int, int]
    runs: tuple[int, ...]

    def __post_init__(self) -> None:
        filled = sum(self.runs)
        if filled != self.shape[0] * self.shape[1] or min(self.runs, default=0) < 0:
            raise InputError(
                "Runs of a mask fill its box", came=f"{filled} pixels came for a box of {self.shape}"
            )

    @property
    def area_px(self) -> int:
        """Number of pixels inside."""
        return sum(self.runs[1::2])


def encode_mask(inside: ArrayLike, origin_px: tuple[int, int] = (0, 0)) -> RegionMask:
    """Return the mask of an array, in the smallest box that holds all its pixels.

    Parameters
    ----------
    inside : array_like of bool, shape (Y, X)
        True in the region.
    origin_px : tuple of int
        ``(y, x)`` of the array's first pixel in the overview.

    Raises
    ------
    InputError
        If no pixel is inside.
    """
    whole = np.asarray(inside, bool)
    rows, columns = np.flatnonzero(whole.any(axis=1)), np.flatnonzero(whole.any(axis=0))
    if rows.size == 0:
        raise InputError("A mask has one pixel or more", came=f"an empty one of {whole.shape} came")
    box = whole[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    flat = np.concatenate(([False], box.ravel()))  # so that the first run is one outside, 0 long or more
    starts = np.flatnonzero(np.diff(flat))
    runs = np.diff(np.concatenate(([0], starts, [box.size])))
    origin = (origin_px[0] + int(rows[0]), origin_px[1] + int(columns[0]))
    return RegionMask(origin, (box.shape[0], box.shape[1]), tuple(int(run) for run in runs))


def decode_mask(mask: RegionMask) -> NDArray[np.bool_]:
    """Return the box of a mask as an array ``(Y, X)``, True inside."""
    turns = np.arange(len(mask.runs)) % 2 == 1
    return np.repeat(turns, mask.runs).reshape(mask.shape)


def masks_of_labels(labels: ArrayLike, origin_px: tuple[int, int] = (0, 0)) -> dict[int, RegionMask]:
    """Return the mask of every value but 0 in a label image.

    Parameters
    ----------
    labels : array_like of int, shape (Y, X)
        0 is no region.
    origin_px : tuple of int
        ``(y, x)`` of its first pixel in the overview.

    Raises
    ------
    InputError
        If the image holds no whole numbers.
    """
    from scipy.ndimage import find_objects

    image = np.asarray(labels)
    if image.dtype.kind not in "bui":
        raise InputError("A label image holds whole numbers", came=f"{image.dtype} came")
    values, positions = _numbered(image)
    masks = {}
    for value, box in zip(values, find_objects(positions), strict=False):
        if box is not None and value != 0:
            origin = (origin_px[0] + box[0].start, origin_px[1] + box[1].start)
            masks[int(value)] = encode_mask(image[box] == value, origin)
    return masks


def _numbered(image: NDArray[Any]) -> tuple[Sequence[int], NDArray[Any]]:
    """Return values, and an image of their positions, from 1: the image itself if they are small."""
    low, high = (int(image.min()), int(image.max())) if image.size else (0, 0)
    if low >= 0 and high <= _SMALL_VALUE:
        return range(1, high + 1), image
    values, positions = np.unique(image, return_inverse=True)
    return values.tolist(), positions.reshape(image.shape) + 1
