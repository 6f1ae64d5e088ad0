"""Bursts with known geometry: an analytic scene seen through any warp, and electrons counted."""

from __future__ import annotations

import numpy as np

from napari_emrestore.core import Warp

WAVES = 1200


class Scene:
    """A sum of random plane waves, band-limited well below Nyquist: exact at any real coordinate."""

    def __init__(self, seed: int = 0, shortest_px: float = 5.0, longest_px: float = 60.0) -> None:
        rng = np.random.default_rng(seed)
        wavelength = np.exp(rng.uniform(np.log(shortest_px), np.log(longest_px), WAVES))
        angle = rng.uniform(0, 2 * np.pi, WAVES)
        self.waves = 2 * np.pi * np.stack([np.sin(angle), np.cos(angle)], axis=1) / wavelength[:, None]
        self.phase = rng.uniform(0, 2 * np.pi, WAVES)
        self.strength = np.full(WAVES, np.sqrt(2 / WAVES))

    def seen(self, shape: tuple[int, int], matrix: np.ndarray) -> np.ndarray:
        """Return the scene at ``matrix @ (y, x, 1)``, zero mean, unit variance."""
        if np.array_equal(matrix[2, :2], (0, 0)):  # waves stay waves: one product of two small matrices
            waves = self.waves @ matrix[:2, :2]
            phase = self.phase + self.waves @ matrix[:2, 2]
            rows = self.strength * np.exp(1j * np.outer(np.arange(shape[0]), waves[:, 0]))
            columns = np.exp(1j * (np.outer(np.arange(shape[1]), waves[:, 1]) + phase))
            return (rows @ columns.T).real.astype(np.float32)
        y, x = np.mgrid[: shape[0], : shape[1]].reshape(2, -1).astype(float)
        sy, sx, depth = matrix @ np.stack([y, x, np.ones_like(y)])
        out = np.zeros(len(y))
        for (wy, wx), phase, strength in zip(self.waves, self.phase, self.strength, strict=True):
            out += strength * np.cos((wy * sy + wx * sx) / depth + phase)
        return out.reshape(shape).astype(np.float32)


def warp_about_centre(
    shape: tuple[int, int],
    shift: tuple[float, float] = (0.0, 0.0),
    degrees: float = 0.0,
    stretch: float = 0.0,
    tilt: float = 0.0,
    kind: str = "euclidean",
) -> Warp:
    """Return the warp that rotates, shears and tilts about the image centre and then shifts."""
    centre = (np.array(shape) - 1) / 2
    there, back = np.eye(3), np.eye(3)
    there[:2, 2], back[:2, 2] = -centre, centre + np.asarray(shift)
    c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    middle = np.array([[c + stretch, s, 0], [-s + stretch, c - stretch / 2, 0], [tilt, -tilt / 2, 1]])
    return Warp(back @ middle @ there, kind)


def frame(scene: Scene, shape: tuple[int, int], warp: Warp | None = None) -> np.ndarray:
    """Return the moving image for which `warp` leads from the reference (no warp) to it."""
    matrix = np.eye(3) if warp is None else np.linalg.inv(warp.matrix)
    return scene.seen(shape, matrix)


def counted(image: np.ndarray, electrons: float, rng: np.random.Generator) -> np.ndarray:
    """Return a 16-bit frame of so many electrons per pixel, contrast 0.25, read-out noise 1 e-."""
    expected = electrons * np.clip(1 + 0.25 * image, 0.02, None)
    read = rng.normal(0, 1.0, image.shape)
    return np.clip(np.rint(100 * (rng.poisson(expected) + read) + 500), 0, 65535).astype(np.uint16)
