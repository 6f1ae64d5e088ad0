"""Means, deviations and paired differences with their uncertainty over source images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_RESAMPLES = 2000
_INTERVAL_PERCENT = (2.5, 97.5)


@dataclass(frozen=True, slots=True)
class Difference:
    """Mean paired difference of two methods.

    Attributes
    ----------
    mean : float
        Every source image counts the same, however many instances were made from it.
    low, high : float, optional
        Ends of the 95 % bootstrap interval over source images; ``None`` for a single source.
    """

    mean: float
    low: float | None
    high: float | None


def paired_difference(
    values: NDArray[np.float64],
    others: NDArray[np.float64],
    sources: Sequence[str],
    rng: np.random.Generator,
) -> Difference:
    """Return how far `values` lie above `others` of the same instances.

    Parameters
    ----------
    values, others : ndarray, shape (K,)
        One value per instance or tile.
    sources : sequence of str
        The source image of each value; crops of one image are not independent, so whole images are
        drawn in the bootstrap.
    rng : numpy.random.Generator
        Draws the 2000 resamples.

    References
    ----------
    Efron, B. (1979), DOI 10.1214/aos/1176344552.
    """
    differences = values - others
    names = np.asarray(sources)
    means = np.array([differences[names == name].mean() for name in dict.fromkeys(sources)])
    if len(means) == 1:
        return Difference(float(means[0]), None, None)
    drawn = means[rng.integers(len(means), size=(_RESAMPLES, len(means)))].mean(axis=1)
    low, high = np.percentile(drawn, _INTERVAL_PERCENT)
    return Difference(float(means.mean()), float(low), float(high))
