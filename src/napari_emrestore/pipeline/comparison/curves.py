"""What the plots show, measured: line profiles, histograms, power spectra and ring correlations."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import isfinite
from typing import TYPE_CHECKING, TypeVar

from napari_emrestore.core import InputError
from napari_emrestore.metrics import (
    edge_width,
    frc,
    line_profile,
    particle_diameter,
    radial_spectrum,
    split_image,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from napari_emrestore.metrics import Edge, LineProfile, Particle, RadialSpectrum
    from napari_emrestore.pipeline.comparison.candidates import Candidate


_Measured = TypeVar("_Measured")


@dataclass(frozen=True, slots=True, eq=False)
class MeasuredProfile:
    """A line profile and what could be measured on it.

    Attributes
    ----------
    profile : LineProfile
        Intensity along the line.
    edge : Edge, optional
        The one edge it crosses; ``None`` where `no_edge` says why.
    particle : Particle, optional
        The one particle it crosses; ``None`` where `no_particle` says why.
    no_edge, no_particle : str
        One sentence each, or empty.
    """

    profile: LineProfile
    edge: Edge | None
    particle: Particle | None
    no_edge: str = ""
    no_particle: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Correlation:
    """A ring correlation of one candidate, in frequencies of its own pixels.

    Attributes
    ----------
    frequency_per_px : ndarray, shape (K,)
        Cycles per pixel of the candidate.
    correlation : ndarray, shape (K,)
        -1 to 1.
    limit_per_px : float
        Frequency at which it falls below 1/7; 0 if it never is above, the last frequency if it never falls.
    """

    frequency_per_px: NDArray[np.float64]
    correlation: NDArray[np.float64]
    limit_per_px: float


@dataclass(frozen=True, slots=True, eq=False)
class Spectra:
    """Radial power spectra and ring correlations, and how far they were measured.

    Attributes
    ----------
    power : mapping of str to RadialSpectrum
        By candidate, the truth included if there is one.
    correlations : mapping of str to Correlation
        By candidate: with the ground truth, or without one of two halves of the image.
    against_truth : bool
        Which of both.
    limit_per_px : float, optional
        Beyond it nothing was measured: the limit of the unrestored image, if one is named, or else with a
        truth the farthest that any candidate agrees with it; ``None`` if neither is there.
    limit_of : str
        Whose limit that is.
    problems : mapping of str to str
        Why a candidate has no curve.
    """

    power: Mapping[str, RadialSpectrum]
    correlations: Mapping[str, Correlation]
    against_truth: bool
    limit_per_px: float | None
    limit_of: str
    problems: Mapping[str, str] = field(default_factory=dict)


def measure_profiles(
    candidates: Sequence[Candidate],
    start: tuple[float, float],
    end: tuple[float, float],
    *,
    width_px: int = 1,
    pixel_size_nm: tuple[float, float] | None = None,
) -> dict[str, MeasuredProfile]:
    """Return the profile of every candidate along one line; parameters and errors as in `line_profile`."""
    return {
        candidate.name: _measure(
            line_profile(candidate.image, start, end, width_px=width_px, pixel_size_nm=pixel_size_nm)
        )
        for candidate in candidates
    }


def measure_spectra(
    candidates: Sequence[Candidate], truth: Candidate | None = None, *, raw: str | None = None
) -> Spectra:
    """Return power spectra and ring correlations of all candidates.

    Parameters
    ----------
    candidates : sequence of Candidate
        Images of one field, without gaps; what has gaps is named among the problems.
    truth : Candidate, optional
        The ground truth.
    raw : str, optional
        Name of the candidate that was not restored; its own limit is where measuring ends.
    """
    power, correlations, problems = {}, {}, {}
    for candidate in [*candidates, *([truth] if truth else [])]:
        try:
            power[candidate.name] = radial_spectrum(candidate.image)
            if candidate is not truth:
                correlations[candidate.name] = _correlate(candidate, truth)
        except InputError as error:
            problems[candidate.name] = str(error)
    limit, whose = _limit(candidates, correlations, truth, raw)
    return Spectra(power, correlations, truth is not None, limit, whose, problems)


def _measure(profile: LineProfile) -> MeasuredProfile:
    edge, no_edge = _or_why(edge_width, profile)
    particle, no_particle = _or_why(particle_diameter, profile)
    return MeasuredProfile(profile, edge, particle, no_edge, no_particle)


def _or_why(
    measure: Callable[[LineProfile], _Measured], profile: LineProfile
) -> tuple[_Measured | None, str]:
    try:
        return measure(profile), ""
    except InputError as error:
        return None, str(error)


def _correlate(candidate: Candidate, truth: Candidate | None) -> Correlation:
    if truth is not None:
        curve, step = frc(candidate.image, truth.image), 1
    else:
        curve, step = frc(*split_image(candidate.image)), 2  # a pixel of a half is two of the image
    period = curve.resolution_px() * step
    frequency = curve.frequency_per_px[1:] / step
    return Correlation(frequency, curve.correlation[1:], 1 / period if isfinite(period) else 0.0)


def _limit(
    candidates: Sequence[Candidate],
    correlations: Mapping[str, Correlation],
    truth: Candidate | None,
    raw: str | None,
) -> tuple[float | None, str]:
    if raw is not None and raw in correlations:
        return correlations[raw].limit_per_px, raw
    if truth is None or not correlations:
        return None, ""
    best = max(correlations, key=lambda name: correlations[name].limit_per_px)
    return correlations[best].limit_per_px, best
