"""Least squares fits of curves to profiles, with the standard error of each number."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Fit:
    """Numbers of a curve that come closest to some points.

    Attributes
    ----------
    values, errors : tuple of float
        Each number and its standard error; infinite where the points do not fix it.
    rms : float
        Root mean squared distance of the points from the curve, with the numbers counted off.
    """

    values: tuple[float, ...]
    errors: tuple[float, ...]
    rms: float


def fit_curve(
    curve: Callable[..., NDArray[np.float64]],
    start: Sequence[float],
    x: NDArray[np.float64],
    y: NDArray[np.float64],
) -> Fit:
    """Return the least squares fit of ``curve(x, *numbers)`` to points, from a first guess on.

    Parameters
    ----------
    curve : callable
        Of `x` and as many numbers as `start` holds.
    start : sequence of float
        First guess.
    x, y : ndarray, shape (K,)
        Points, more than numbers.
    """
    from scipy.optimize import least_squares

    # equal scales for all numbers: intensities may be 1e4 times larger than lengths, or smaller
    solved = least_squares(lambda n: curve(x, *n) - y, start, x_scale="jac", method="trf")
    freedom = x.size - len(start)
    variance = 2 * solved.cost / freedom
    curvature = solved.jac.T @ solved.jac
    if np.linalg.matrix_rank(curvature) < len(start):
        errors: tuple[float, ...] = (inf,) * len(start)
    else:
        errors = tuple(np.sqrt(variance * np.diag(np.linalg.inv(curvature))).tolist())
    return Fit(tuple(solved.x.tolist()), errors, float(np.sqrt(variance)))
