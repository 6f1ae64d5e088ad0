"""Test targets of microscopy: blank field, Siemens star, checkerboard, slanted edge, lattice of dots."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_emrestore.probes.drawing import across, area_mean, canvas, fine_grid, paint_disc
from napari_emrestore.probes.patterns import Probe

if TYPE_CHECKING:
    from numpy.typing import NDArray

_GREY, _DARK, _BRIGHT = 0.5, 0.2, 0.8
_SECTORS, _RING_PX = 36, 8
_SQUARE_PX = 11.0
_SLANT_DEG = 85.0
_DOT_PX, _LATTICE_PX = 2.0, 17.0


def blank_field(size_px: int) -> Probe:
    """Return one grey: whatever stands in its restoration was invented or left of the noise."""
    return Probe(
        "blank",
        "Blank field",
        "a hole in the specimen; nothing is there",
        area_mean(canvas(size_px, _GREY)),
        ("checkerboard", "wobble", "invented-lines"),
    )


def siemens_star(size_px: int) -> Probe:
    """Return 36 sectors: every direction, and finer towards the middle; rings of 8 px are its parts."""
    y, x = fine_grid(size_px)
    middle = (size_px - 1) / 2
    radius = np.hypot(y - middle, x - middle)
    turns = np.arctan2(y - middle, x - middle) / (2 * np.pi)
    star = np.where(np.mod(turns * _SECTORS, 1.0) < 0.5, np.float32(_BRIGHT), np.float32(_DARK))
    # The very middle, finer than two pixels, and the corners are grey.
    inside = (radius < 0.48 * size_px) & (radius > _SECTORS / np.pi)
    return Probe(
        "siemens-star",
        "Siemens star",
        "fine structure in every direction",
        area_mean(np.where(inside, star, np.float32(_GREY))),
        ("left-over-motion", "contrast-median", "contrast-weakest"),
        _rings(size_px),
    )


def checkerboard(size_px: int) -> Probe:
    """Return squares of 11 px, not a multiple of any network's stride."""
    along = np.floor(fine_grid(size_px)[0][:, 0] / _SQUARE_PX + 0.5).astype(int)
    bright = (along[:, None] + along[None, :]) % 2 == 0
    fields = np.arange(size_px) * max(2, size_px // 32) // size_px
    return Probe(
        "checkerboard",
        "Checkerboard",
        "sharp corners along and across the motion",
        area_mean(np.where(bright, np.float32(_BRIGHT), np.float32(_DARK))),
        ("left-over-motion", "contrast-median", "contrast-weakest"),
        (1 + fields[:, None] * (fields.max() + 1) + fields[None, :]).astype(np.int32),
    )


def slanted_edge(size_px: int) -> Probe:
    """Return an edge 5 degrees off the horizontal, across the motion."""
    bright = across(size_px, _SLANT_DEG) > 0
    return Probe(
        "edge",
        "Slanted edge",
        "a single boundary across the motion, with blank ground on both sides",
        area_mean(np.where(bright, np.float32(_BRIGHT), np.float32(_DARK))),
        ("wobble", "invented-lines"),
    )


def dot_lattice(size_px: int) -> Probe:
    """Return dots of 4 px diameter, 17 px apart, every other one dark."""
    fine = canvas(size_px, _GREY)
    numbers = np.zeros((size_px, size_px), np.int32)
    centres = np.arange(_LATTICE_PX / 2, size_px, _LATTICE_PX)
    for row, y in enumerate(centres):
        for column, x in enumerate(centres):
            paint_disc(fine, (y, x), _DOT_PX, _BRIGHT if (row + column) % 2 else _DARK)
            spot = (slice(int(y) - 1, int(y) + 3), slice(int(x) - 1, int(x) + 3))
            numbers[spot] = 1 + row * len(centres) + column
    return Probe(
        "dots",
        "Lattice of dots",
        "particles of few pixels, bright and dark",
        area_mean(fine),
        ("left-over-motion", "contrast-median", "contrast-weakest"),
        numbers,
    )


def _rings(size_px: int) -> NDArray[np.int32]:
    """Return the number of each ring of the star, from its middle; 0 outside of it."""
    middle = (size_px - 1) / 2
    along = np.arange(size_px) - middle
    radius = np.hypot(along[:, None], along[None, :])
    inside = (radius < 0.48 * size_px) & (radius > _SECTORS / np.pi)
    return np.where(inside, 1 + (radius // _RING_PX).astype(np.int32), 0).astype(np.int32)
