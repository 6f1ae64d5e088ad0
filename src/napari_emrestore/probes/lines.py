"""Parallel lines and gratings: calibration grids with and without one of their directions.

The first two are those of Wieslander et al. 2021 (DOI 10.1371/journal.pone.0246336): a network that has
learnt the texture of a grid draws the missing direction too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_emrestore.probes.drawing import across, area_mean, canvas, coarse_labels, line_numbers
from napari_emrestore.probes.patterns import Probe

if TYPE_CHECKING:
    from numpy.typing import NDArray

_GREY, _LINE = 0.5, 0.9
_WIDTH_PX, _SPACING_PX = 3.0, 24.0
_ANGLE_DEG, _CROSSING_DEG = 25.0, 70.0
_PERIODS_PX = (4.0, 6.0, 8.0, 12.0)
_GRATING = (0.2, 0.8)
_FIELD_PX = 32


def lines_in_one_direction(size_px: int) -> Probe:
    """Return lines 25 degrees off the vertical: half of a calibration grid."""
    pattern, numbers = _lines(size_px, (_ANGLE_DEG,))
    return Probe(
        "lines",
        "Lines in one direction",
        "half of a calibration grid; the other direction is absent",
        pattern,
        ("invented-lines", "contrast-median", "contrast-weakest"),
        numbers,
    )


def lines_in_two_directions(size_px: int) -> Probe:
    """Return lines 25 and 95 degrees off the vertical: a calibration grid in an unusual orientation."""
    pattern, numbers = _lines(size_px, (_ANGLE_DEG, _ANGLE_DEG + _CROSSING_DEG))
    return Probe(
        "crossed-lines",
        "Lines in two directions",
        "a calibration grid, turned away from the orientation it is usually seen in",
        pattern,
        ("invented-lines", "left-over-motion", "contrast-median", "contrast-weakest"),
        numbers,
    )


def fine_gratings(size_px: int) -> Probe:
    """Return four fields of bars, 25 degrees off the vertical, with periods of 4, 6, 8 and 12 px."""
    fine = canvas(size_px, _GREY)
    distance = across(size_px, _ANGLE_DEG)
    for field, period in zip(
        np.array_split(np.arange(len(fine)), len(_PERIODS_PX)), _PERIODS_PX, strict=True
    ):
        bright = np.mod(distance[:, field] / period, 1.0) < 0.5
        fine[:, field] = np.where(bright, _GRATING[1], _GRATING[0])
    return Probe(
        "fine-grating",
        "Fine gratings",
        "lattices near the limit of resolution, periods of 4, 6, 8 and 12 px from left to right",
        area_mean(fine),
        ("contrast-median", "contrast-weakest"),
        _fields(size_px),
    )


def _lines(size_px: int, angles_deg: tuple[float, ...]) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    numbers = line_numbers(size_px, angles_deg, _SPACING_PX, _WIDTH_PX)
    fine = np.where(numbers > 0, np.float32(_LINE), np.float32(_GREY))
    return area_mean(fine), coarse_labels(numbers)


def _fields(size_px: int) -> NDArray[np.int32]:
    """Return numbers of fields of about 32 px height within each strip of one period."""
    rows = np.arange(size_px) * max(1, size_px // _FIELD_PX) // size_px
    columns = np.arange(size_px) * len(_PERIODS_PX) // size_px
    return (1 + rows[:, None] * len(_PERIODS_PX) + columns[None, :]).astype(np.int32)
