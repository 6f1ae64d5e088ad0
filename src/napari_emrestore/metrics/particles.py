"""How large a round particle is: the projection of a sphere fitted to a line profile across it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_emrestore.core.errors import InputError
from napari_emrestore.metrics.fitting import fit_curve

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_emrestore.metrics.profiles import LineProfile

_FEWEST_POINTS = 12
_FEWEST_IN_CORE = 5
_BACKGROUND_SHARE = 0.12  # of the points, at either end
_CORE_SHARE = 0.5  # of the depth; there the chord is 0.87 of the diameter and blur hardly reaches it
_CROSSING_SHARE = 0.05  # of the depth
_UNLIKE_SHARE = 0.5  # of the depth, between both ends
_CERTAIN = 3.0  # standard deviations


@dataclass(frozen=True, slots=True)
class Particle:
    """The sphere whose projection fits a line profile best.

    Attributes
    ----------
    diameter_px : float
        Of the sphere.
    diameter_error_px : float
        Standard error of the fit; what a particle that is no sphere adds is not in it.
    edge_width_px : float, optional
        Half of what the particle seems wider than the sphere; ``None`` if the profile does not come back
        to its background on both sides.
    centre_px : float
        Distance of the centre from the start of the line.
    depth : float
        Intensity at the centre minus background, input units; negative for dark particles.
    background : float
        Mean of the ends of the profile, input units.
    diameter_nm, diameter_error_nm, edge_width_nm : float, optional
        The same in nm; ``None`` if the pixel size is unknown.
    """

    diameter_px: float
    diameter_error_px: float
    edge_width_px: float | None
    centre_px: float
    depth: float
    background: float
    diameter_nm: float | None
    diameter_error_nm: float | None
    edge_width_nm: float | None


def particle_diameter(profile: LineProfile) -> Particle:
    """Return the diameter of the one particle that a line profile crosses through its centre.

    Parameters
    ----------
    profile : LineProfile
        From background to background; at least the outer eighth at either end lies beside the particle.

    Returns
    -------
    Particle

    Raises
    ------
    InputError
        If fewer than 12 points are measured, no particle stands out of the background, the background
        differs between both sides, or the core has too few points or is not rounded.

    Notes
    -----
    A sphere of radius R projects as ``background + depth * sqrt(1 - ((x - centre) / R)²)``; contrast is
    taken as proportional to thickness. As in the paper, only points near the centre are fitted (here:
    those beyond half of the depth), so blur at the rim does not widen the sphere, and the edge width is
    half the difference between the sphere and the distance of the points where the profile meets the
    background. Meeting it means coming within 5 percent of the depth or one standard deviation of the
    background; without that margin, noise-free blur would never meet it.

    References
    ----------
    Katsuno et al. 2022, "Fast improvement of TEM images with low-dose electrons by deep learning",
    DOI 10.1017/S1431927621013799.
    """
    distance, intensity = profile.measured()
    if distance.size < _FEWEST_POINTS:
        raise InputError(
            f"A particle needs a profile of at least {_FEWEST_POINTS} measured points",
            came=f"{distance.size} came",
            remedy="Draw a longer line across the particle.",
        )
    background, noise, unlike = _background(intensity)
    signed = intensity - background
    smooth = _smoothed(signed)
    top = int(np.argmax(np.abs(smooth)))
    if abs(smooth[top]) <= _CERTAIN * noise or smooth[top] == 0:
        raise InputError(
            "A diameter needs a particle that stands out of its background",
            item="the profile",
            came=f"differs from it by {abs(smooth[top]):.3g} at most, in a scatter of {noise:.3g}",
            remedy="Draw the line through one particle, from background to background, or make it wider.",
        )
    if unlike > _UNLIKE_SHARE * abs(smooth[top]):
        raise InputError(
            "A diameter needs one background on both sides of the particle",
            item="the profile",
            came=f"ends {unlike:.3g} apart, with a particle of {abs(smooth[top]):.3g}",
            remedy="Draw the line from background to background; a single edge has an edge width.",
        )
    core = _around(top, np.abs(smooth) >= _CORE_SHARE * abs(smooth[top]), smooth * smooth[top] > 0)
    centre, radius, radius_error, depth = _fit_sphere(distance[core], signed[core])
    limit = max(noise, _CROSSING_SHARE * abs(depth))
    edge = _edge_width(distance, signed * np.sign(depth), core, limit, radius)
    return Particle(
        2 * radius,
        2 * radius_error,
        edge,
        centre,
        depth,
        background,
        profile.to_nm(2 * radius),
        profile.to_nm(2 * radius_error),
        None if edge is None else profile.to_nm(edge),
    )


def _background(intensity: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return mean, standard deviation (of each end about its own mean) and difference of both ends."""
    count = max(3, round(_BACKGROUND_SHARE * intensity.size))
    ends = intensity[:count], intensity[-count:]
    noise = float(np.sqrt(np.mean([end.var(ddof=1) for end in ends])))
    return float(np.mean(ends)), noise, float(abs(ends[0].mean() - ends[1].mean()))


def _smoothed(signed: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a running mean that finds the particle; nothing is measured on it."""
    width = max(1, signed.size // 20)
    kernel = np.ones(width)
    return np.convolve(signed, kernel, "same") / np.convolve(np.ones(signed.size), kernel, "same")


def _around(top: int, high: NDArray[np.bool_], same_sign: NDArray[np.bool_]) -> slice:
    """Return the run of high points around `top`."""
    low = np.flatnonzero(~(high & same_sign))
    first = low[low < top].max(initial=-1) + 1
    last = low[low > top].min(initial=high.size)
    return slice(int(first), int(last))


def _fit_sphere(
    distance: NDArray[np.float64], signed: NDArray[np.float64]
) -> tuple[float, float, float, float]:
    """Return centre, radius, its standard error and depth of the sphere through the core of a particle."""
    if distance.size < _FEWEST_IN_CORE:
        raise InputError(
            f"A diameter needs at least {_FEWEST_IN_CORE} points on the particle",
            came=f"{distance.size} came",
            remedy="The particle is too small in this image for a diameter to be told.",
        )
    middle = float(distance.mean())
    x = distance - middle
    # squared, the projection is a parabola: its fit is linear and needs no first guess
    curvature, slope, height = np.polyfit(x, signed**2, 2)
    if curvature >= 0 or height <= 0:
        raise InputError(
            "A diameter needs a profile that is rounded like that of a sphere",
            item="the core of the profile",
            came="is flat, or deepest at its rim",
            remedy="Draw the line through one round particle; flat particles have an edge width instead.",
        )
    centre = -slope / (2 * curvature)
    radius = float(np.sqrt(centre**2 - height / curvature))
    depth = np.sign(signed.mean()) * np.sqrt(-curvature) * radius
    fit = fit_curve(_sphere, (centre, radius, depth), x, signed)
    return fit.values[0] + middle, abs(fit.values[1]), fit.errors[1], fit.values[2]


def _sphere(x: NDArray[np.float64], centre: float, radius: float, depth: float) -> NDArray[np.float64]:
    return np.asarray(depth * np.sqrt(np.clip(1 - ((x - centre) / radius) ** 2, 0, None)))


def _edge_width(
    distance: NDArray[np.float64], height: NDArray[np.float64], core: slice, limit: float, radius: float
) -> float | None:
    """Return half the difference of where the profile meets the background and the sphere's diameter."""
    left = _crossing(distance[: core.start + 1][::-1], height[: core.start + 1][::-1], limit)
    right = _crossing(distance[core.stop - 1 :], height[core.stop - 1 :], limit)
    return None if left is None or right is None else (right - left - 2 * radius) / 2


def _crossing(distance: NDArray[np.float64], height: NDArray[np.float64], limit: float) -> float | None:
    """Return where the height first falls to the limit, walking outwards, or ``None`` if nowhere."""
    low = np.flatnonzero(height <= limit)
    if low.size == 0 or low[0] == 0:
        return None
    after = int(low[0])
    before = after - 1
    share = (height[before] - limit) / (height[before] - height[after])
    return float(distance[before] + share * (distance[after] - distance[before]))
