"""Spots and bent lines: the kidney-like mix of Wieslander et al. 2021 (DOI 10.1371/journal.pone.0246336)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_emrestore.probes.drawing import area_mean, canvas, coarse_labels, paint_curve, paint_disc
from napari_emrestore.probes.patterns import Probe

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SEED = 20210
_GREY = 0.5
_PUBLISHED_PX = 512
_DISCS, _CURVES, _FEWEST = 60, 24, 2
_RADIUS_PX, _WIDTH_PX = (2.0, 14.0), (1.5, 4.0)
_DARK, _BRIGHT = (0.05, 0.35), (0.65, 0.95)
_CHORD_PX, _BEND = (60.0, 200.0), 0.4


def spots_and_curves(size_px: int) -> Probe:
    """Return 60 discs and 24 bent lines of both polarities on grey, or as densely on another size."""
    rng = np.random.default_rng(_SEED)
    share = (size_px / _PUBLISHED_PX) ** 2
    fine = canvas(size_px, _GREY)
    for _ in range(_count(_DISCS, share)):
        paint_disc(fine, tuple(rng.uniform(0, size_px, 2)), rng.uniform(*_RADIUS_PX), _grey(rng))
    ground = area_mean(fine)
    numbers = np.zeros_like(fine)
    for number in range(1, _count(_CURVES, share) + 1):
        points, width, grey = _bend(size_px, rng), rng.uniform(*_WIDTH_PX), _grey(rng)
        paint_curve(fine, points, width, grey)
        paint_curve(numbers, points, width, number)
    return Probe(
        "spots",
        "Spots and bent lines",
        "a mix of structures in all directions, as in tissue",
        area_mean(fine),
        ("checkerboard", "wobble", "grain", "left-over-motion", "contrast-median", "contrast-weakest"),
        coarse_labels(numbers.astype(np.int32)),
        ground,
    )


def _count(published: int, share: float) -> int:
    return max(_FEWEST, round(published * share))


def _grey(rng: np.random.Generator) -> float:
    low, high = _BRIGHT if rng.random() < 0.5 else _DARK
    return float(rng.uniform(low, high))


def _bend(size_px: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return start, control point and end of a curve in any direction."""
    start = rng.uniform(0, size_px, 2)
    angle, chord = rng.uniform(0, 2 * np.pi), min(rng.uniform(*_CHORD_PX), 0.7 * size_px)
    along = np.array([np.sin(angle), np.cos(angle)])
    aside = along[::-1] * (1, -1)
    bent = start + chord * (0.5 * along + rng.uniform(-_BEND, _BEND) * aside)
    return np.stack([start, bent, start + chord * along])
