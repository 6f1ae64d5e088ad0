"""The brightness and noise of a frame, and the plan of its pyramid: which levels, with how much noise."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.registration._compile import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SMOOTH = np.array([1, 4, 6, 4, 1]) / 16
_HALVE = np.array([1, 3, 3, 1]) / 8
_SMALLEST_PX = 40
_COARSE_PX = 160
_SURVEYED_ROWS = 32
_ALL = np.ones((1, 1), dtype=np.bool_)


@dataclass(frozen=True, slots=True)
class Light:
    """Brightness of a frame, from a sample of its rows.

    Attributes
    ----------
    offset : float
        Mean, input units.
    gain : float
        One over the standard deviation; 0 for a constant frame.
    noise : float
        Variance of the white noise as a share of the whole variance, 0 to 1.
    """

    offset: float
    gain: float
    noise: float


def survey(frame: NDArray[Any], mask: NDArray[np.bool_] | None = None) -> Light:
    """Return the brightness of a frame over its mask.

    The noise variance is what the covariances at lags 1 and 2 leave unexplained, extrapolated to lag 0 as
    an even parabola-like function, ``C0 - (4 C1 - C2) / 3``, along the axis that leaves less: motion blur
    makes one axis smooth.

    Parameters
    ----------
    frame : ndarray, shape (Y, X)
        Finite where `mask` is True.
    mask : ndarray, shape (Y, X), bool, optional
        Pixels to use; all without it.
    """
    step = max(1, frame.shape[0] // _SURVEYED_ROWS)
    readable = frame if frame.dtype.isnative and frame.dtype.kind in "uif" else frame.astype(np.float32)
    shown = _ALL if mask is None else mask
    offset = float(row_mean(readable, shown, step))
    variance, y1, y2, x1, x2 = row_covariances(readable, shown, step, offset)
    if not variance > (1e-7 * abs(offset)) ** 2:
        return Light(offset, 0.0, 0.0)
    unexplained = variance - max(4 * y1 - y2, 4 * x1 - x2) / 3
    return Light(offset, variance**-0.5, min(1.0, max(0.0, unexplained / variance)))


@compiled
def row_mean(frame: NDArray[Any], mask: NDArray[np.bool_], step: int) -> float:
    """Return the mean of every `step`-th row over the mask (over all pixels for a mask of one)."""
    total, n = 0.0, 0
    for y in range(0, frame.shape[0], step):
        for x in range(frame.shape[1]):
            if mask.size == 1 or mask[y, x]:
                total += frame[y, x]
                n += 1
    return total / max(n, 1)


@compiled
def row_covariances(
    frame: NDArray[Any], mask: NDArray[np.bool_], step: int, mean: float
) -> tuple[float, float, float, float, float]:
    """Return the mean products of pixels in every `step`-th row with those 0, and 1 and 2 below and right."""
    h, w = frame.shape
    sums, counts = np.zeros(5), np.zeros(5)
    for y in range(0, max(h - 2, 1), step):
        for k in range(5):
            dy, dx = (k if k < 3 else 0), (k - 2 if k >= 3 else 0)
            if y + dy >= h:
                continue
            total, n = 0.0, 0
            ours, theirs = frame[y], frame[y + dy, dx:]
            for x in range(w - dx):
                if mask.size == 1 or (mask[y, x] and mask[y + dy, x + dx]):
                    total += (ours[x] - mean) * (theirs[x] - mean)
                    n += 1
            sums[k] += total
            counts[k] += n
    means = sums / np.maximum(counts, 1.0)
    return means[0], means[1], means[2], means[3], means[4]


@dataclass(frozen=True, slots=True)
class Plan:
    """The levels of a pyramid; level k has 1/2^k of the size, level 0 is the smoothed frame.

    Attributes
    ----------
    shapes : tuple of tuple of int
        ``(Y, X)`` of each level.
    """

    shapes: tuple[tuple[int, int], ...]

    @property
    def coarsest(self) -> int:
        """The last level."""
        return len(self.shapes) - 1

    @property
    def search(self) -> int:
        """The level at which the initial shift is sought: the first no larger than about 128 px."""
        return next((k for k, shape in enumerate(self.shapes) if max(shape) <= _COARSE_PX), self.coarsest)

    @property
    def first(self) -> int:
        """The finest level worth making: the full size for small images only, see `finest`."""
        return 0 if min(self.shapes[0]) < 4 * _SMALLEST_PX else 1


def plan(shape: tuple[int, int]) -> Plan:
    """Return the pyramid of images of `shape` ``(Y, X)``, down to about 40 px on the shorter side."""
    shapes = [shape]
    while min(shapes[-1]) // 2 >= _SMALLEST_PX:
        shapes.append((shapes[-1][0] // 2, shapes[-1][1] // 2))
    return Plan(tuple(shapes))


@cache
def noise_gain(level: int) -> float:
    """Return by how much the low-passes up to `level` reduce the variance of white noise."""
    taps = _SMOOTH
    if level > 0:
        taps, spread = np.ones(1), 1
        for _ in range(level):
            stretched = np.zeros((len(_HALVE) - 1) * spread + 1)
            stretched[::spread] = _HALVE
            taps, spread = np.convolve(taps, stretched), 2 * spread
    return float((taps**2).sum() ** 2)


def signal_share(variance: float, noise: float, level: int) -> float:
    """Return the share of the signal in the variance of a level, given the frame's noise; 0.02 to 1."""
    if not variance > 0:
        return 0.02
    return min(1.0, max(0.02, 1.0 - noise * noise_gain(level) / variance))


def to_level(warps: NDArray[np.float64], level: int) -> NDArray[np.float64]:
    """Return full-size warps in the pixels of `level`; pixel 0 there is centred on (2^level - 1) / 2."""
    down, up = _zoom(level)
    return np.asarray(down @ warps @ up)


def from_level(warps: NDArray[np.float64], level: int) -> NDArray[np.float64]:
    """Return warps in the pixels of `level` as full-size warps."""
    down, up = _zoom(level)
    return np.asarray(up @ warps @ down)


@cache
def _zoom(level: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    factor = 2.0**level
    up = np.array([[factor, 0, (factor - 1) / 2], [0, factor, (factor - 1) / 2], [0, 0, 1.0]])
    return np.linalg.inv(up), up
