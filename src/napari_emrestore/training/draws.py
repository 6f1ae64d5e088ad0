"""Ranges that a simulation draws its parameters from."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True)
class Span:
    """A uniform range, on a logarithmic scale if `log`.

    Attributes
    ----------
    low, high : float
        Ends of the range; equal ends give a constant.
    log : bool
        Draw evenly in the logarithm; both ends must then be positive.
    """

    low: float
    high: float
    log: bool = False

    def draw(self, rng: np.random.Generator) -> float:
        """Return one value."""
        if self.log:
            return math.exp(rng.uniform(math.log(self.low), math.log(self.high)))
        return float(rng.uniform(self.low, self.high))


def fixed(value: float) -> Span:
    """Return the range that always gives `value`."""
    return Span(value, value)
