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
_HALVE = np.array([1, 7, 7, 1]) / 16
_SPLINE = np.array([1, 4, 1]) / 6
_SLOPE = np.array([1, 0, -1]) / 2
_SMALLEST_PX = 40
_COARSE_PX = 160
_CLEAN_NOISE = 0.02
_SURVEYED_ROWS = 32
_SHARE_ROWS = 64
_ROUNDING = 2e-7
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


def readable(frame: NDArray[Any]) -> NDArray[Any]:
    """Return the frame as uint16 or float32, the types the passes are compiled for, up to an offset."""
    if frame.dtype == np.uint16 or frame.dtype == np.float32:
        return np.ascontiguousarray(frame, dtype=frame.dtype.newbyteorder("="))
    if frame.dtype in (np.bool_, np.uint8):
        return frame.astype(np.uint16)
    finite = frame[np.isfinite(frame)]
    # Structure on a large offset does not fit into float32; alignment does not mind the offset.
    offset = finite[0] if finite.size else 0
    return (frame - np.float64(offset)).astype(np.float32)


def survey(frame: NDArray[Any], mask: NDArray[np.bool_] | None = None) -> Light:
    """Return the brightness of a frame over its mask.

    The noise variance is what the covariances at lags 1 and 2 leave unexplained, extrapolated to lag 0 as
    an even parabola-like function, ``C0 - (4 C1 - C2) / 3``, along the axis that leaves less: motion blur
    makes one axis smooth.

    Parameters
    ----------
    frame : ndarray, shape (Y, X), uint16 or float32
        Finite where `mask` is True.
    mask : ndarray, shape (Y, X), bool, optional
        Pixels to use; all without it.
    """
    step = max(1, frame.shape[0] // _SURVEYED_ROWS)
    shown = _ALL if mask is None else mask
    offset = float(row_mean(frame, shown, step))
    variance, y1, y2, x1, x2 = row_covariances(frame, shown, step, offset)
    if not variance > (_ROUNDING * offset) ** 2:
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

    def first(self, noise: float) -> int:
        """Return the finest level worth making: full size for small images and for clean ones.

        Half the size holds the whole signal of a noisy frame (99.5 % of what tells its position when it is
        blurred by 3 px); what it loses is a systematic 0.005 px, which only clean frames show.
        """
        return 0 if min(self.shapes[0]) < 4 * _SMALLEST_PX or noise < _CLEAN_NOISE else 1


def plan(shape: tuple[int, int]) -> Plan:
    """Return the pyramid of images of `shape` ``(Y, X)``, down to about 40 px on the shorter side."""
    shapes = [shape]
    while min(shapes[-1]) // 2 >= _SMALLEST_PX:
        shapes.append((shapes[-1][0] // 2, shapes[-1][1] // 2))
    return Plan(tuple(shapes))


@cache
def noise_gain(level: int, gradient: bool = False) -> float:
    """Return the variance that white noise of variance 1 has in a sampled level, or in its gradient."""
    taps, spread = (_SMOOTH, 1) if level == 0 else (np.ones(1), 1)
    for _ in range(level):
        taps, spread = np.convolve(taps, _stretched(_HALVE, spread)), 2 * spread
    taps = np.convolve(taps, _stretched(_SPLINE, spread))
    across = np.convolve(taps, _stretched(_SLOPE, spread)) if gradient else taps
    return float((taps**2).sum() * (across**2).sum() * (2 if gradient else 1))


def _stretched(taps: NDArray[np.float64], spread: int) -> NDArray[np.float64]:
    stretched = np.zeros((len(taps) - 1) * spread + 1)
    stretched[::spread] = taps
    return stretched


def signal_share(variance: float, noise: float, level: int) -> float:
    """Return the share of the signal in the variance of a sampled level, given the frame's noise; 0 to 1."""
    return _share(variance, noise * noise_gain(level))


def gradient_share(image: NDArray[np.float32], noise: float, level: int) -> float:
    """Return the share of the signal in a template's gradient, given the frame's noise; 0 to 1."""
    step = max(1, len(image) // _SHARE_ROWS)
    gy = image[2::step, 1:-1] - image[:-2:step, 1:-1]
    gx = image[1:-1:step, 2:] - image[1:-1:step, :-2]
    energy = (np.einsum("yx,yx->", gy, gy) + np.einsum("yx,yx->", gx, gx)) / (4 * gx.size)
    return _share(float(energy), noise * noise_gain(level, gradient=True))


def _share(whole: float, noise: float) -> float:
    return min(1.0, max(0.0, 1.0 - noise / whole)) if whole > 0 else 0.0


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
