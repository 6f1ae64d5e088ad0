"""The brightness and noise of a frame, and the plan of its pyramid: which levels, with how much noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SMOOTH = np.array([1, 4, 6, 4, 1]) / 16
_HALVE = np.array([1, 3, 3, 1]) / 8
_SMALLEST_PX = 40
_COARSE_PX = 160
_SURVEYED_ROWS = 32


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
    h = frame.shape[0]
    step = max(1, h // _SURVEYED_ROWS)
    lines = np.arange(0, max(h - 2, 1), step)
    three = [np.minimum(lines + d, h - 1) for d in range(3)]
    a, b, c = (frame[k].astype(np.float64) for k in three)
    wa, wb, wc = (np.ones_like(a) if mask is None else mask[k].astype(np.float64) for k in three)
    count = wa.sum()
    if count == 0:
        return Light(0.0, 0.0, 0.0)
    offset = float((a * wa).sum() / count)
    a, b, c = (np.where(w > 0, x - offset, 0.0) for x, w in ((a, wa), (b, wb), (c, wc)))
    variance = float((a * a).sum() / count)
    if not variance > (1e-7 * abs(offset)) ** 2:
        return Light(offset, 0.0, 0.0)
    along_y = _unexplained(variance, _mean(a * b, wa * wb), _mean(a * c, wa * wc))
    along_x = _unexplained(
        variance,
        _mean(a[:, 1:] * a[:, :-1], wa[:, 1:] * wa[:, :-1]),
        _mean(a[:, 2:] * a[:, :-2], wa[:, 2:] * wa[:, :-2]),
    )
    return Light(offset, variance**-0.5, max(0.0, min(along_x, along_y)) / variance)


def _mean(products: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    total = weights.sum()
    return float(products.sum() / total) if total > 0 else 0.0


def _unexplained(variance: float, lag_1: float, lag_2: float) -> float:
    return variance - (4 * lag_1 - lag_2) / 3


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


def _zoom(level: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    factor = 2.0**level
    up = np.array([[factor, 0, (factor - 1) / 2], [0, factor, (factor - 1) / 2], [0, 0, 1.0]])
    return np.linalg.inv(up), up
