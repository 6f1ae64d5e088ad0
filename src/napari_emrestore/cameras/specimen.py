"""A specimen without an edge: procedural on a torus, or an image continued by its mirror images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.core import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Image = NDArray[np.float32]

_SMALLEST_PX = 64


def procedural_specimen(size_px: int, rng: np.random.Generator) -> Image:
    """Return a section-like scene on a torus: bent membranes, particles, vesicles and grain.

    Parameters
    ----------
    size_px : int
        Side, at least 64. The scene continues at the opposite side without a seam.
    rng : numpy.random.Generator
        Draws it.

    Returns
    -------
    ndarray, shape (size_px, size_px), float32
        0 (dark) to 1.
    """
    if size_px < _SMALLEST_PX:
        raise InputError(f"A specimen has a side of at least {_SMALLEST_PX} px", came=f"{size_px} came")
    image = 0.75 + 0.05 * _texture(size_px, 40.0, rng)
    for scale_px, width_px, depth in ((70.0, 2.5, 0.35), (30.0, 1.5, 0.2)):
        field = _texture(size_px, scale_px, rng)
        image -= depth * np.exp(-((_distance(field) / width_px) ** 2))
    for _ in range(size_px**2 // 4000):
        _stamp_disc(image, rng)
    image += 0.02 * _texture(size_px, 1.2, rng)
    return np.asarray(np.clip(image, 0.02, 1.0), np.float32)


def mirrored_specimen(image: ArrayLike) -> Image:
    """Return an image beside its mirror images, so that it continues at the opposite side without a seam.

    Parameters
    ----------
    image : array_like, shape (Y, X)
        Real numbers; stretched to 0 to 1 between its 0.1 and 99.9 percentiles.

    Returns
    -------
    ndarray, shape (2 Y, 2 X), float32

    Raises
    ------
    InputError
        If it is no image or shows nothing.
    """
    pixels = np.asarray(image, np.float32)
    finite = pixels[np.isfinite(pixels)]
    if pixels.ndim != 2 or finite.size == 0 or np.ptp(finite) == 0:
        raise InputError(
            "A specimen is an image (Y, X) that shows something",
            came=f"one of shape {pixels.shape} came" if pixels.ndim != 2 else "a constant one came",
        )
    low, high = np.percentile(finite, (0.1, 99.9))
    if low == high:
        low, high = finite.min(), finite.max()
    unit = np.clip((np.nan_to_num(pixels, nan=low) - low) / (high - low), 0, 1)
    return np.pad(unit, ((0, unit.shape[0]), (0, unit.shape[1])), mode="symmetric").astype(np.float32)


def window(specimen: Image, corner: tuple[int, int], shape: tuple[int, int]) -> Image:
    """Return the part of a torus at `corner` ``(y, x)``; a view where it does not cross the border."""
    (y, x), (height, width) = (c % s for c, s in zip(corner, specimen.shape, strict=True)), shape
    if y + height <= specimen.shape[0] and x + width <= specimen.shape[1]:
        return specimen[y : y + height, x : x + width]
    rows = np.arange(y, y + height) % specimen.shape[0]
    columns = np.arange(x, x + width) % specimen.shape[1]
    across: Image = specimen[rows][:, columns]
    return across


def expose(specimen: Image, track_px: NDArray[np.float64], shape: tuple[int, int]) -> Image:
    """Return the mean view of a torus while a window's first pixel runs along a path.

    Parameters
    ----------
    specimen : ndarray, shape (Y, X), float32
        The torus.
    track_px : ndarray, shape (S, 2)
        ``(y, x)`` of the window's first pixel at S times; between pixels it is interpolated linearly.
    shape : tuple of int
        ``(Y, X)`` of the view.
    """
    corner, weights = _density(track_px)
    seen = window(specimen, corner, (shape[0] + weights.shape[0] - 1, shape[1] + weights.shape[1] - 1))
    view, share = np.zeros(shape, np.float32), np.empty(shape, np.float32)
    for y, x in zip(*np.nonzero(weights), strict=True):
        np.multiply(seen[y : y + shape[0], x : x + shape[1]], weights[y, x], out=share)
        view += share
    return view


def _density(track_px: NDArray[np.float64]) -> tuple[tuple[int, int], Image]:
    """Return the first whole pixel of a path, and how long it stays at each pixel from there on."""
    corner = np.floor(track_px.min(axis=0)).astype(int)
    places = track_px - corner
    whole = np.floor(places).astype(int)
    part = places - whole
    weights = np.zeros(whole.max(axis=0) + 2)
    for dy in (0, 1):
        for dx in (0, 1):
            share = np.abs(1 - dy - part[:, 0]) * np.abs(1 - dx - part[:, 1])
            np.add.at(weights, (whole[:, 0] + dy, whole[:, 1] + dx), share / len(track_px))
    return (int(corner[0]), int(corner[1])), weights.astype(np.float32)


def _texture(size_px: int, sigma_px: float, rng: np.random.Generator) -> Any:
    """Return smooth noise of unit variance that continues at the opposite side."""
    from scipy import fft

    squared = fft.fftfreq(size_px)[:, None] ** 2 + fft.rfftfreq(size_px)[None] ** 2
    smooth = np.exp(-2 * (np.pi * sigma_px) ** 2 * squared).astype(np.float32)
    noise = fft.rfft2(rng.standard_normal((size_px, size_px), np.float32))
    field = fft.irfft2(noise * smooth, s=(size_px, size_px))
    return field / field.std()


def _distance(field: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the distance in pixels to the nearest zero of a smooth field, near its zeros."""
    slopes = [(np.roll(field, -1, axis) - np.roll(field, 1, axis)) / 2 for axis in (0, 1)]
    return np.asarray(np.abs(field) / (np.hypot(*slopes) + 1e-6))


def _stamp_disc(image: NDArray[np.float32], rng: np.random.Generator) -> None:
    """Darken a particle (a projected sphere) or a vesicle (a ring) somewhere, in place."""
    size = image.shape[0]
    radius = np.exp(rng.uniform(np.log(2.0), np.log(12.0)))
    reach = int(2 * radius) + 4
    centre = rng.uniform(0, size, 2)
    index = [(int(c) + np.arange(-reach, reach + 1)) % size for c in centre]
    y, x = (np.arange(-reach, reach + 1) - (c - int(c)) for c in centre)
    from_centre = np.hypot(y[:, None], x[None])
    if rng.random() < 0.5:
        shade = np.sqrt(np.clip(1 - (from_centre / radius) ** 2, 0, None))
    else:
        shade = np.exp(-(((from_centre - radius) / 1.2) ** 2))
    image[np.ix_(*index)] -= np.float32(rng.uniform(0.15, 0.45)) * shade
