"""Small known patterns with their places in an image: gratings, single lines, dots.

A stamp is a square with soft rims, its values are 1 from the lowest to the highest and are scaled by its
contrast. Stamps of one round lie on a lattice of cells with gaps between, so that what a restorer spills
over the rim of one is not mistaken for another.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from napari_emrestore.core import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

Kind = Literal["gratings", "lines", "dots"]
KINDS: tuple[Kind, ...] = get_args(Kind)
SMALLEST_PERIOD_PX = 3.0
_SMALLEST_PX, _PERIODS = 24, 3
_SMALLEST_GAP_PX = 8
_ANGLES_DEG = (0.0, 45.0, 90.0, 135.0)
_TAPER = 0.5


@dataclass(frozen=True, slots=True)
class Stamp:
    """One pattern in one place.

    Attributes
    ----------
    origin : tuple of int
        ``(y, x)`` of its first pixel.
    side : int
        Its height and width in px.
    gap : int
        Free pixels to the next stamp.
    period_px : float
        Period of a grating; twice the width of a line or dot.
    contrast : float
        Its height as a share of the image's range.
    angle_deg : float
        Direction of its lines, from the vertical.
    """

    origin: tuple[int, int]
    side: int
    gap: int
    period_px: float
    contrast: float
    angle_deg: float

    @property
    def area(self) -> tuple[slice, slice]:
        """Where it lies in the image."""
        y, x = self.origin
        return slice(y, y + self.side), slice(x, x + self.side)

    @property
    def surroundings(self) -> tuple[slice, slice]:
        """Where it lies, with half of the gap on each side as far as the image goes."""
        y, x = self.origin
        half = self.gap // 2
        return slice(max(0, y - half), y + self.side + half), slice(max(0, x - half), x + self.side + half)


def plan_stamps(
    shape: tuple[int, int],
    periods_px: Sequence[float],
    contrasts: Sequence[float],
    rng: np.random.Generator,
    repeats: int = 1,
) -> list[tuple[Stamp, ...]]:
    """Return rounds of stamps in which each pair of period and contrast comes often enough.

    Parameters
    ----------
    shape : tuple of int
        ``(Y, X)`` of the image.
    periods_px, contrasts : sequence of float
        All pairs of them are used, as often as there is room.
    rng : numpy.random.Generator
        Draws which pair stands where.
    repeats : int
        How often each pair comes at least, each time in another of four directions.

    Raises
    ------
    InputError
        If a period or contrast is out of range, or the image too small for one stamp.
    """
    _check(periods_px, contrasts, repeats)
    side = int(np.ceil(max(_SMALLEST_PX, _PERIODS * max(periods_px))))
    gap = max(_SMALLEST_GAP_PX, side // 4)
    cells = [
        (y, x)
        for y in range(gap // 2, shape[0] - side + 1, side + gap)
        for x in range(gap // 2, shape[1] - side + 1, side + gap)
    ]
    if not cells:
        raise InputError(
            f"Periods up to {max(periods_px):g} px need an image of at least {side + gap // 2} px",
            came=f"one of {shape[0]} x {shape[1]} px came",
            remedy="Choose shorter periods or a larger part of the image.",
        )
    pairs = list(product(periods_px, contrasts))
    rounds = -(-repeats * len(pairs) // len(cells))
    times = rounds * len(cells) // len(pairs)
    # a restorer may treat directions differently, so every pair goes through all of them, in its own order
    turns = {pair: rng.permutation(_ANGLES_DEG) for pair in pairs}
    todo = [(*pair, float(turns[pair][turn % len(_ANGLES_DEG)])) for turn in range(times) for pair in pairs]
    order = rng.permutation(len(todo))
    places = np.concatenate([rng.permutation(len(cells)) for _ in range(rounds)])
    stamps = [
        Stamp(cells[place], side, gap, *todo[index]) for place, index in zip(places, order, strict=False)
    ]
    return [tuple(stamps[start : start + len(cells)]) for start in range(0, len(stamps), len(cells))]


def draw_stamp(stamp: Stamp, kind: Kind) -> NDArray[np.float64]:
    """Return a stamp of height 1, shape ``(side, side)``, fading to 0 at its rims."""
    from scipy.signal import windows

    middle, angle = (stamp.side - 1) / 2, np.deg2rad(stamp.angle_deg)
    along = np.arange(stamp.side) - middle
    across = along[None, :] * np.cos(angle) - along[:, None] * np.sin(angle)
    if kind == "gratings":
        drawn = 0.5 * np.cos(2 * np.pi * across / stamp.period_px)
    elif kind == "lines":
        drawn = _soft(np.abs(across), stamp.period_px / 4)
    else:
        drawn = _soft(np.hypot(along[:, None], along[None, :]), stamp.period_px / 4)
    taper = windows.tukey(stamp.side, _TAPER)
    return np.asarray(drawn * taper[:, None] * taper[None, :])


def _soft(distance: NDArray[np.float64], reach_px: float) -> NDArray[np.float64]:
    """Return 1 within a reach and 0 beyond, with an edge as wide as a pixel."""
    return np.clip(reach_px - distance + 0.5, 0.0, 1.0)


def _check(periods_px: Sequence[float], contrasts: Sequence[float], repeats: int) -> None:
    if not periods_px or not all(SMALLEST_PERIOD_PX <= period < np.inf for period in periods_px):
        raise InputError(
            f"Periods are one or more numbers of px from {SMALLEST_PERIOD_PX:g}", came=f"{periods_px} came"
        )
    if not contrasts or not all(0 < contrast < np.inf for contrast in contrasts):
        raise InputError(
            "Contrasts are one or more positive shares of the image's range", came=f"{contrasts} came"
        )
    if repeats < 1:
        raise InputError("A pattern is added at least once", came=f"repeats={repeats} came")
