"""How sharp an edge is: the width over which a line profile rises from 10 to 90 percent of its step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_emrestore.core.errors import InputError
from napari_emrestore.metrics.fitting import fit_curve

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_emrestore.metrics.profiles import LineProfile

# An error function rises from 10 to 90 percent within this many of its standard deviations.
_SIGMAS_10_TO_90 = 2.5631031310892007
_FEWEST_POINTS = 6
_KNOWN_TO = 1 / 3  # of the width; worse, and the profile is something else than an edge
_CERTAIN = 5.0  # standard errors; the best of all places for a step is picked, so 3 would not do


@dataclass(frozen=True, slots=True)
class Edge:
    """The step that fits a line profile best.

    Attributes
    ----------
    width_px : float
        Distance over which the intensity goes from 10 to 90 percent of the step. An ideal step sampled
        on pixels gives about one pixel or less, so nothing below that can be told apart.
    width_error_px : float
        Standard error of the width; infinite if the points do not fix it.
    centre_px : float
        Where half the step is reached, from the start of the line.
    step : float
        Intensity after the edge minus intensity before it, input units.
    width_nm, width_error_nm : float, optional
        The same in nm; ``None`` if the pixel size is unknown.
    """

    width_px: float
    width_error_px: float
    centre_px: float
    step: float
    width_nm: float | None
    width_error_nm: float | None


def edge_width(profile: LineProfile) -> Edge:
    """Return the 10 to 90 percent width of the one edge that a line profile crosses.

    Parameters
    ----------
    profile : LineProfile
        Across one edge, with a flat piece on either side.

    Returns
    -------
    Edge

    Raises
    ------
    InputError
        If fewer than 6 points are measured, no step can be told from the noise of the profile, or its width
        is not known to a third of it or a pixel.

    Notes
    -----
    Least squares fit of a step blurred by a Gaussian, ``low + step * (1 + erf((x - centre) / (sqrt(2)
    sigma))) / 2``. All points take part, so noise disturbs it less than reading off two crossings.
    """
    distance, intensity = profile.measured()
    if distance.size < _FEWEST_POINTS:
        raise InputError(
            f"An edge needs a profile of at least {_FEWEST_POINTS} measured points",
            came=f"{distance.size} came",
            remedy="Draw a longer line across the edge.",
        )
    best = min(
        (fit_curve(_blurred_step, s, distance, intensity) for s in _starts(distance, intensity)),
        key=lambda fit: fit.rms,
    )
    _low, step, centre, sigma = best.values
    inside = distance[0] < centre < distance[-1]
    if not inside or step == 0 or abs(step) < _CERTAIN * best.errors[1]:
        raise InputError(
            "An edge width needs one step that stands out of the profile",
            item="the profile",
            came=f"has a step of {abs(step):.3g} ± {best.errors[1]:.2g}" + ("" if inside else " at its end"),
            remedy="Draw the line across one edge, from flat to flat, or average over a wider line.",
        )
    width, error = abs(sigma) * _SIGMAS_10_TO_90, best.errors[3] * _SIGMAS_10_TO_90
    if error > max(_KNOWN_TO * width, 1.0):
        raise InputError(
            "An edge width needs a profile that follows one blurred step",
            item="the profile",
            came=f"fits a width of {width:.3g} ± {error:.2g} px",
            remedy="Draw the line across one edge only, from flat to flat.",
        )
    return Edge(width, error, centre, step, profile.to_nm(width), profile.to_nm(error))


def _blurred_step(
    distance: NDArray[np.float64], low: float, step: float, centre: float, sigma: float
) -> NDArray[np.float64]:
    from scipy.special import erf

    # the fit may walk through sigma = 0, where the step is sharp
    argument = (distance - centre) / max(abs(sigma), 1e-6) / np.sqrt(2)
    return np.asarray(low + step * (1 + erf(argument)) / 2)


def _starts(distance: NDArray[np.float64], intensity: NDArray[np.float64]) -> list[tuple[float, ...]]:
    """Return first guesses: the best sharp step of the profile, with three widths."""
    splits = range(2, distance.size - 1)
    left = max(splits, key=lambda k: _explained(intensity, k))
    low, high = float(intensity[:left].mean()), float(intensity[left:].mean())
    centre = float(distance[left - 1] + distance[left]) / 2
    length = float(np.ptp(distance))
    return [(low, high - low, centre, sigma) for sigma in (0.5, length / 20, length / 6)]


def _explained(intensity: NDArray[np.float64], split: int) -> float:
    """Return the variance that a sharp step before point `split` explains, times the number of points."""
    before, after = intensity[:split], intensity[split:]
    return float(before.size * after.size / intensity.size * (after.mean() - before.mean()) ** 2)
