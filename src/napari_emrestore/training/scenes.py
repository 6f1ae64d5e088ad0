"""Procedural scenes: clean images that nobody has to own, in 0 to 1, dark things dark.

Cells with membranes and vesicles, stained sections with grainy cytoplasm and mitochondria, particles on
carbon, a ruled calibration grid, lattice fringes, and random piecewise shapes. They teach a network edges,
lines, texture and flat areas without teaching it a sample.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from napari_emrestore.core import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Image = NDArray[np.float32]


def cells(size_px: int, rng: np.random.Generator) -> Image:
    """Return tissue-like cells: Voronoi regions with dark membranes, organelles and vesicles."""
    gap, body = _regions(size_px, rng.uniform(25, 80), (0.5, 0.9), rng)
    width = rng.uniform(1.0, 3.5)
    image = body - rng.uniform(0.3, 0.6) * np.exp(-((gap / width) ** 2))
    for _ in range(int(size_px**2 / 3000)):
        _stamp_vesicle(image, rng)
    image += 0.03 * _texture(size_px, rng.uniform(1.0, 3.0), rng)
    return _finish(image, rng.uniform(0.4, 0.9))


def sections(size_px: int, rng: np.random.Generator) -> Image:
    """Return a stained section: grainy cytoplasm, grainy membranes, mitochondria with bent cristae."""
    scale = rng.uniform(30, 120)
    gap, image = _regions(size_px, scale, (0.68, 0.85), rng)
    membrane = np.exp(-((gap / rng.uniform(2.5, 7.0)) ** 2))
    bend = _warp_field(size_px, rng.uniform(4, 12), rng.uniform(8, 18), rng).reshape(size_px, size_px, 2)
    for _ in range(int((size_px / rng.uniform(70, 160)) ** 2) + 1):
        _stamp_mitochondrion(image, bend, rng)
    for _ in range(int(size_px**2 / rng.uniform(600, 4000))):
        _stamp_ring(image, rng)
    image -= rng.uniform(0.35, 0.6) * membrane
    grain = _texture(size_px, rng.uniform(0.4, 1.2), rng) + 0.7 * _texture(size_px, rng.uniform(1.5, 3), rng)
    image += rng.uniform(0.02, 0.13) * grain + 0.03 * _texture(size_px, 20.0, rng)
    return _finish(image, rng.uniform(0.3, 0.7))


def particles(size_px: int, rng: np.random.Generator) -> Image:
    """Return dark discs (projected spheres) of many sizes on a mottled film."""
    image = 0.85 + 0.02 * _texture(size_px, 1.0, rng) + 0.03 * _texture(size_px, 12.0, rng)
    y, x = np.mgrid[:size_px, :size_px]
    for _ in range(rng.integers(10, 80)):
        radius = np.exp(rng.uniform(np.log(2.5), np.log(size_px / 12)))
        cy, cx = rng.uniform(0, size_px, 2)
        inside = np.clip(1 - ((y - cy) ** 2 + (x - cx) ** 2) / radius**2, 0, None)
        image -= rng.uniform(0.15, 0.6) * np.sqrt(inside)
    return _finish(image, rng.uniform(0.3, 0.8))


def grid(size_px: int, rng: np.random.Generator) -> Image:
    """Return a ruled calibration grid with two directions of lines and uneven spaces."""
    period, angle = rng.uniform(9, 30), rng.uniform(0, np.pi)
    skew = np.deg2rad(rng.uniform(80, 100))
    y, x = np.mgrid[:size_px, :size_px]
    lines = np.zeros((size_px, size_px))
    for direction in (angle, angle + skew):
        phase = (x * np.cos(direction) + y * np.sin(direction)) / period
        phase = phase + 0.1 * _texture(size_px, 20.0, rng)
        profile = np.abs((phase % 1) - 0.5) * period
        lines = np.maximum(lines, np.exp(-((profile / rng.uniform(1.2, 3.0)) ** 2)))
    image = 0.8 - 0.6 * lines + 0.05 * _texture(size_px, 4.0, rng)
    return _finish(image, rng.uniform(0.4, 0.8))


def fringes(size_px: int, rng: np.random.Generator) -> Image:
    """Return lattice fringes in grains, with a soft amplitude, on a thickness gradient."""
    y, x = np.mgrid[:size_px, :size_px]
    image = 0.5 + 0.15 * _texture(size_px, 40.0, rng)
    for _ in range(rng.integers(1, 5)):
        angle, period = rng.uniform(0, np.pi), rng.uniform(4, 16)
        envelope = np.clip(0.6 * _texture(size_px, rng.uniform(20, 60), rng), 0, 1)
        wave = np.cos(2 * np.pi * (x * np.cos(angle) + y * np.sin(angle)) / period)
        image += 0.25 * envelope * wave
    return _finish(image, rng.uniform(0.3, 0.6))


def shapes(size_px: int, rng: np.random.Generator) -> Image:
    """Return overlapping flat shapes with sharp edges, some textured: grains, pores and scratches."""
    image = np.full((size_px, size_px), rng.uniform(0.3, 0.8))
    for _ in range(rng.integers(15, 60)):
        field = _texture(size_px, np.exp(rng.uniform(np.log(3), np.log(40))), rng)
        inside = field > rng.uniform(1.0, 2.2)
        image = np.where(inside, rng.uniform(0, 1) + 0.03 * field, image)
    return _finish(image, rng.uniform(0.4, 0.8))


SCENES: dict[str, Callable[[int, np.random.Generator], Image]] = {
    "cells": cells,
    "sections": sections,
    "particles": particles,
    "grid": grid,
    "fringes": fringes,
    "shapes": shapes,
}


def draw_scene(kind: str, size_px: int, rng: np.random.Generator) -> Image:
    """Return a square scene of `size_px` pixels, float32 in 0 to 1.

    Raises
    ------
    InputError
        If `kind` is not in `SCENES`.
    """
    if kind not in SCENES:
        raise InputError(f"A scene is one of {', '.join(SCENES)}", came=f"{kind!r} came")
    return SCENES[kind](size_px, rng)


def _texture(size_px: int, sigma_px: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return smooth noise of unit variance."""
    field = ndimage.gaussian_filter(rng.standard_normal((size_px, size_px)), sigma_px, mode="wrap")
    return np.asarray(field / field.std())


def _regions(
    size_px: int, scale_px: float, grey: tuple[float, float], rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the distance to the nearest border and the grey value of bent Voronoi regions."""
    from scipy.spatial import cKDTree

    count = int((size_px / scale_px) ** 2) + 4
    seeds = rng.uniform(-0.1 * size_px, 1.1 * size_px, (count, 2))
    places = np.indices((size_px, size_px)).reshape(2, -1).T.astype(np.float64)
    places += _warp_field(size_px, scale_px / 4, scale_px / 3, rng)
    distance, nearest = cKDTree(seeds).query(places, k=2)
    gap = (distance[:, 1] - distance[:, 0]).reshape(size_px, size_px)
    return gap, rng.uniform(*grey, count)[nearest[:, 0]].reshape(size_px, size_px)


def _warp_field(
    size_px: int, height_px: float, sigma_px: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    fields = [height_px * _texture(size_px, sigma_px, rng).ravel() for _ in range(2)]
    return np.stack(fields, -1)


def _stamp_vesicle(image: NDArray[np.float64], rng: np.random.Generator) -> None:
    """Darken a membrane ring, a dense core or a striped organelle in place."""
    size = image.shape[0]
    radius = np.exp(rng.uniform(np.log(2.0), np.log(14.0)))
    (ys, xs), u, v = _place(size, radius, rng.uniform(0.5, 1.0), rng)
    from_centre = np.hypot(u, v)
    inside = 1 / (1 + np.exp(from_centre - radius))
    ring = np.exp(-(((from_centre - radius) / rng.uniform(0.8, 2.0)) ** 2))
    stripes = 0.5 + 0.5 * np.cos(2 * np.pi * u / rng.uniform(3.5, 7.0))
    kind = rng.integers(3)
    fill = (0.0, 0.35, 0.3 * stripes)[kind]
    image[ys, xs] -= 0.35 * ring + fill * inside


def _stamp_mitochondrion(
    image: NDArray[np.float64], bend: NDArray[np.float64], rng: np.random.Generator
) -> None:
    """Darken an ellipse with a double membrane and wavy stripes in place."""
    radius = rng.uniform(15, 55)
    window, u, v = _place(image.shape[0], radius, rng.uniform(0.4, 1.0), rng)
    from_centre = np.hypot(u, v) + 0.3 * bend[window][..., 0]
    inside = 1 / (1 + np.exp(np.clip(from_centre - radius, -30, 30)))
    ring = np.exp(-(((from_centre - radius) / rng.uniform(1.5, 3.0)) ** 2))
    phase = (u + bend[window][..., 1]) / rng.uniform(5.0, 11.0)
    cristae = np.cos(2 * np.pi * phase) ** rng.choice((1, 3))
    matrix = rng.uniform(0.05, 0.3)
    image[window] -= inside * (matrix + rng.uniform(0.05, 0.2) * cristae) + rng.uniform(0.1, 0.35) * ring


def _stamp_ring(image: NDArray[np.float64], rng: np.random.Generator) -> None:
    """Darken a vesicle or the cut end of a tubule in place: a thin ring, or a dot where it is small."""
    radius = np.exp(rng.uniform(np.log(1.0), np.log(6.0)))
    window, u, v = _place(image.shape[0], radius, rng.uniform(0.7, 1.0), rng)
    ring = np.exp(-(((np.hypot(u, v) - radius) / rng.uniform(0.8, 1.8)) ** 2))
    image[window] -= rng.uniform(0.1, 0.4) * ring


def _place(
    size: int, radius: float, squeeze: float, rng: np.random.Generator
) -> tuple[tuple[slice, slice], NDArray[np.float64], NDArray[np.float64]]:
    """Return a window around a random place and its turned, squeezed coordinates from the centre."""
    cy, cx = rng.uniform(0, size, 2)
    reach = int(2 * radius) + 4
    ys = slice(max(0, int(cy) - reach), min(size, int(cy) + reach))
    xs = slice(max(0, int(cx) - reach), min(size, int(cx) + reach))
    y, x = np.mgrid[ys, xs]
    turn = rng.uniform(0, np.pi)
    u = (y - cy) * np.cos(turn) + (x - cx) * np.sin(turn)
    return (ys, xs), u, ((x - cx) * np.cos(turn) - (y - cy) * np.sin(turn)) / squeeze


def _finish(image: NDArray[np.float64], blur_px: float) -> Image:
    """Return `image` with soft edges, stretched to 0 to 1."""
    smooth = ndimage.gaussian_filter(image, blur_px, mode="reflect")
    low, high = np.percentile(smooth, (0.2, 99.8))
    return np.asarray(np.clip((smooth - low) / (high - low), 0, 1), np.float32)
