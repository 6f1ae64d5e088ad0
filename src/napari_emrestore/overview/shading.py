"""Uneven illumination and changing brightness of a scan, from what overlapping frames say about each other.

The same place of the specimen is seen through different pixels of the detector: the ratio tells the field
there without knowing the specimen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_emrestore.overview.links import Comparison

_KNOTS = 6
_SMOOTHNESS = 0.05
_GAIN_SPREAD = 0.05
"""Brightness from frame to frame is expected to change by so much; what more is needed must show in pairs."""
_RATIO_SPREAD = 0.02
_ROUNDS = 4
_TUKEY = 4.685


@dataclass(frozen=True, slots=True, eq=False)
class Shading:
    """What a frame's pixels are divided by, after `dark` is taken away.

    Attributes
    ----------
    frame_shape : tuple of int
        ``(Y, X)``.
    knots : ndarray, shape (K, K)
        Logarithm of the field at points evenly spread over the frame, rim included; linear between.
    log_gain : ndarray, shape (N,)
        Logarithm of each frame's brightness.
    dark : float
        Value of no signal, input units.
    """

    frame_shape: tuple[int, int]
    knots: NDArray[np.float64]
    log_gain: NDArray[np.float64]
    dark: float = 0.0

    @property
    def field(self) -> NDArray[np.float32]:
        """The field ``(Y, X)``, about 1."""
        rows, columns = (_hats(np.arange(n), n) for n in self.frame_shape)
        return np.asarray(np.exp(rows @ self.knots @ columns.T), np.float32)

    def divisor(self, number: int, field: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return what a frame is divided by; `field` is that of `self.field`, made once for many frames."""
        return np.asarray(field * np.float32(np.exp(self.log_gain[number])))


def even(frame_shape: tuple[int, int], count: int, dark: float = 0.0) -> Shading:
    """Return the shading that changes nothing."""
    return Shading(frame_shape, np.zeros((_KNOTS, _KNOTS)), np.zeros(count), dark)


def fit_shading(
    comparisons: Sequence[Comparison],
    frame_shape: tuple[int, int],
    count: int,
    *,
    dark: float = 0.0,
    field: bool = True,
) -> Shading:
    """Return field and brightness that explain best how overlapping frames differ.

    Parameters
    ----------
    comparisons : sequence of Comparison
        Pairs of frames; those that no comparison reaches take the brightness of their neighbours in time.
    frame_shape : tuple of int
        ``(Y, X)``.
    count : int
        Frames.
    dark : float
        Value of no signal, input units.
    field : bool
        Whether there is a field to be found; else brightness only.

    Notes
    -----
    Robust linear least squares on logarithms: 6 x 6 points of a smooth field, one brightness per frame. A
    linear ramp and a brightness that changes steadily along a scan look the same in one strip; the smaller
    changes of brightness are preferred.
    """
    if not comparisons:
        return even(frame_shape, count, dark)
    rows, values = _equations(comparisons, frame_shape, count, field)
    weights = np.ones(len(values))
    for _ in range(_ROUNDS):
        found = _solve(rows, values, weights, count, field)
        off = np.abs(rows @ found - values)
        scale = max(1.4826 * float(np.median(off)), 1e-6)
        weights = np.clip(1 - (off / (_TUKEY * scale)) ** 2, 0, 1) ** 2
    knots = found[: _KNOTS**2].reshape(_KNOTS, _KNOTS)
    gains = _between_compared(found[_KNOTS**2 :], comparisons)
    return Shading(frame_shape, knots - knots.mean(), gains - np.median(gains), dark)


def _equations(
    comparisons: Sequence[Comparison], shape: tuple[int, int], count: int, field: bool
) -> tuple[Any, NDArray[np.float64]]:
    """Return the matrix of all blocks' equations, ``field(second) - field(first) + gains = log ratio``."""
    from scipy.sparse import coo_array, csr_array, hstack

    first = np.concatenate([np.full(len(c.log_ratio), c.first) for c in comparisons])
    second = np.concatenate([np.full(len(c.log_ratio), c.second) for c in comparisons])
    values = np.concatenate([c.log_ratio for c in comparisons]).astype(np.float64)
    number = np.arange(len(values))
    gains = coo_array(
        (np.r_[np.ones(len(values)), -np.ones(len(values))], (np.r_[number, number], np.r_[second, first])),
        shape=(len(values), count),
    )
    if not field:
        return hstack([csr_array((len(values), _KNOTS**2)), gains]).tocsr(), values
    ours = _field_rows(np.concatenate([c.at_first for c in comparisons]), shape)
    theirs = _field_rows(np.concatenate([c.at_second for c in comparisons]), shape)
    return hstack([csr_array(theirs - ours), gains]).tocsr(), values


def _solve(
    rows: Any, values: NDArray[np.float64], weights: NDArray[np.float64], count: int, field: bool
) -> NDArray[np.float64]:
    from scipy.sparse import block_diag, diags_array
    from scipy.sparse.linalg import splu

    weighted = rows.T @ diags_array(weights / _RATIO_SPREAD**2)
    smooth = _bending() / _SMOOTHNESS**2 + (1e-6 if field else 1.0) * np.eye(_KNOTS**2)
    prior = block_diag([smooth, diags_array(np.full(count, _GAIN_SPREAD**-2))])
    return np.asarray(splu((weighted @ rows + prior).tocsc()).solve(weighted @ values))


def _field_rows(places: NDArray[np.float32], shape: tuple[int, int]) -> NDArray[np.float64]:
    """Return the weights ``(S, K * K)`` of the knots at places ``(y, x)`` of a frame."""
    y, x = (_hats(places[:, axis].astype(np.float64), shape[axis]) for axis in (0, 1))
    return np.asarray((y[:, :, None] * x[:, None, :]).reshape(len(places), -1))


def _hats(at: NDArray[Any], length: int) -> NDArray[np.float64]:
    """Return the weights of evenly spread knots for linear interpolation, (S, K)."""
    step = max(length - 1, 1) / (_KNOTS - 1)
    return np.asarray(np.clip(1 - np.abs(at[:, None] / step - np.arange(_KNOTS)), 0, None))


def _bending() -> NDArray[np.float64]:
    """Return the sum of squared second differences of the knots as a quadratic form."""
    second = np.diff(np.eye(_KNOTS), 2, axis=0)
    along = second.T @ second
    one = np.eye(_KNOTS)
    return np.asarray(np.kron(along, one) + np.kron(one, along))


def _between_compared(gains: NDArray[np.float64], comparisons: Sequence[Comparison]) -> NDArray[np.float64]:
    """Return gains with those of frames that were never compared taken from their neighbours in time."""
    compared = np.unique([(c.first, c.second) for c in comparisons])
    return np.asarray(np.interp(np.arange(len(gains)), compared, gains[compared]))
