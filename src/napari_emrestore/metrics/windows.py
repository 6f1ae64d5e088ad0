"""The two windows of structural similarity and the numbers that belong to them."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp
from typing import Literal

from napari_emrestore.core.errors import InputError

WindowName = Literal["gaussian", "uniform"]


@dataclass(frozen=True, slots=True)
class Window:
    """A separable, symmetric window and the constants used with it, for a data range of 1.

    Attributes
    ----------
    gaussian : bool
        Whether the weights are Gaussian; else all are equal.
    half_weights : tuple of float
        One-dimensional weights from the centre outwards; the full window sums to 1.
    covariance_scale : float
        Factor on variances and covariance: n / (n - 1) for the sample estimate, 1 for weighted means.
    c1, c2 : float
        Stabilising constants K1² and K2².
    """

    gaussian: bool
    half_weights: tuple[float, ...]
    covariance_scale: float
    c1: float = 0.01**2
    c2: float = 0.03**2

    @property
    def width(self) -> int:
        """Width and height in pixels."""
        return 2 * len(self.half_weights) - 1


def _gaussian(radius: int, sigma_px: float) -> tuple[float, ...]:
    weights = [exp(-0.5 * (t / sigma_px) ** 2) for t in range(radius + 1)]
    total = weights[0] + 2 * sum(weights[1:])
    return tuple(weight / total for weight in weights)


GAUSSIAN = Window(True, _gaussian(5, 1.5), 1.0)
UNIFORM = Window(False, (1 / 7,) * 4, 49 / 48)


def find_window(name: str) -> Window:
    """Return the window of that name.

    Raises
    ------
    InputError
        If there is none.
    """
    windows = {"gaussian": GAUSSIAN, "uniform": UNIFORM}
    if name not in windows:
        raise InputError("The SSIM window is 'gaussian' or 'uniform'", came=f"{name!r} came")
    return windows[name]
