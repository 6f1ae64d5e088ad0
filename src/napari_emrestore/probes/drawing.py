"""Shapes with exact edges: drawn four times too fine and averaged over each pixel, so that nothing aliases.

Coordinates are ``(y, x)`` in pixels with pixel centres at integers; a fine canvas is a float32 array of four
times the side, on which shapes are painted one over the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_emrestore.core import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

OVERSAMPLING = 4
SMALLEST_PX = 32


def check_size(size_px: int) -> int:
    """Return the side of a pattern in pixels.

    Raises
    ------
    InputError
        If it is below 32.
    """
    if size_px < SMALLEST_PX:
        raise InputError(
            f"A probe pattern is at least {SMALLEST_PX} px wide",
            came=f"size_px={size_px} came",
            remedy="Choose a larger size; 512 is what published probes use.",
        )
    return int(size_px)


def canvas(size_px: int, grey: float) -> NDArray[np.float32]:
    """Return a fine canvas of one grey for a pattern of `size_px`."""
    side = OVERSAMPLING * check_size(size_px)
    return np.full((side, side), grey, np.float32)


def area_mean(fine: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the mean of the fine canvas over each pixel, shape (Y, X)."""
    rows, columns = (n // OVERSAMPLING for n in fine.shape)
    blocks = fine.reshape(rows, OVERSAMPLING, columns, OVERSAMPLING)
    mean: NDArray[np.float32] = blocks.mean(axis=(1, 3), dtype=np.float32)
    return mean


def fine_grid(size_px: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the coordinates ``(y, x)`` of the fine canvas, shapes (S, 1) and (1, S)."""
    along = ((np.arange(OVERSAMPLING * size_px) + 0.5) / OVERSAMPLING - 0.5).astype(np.float32)
    return along[:, None], along[None, :]


def paint_disc(fine: NDArray[np.float32], centre: tuple[float, float], radius_px: float, grey: float) -> None:
    """Paint a disc in place; what lies beyond the canvas is left out."""
    (y0, x0), reach = (_fine(value) for value in centre), OVERSAMPLING * radius_px
    rows = slice(max(0, int(y0 - reach)), max(0, int(y0 + reach) + 2))
    columns = slice(max(0, int(x0 - reach)), max(0, int(x0 + reach) + 2))
    part = fine[rows, columns]
    y = np.arange(rows.start, rows.start + part.shape[0])[:, None] - y0
    x = np.arange(columns.start, columns.start + part.shape[1])[None, :] - x0
    part[y**2 + x**2 <= reach**2] = grey


def paint_curve(fine: NDArray[np.float32], points: NDArray[np.float64], width_px: float, grey: float) -> None:
    """Paint a quadratic Bézier curve of constant width in place.

    Parameters
    ----------
    fine : ndarray, shape (S, S)
        Canvas.
    points : ndarray, shape (3, 2)
        Start, control point and end, ``(y, x)``.
    width_px : float
        Width.
    grey : float
        Intensity.
    """
    reach = float(np.abs(np.diff(points, axis=0)).sum())
    t = np.linspace(0, 1, max(2, int(OVERSAMPLING * reach)))[:, None]
    for y, x in (1 - t) ** 2 * points[0] + 2 * t * (1 - t) * points[1] + t**2 * points[2]:
        paint_disc(fine, (y, x), width_px / 2, grey)


def across(size_px: int, angle_deg: float) -> NDArray[np.float32]:
    """Return the distance in px of each fine point from the line through the middle at `angle_deg`.

    Angles of lines count from the vertical axis, along which the stage moves, towards +x.
    """
    angle, middle = np.deg2rad(angle_deg), (size_px - 1) / 2
    y, x = fine_grid(size_px)
    distance: NDArray[np.float32] = np.float32(np.cos(angle)) * (x - middle) - np.float32(np.sin(angle)) * (
        y - middle
    )
    return distance


def line_numbers(
    size_px: int, angles_deg: Iterable[float], spacing_px: float, width_px: float
) -> NDArray[np.int32]:
    """Return on which line of parallel families each fine point lies; 0 for none, counted from 1."""
    numbers = np.zeros((OVERSAMPLING * size_px,) * 2, np.int32)
    for angle in angles_deg:
        distance = across(size_px, angle) / np.float32(spacing_px)
        nearest = np.rint(distance)
        inside = np.abs(distance - nearest) * spacing_px <= width_px / 2
        first = int(numbers.max()) + 1 - int(nearest.min())
        numbers = np.where(inside, nearest.astype(np.int32) + first, numbers)
    return numbers


def coarse_labels(fine: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return the number at the middle of each pixel, shape (Y, X)."""
    middle = OVERSAMPLING // 2
    return np.ascontiguousarray(fine[middle::OVERSAMPLING, middle::OVERSAMPLING])


def _fine(value: float) -> float:
    return (value + 0.5) * OVERSAMPLING - 0.5
