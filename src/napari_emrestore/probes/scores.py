"""The artefacts of restored probes: what each score measures, where it passes, what it says in plain words.

Limits for checkerboards (2), invented lines (1.1) and grain (0.8 to 1.2) and the comparison of wobble with
the input (1) are those of the protocol after Wieslander et al. 2021 (DOI 10.1371/journal.pone.0246336). It
sets none for motion and contrast: motion takes the band of grain; contrast takes the usual conventions of a
transfer function, half at the median and a tenth, the limit of resolution, for the weakest tenth.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from napari_emrestore.probes.patterns import Probe

# The noise of rounding to 8 bits: it is added to what ratios compare, so that next to nothing is no artefact.
FLOOR = 1 / 255 / np.sqrt(12)
_ROUNDING = 1e-4  # what passes the frames through must not fail by the rounding of float32
_HERE = "napari_emrestore.probes"


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """What a score is measured on; all images are ``(Y, X)``, finite, in pattern intensities.

    Attributes
    ----------
    probe : Probe
        The known pattern.
    given : ndarray
        Mean of the frames that the restorer was given.
    restored : ndarray
        What it made of them.
    motion_px : float
        Travel of the stage in one exposure, vertically.
    """

    probe: Probe
    given: NDArray[np.float64]
    restored: NDArray[np.float64]
    motion_px: float

    @property
    def error(self) -> NDArray[np.float64]:
        """Restored minus pattern."""
        return self.restored - self.probe.pattern


@dataclass(frozen=True, slots=True, eq=False)
class Finding:
    """A measured number, where it comes from, and a detail in words.

    Attributes
    ----------
    value : float
        The score.
    where : ndarray, shape (Y, X), float32
        How much each place adds, in pattern intensities.
    detail : str
        For example the direction of invented lines; may be empty.
    """

    value: float
    where: NDArray[np.float32]
    detail: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Score:
    """One artefact on one restored probe.

    Attributes
    ----------
    artefact, title : str
        As in `ARTEFACTS`, and for people.
    value : float
        See `ARTEFACTS`.
    limits : tuple
        Smallest and largest value that passes; ``None`` for no limit.
    passed : bool
        Whether the value lies within.
    verdict : str
        What that means, in a sentence.
    where : ndarray, shape (Y, X), float32
        How much each place adds to it.
    """

    artefact: str
    title: str
    value: float
    limits: tuple[float | None, float | None]
    passed: bool
    verdict: str
    where: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Rule:
    """How an artefact is measured and judged.

    Attributes
    ----------
    title : str
        For people.
    measure : str
        ``"module:function"`` from `Case` to `Finding`, or to ``None`` where the score has no meaning.
    limits : tuple
        Smallest and largest value that passes.
    fine, below, above : str
        Verdicts within, below and above the limits, with ``{value}`` and ``{detail}``.
    """

    title: str
    measure: str
    limits: tuple[float | None, float | None]
    fine: str
    below: str = ""
    above: str = ""

    def judge(self, artefact: str, finding: Finding) -> Score:
        """Return the score of a finding."""
        low, high = self.limits
        too_low = low is not None and finding.value < low - _ROUNDING
        too_high = high is not None and finding.value > high + _ROUNDING
        text = self.below if too_low else self.above if too_high else self.fine
        verdict = text.format(value=finding.value, detail=finding.detail)
        passed = not (too_low or too_high)
        return Score(artefact, self.title, finding.value, self.limits, passed, verdict, finding.where)


ARTEFACTS: dict[str, Rule] = {
    "checkerboard": Rule(
        "Checkerboard",
        f"{_HERE}.texture:checkerboard",
        (None, 2.0),
        "No grid: periods of 2, 4 and 8 px hold {value:.2f} times their surroundings in the spectrum.",
        above="A grid of {detail} is printed on the image: {value:.1f} times its surroundings.",
    ),
    "wobble": Rule(
        "Wobbly texture",
        f"{_HERE}.texture:wobble",
        (None, 1.0),
        "Flat ground keeps {value:.0%} of the input's texture of 6 to 24 px.",
        above="Flat ground wobbles: {value:.0%} of the input's texture of 6 to 24 px.",
    ),
    "invented-lines": Rule(
        "Invented lines",
        f"{_HERE}.orientation:invented_lines",
        (None, 1.1),
        "No new direction: at most {value:.2f} times the input's energy {detail}.",
        above="Lines that are not there, {detail}: {value:.1f} times the input's energy.",
    ),
    "grain": Rule(
        "Grain",
        f"{_HERE}.texture:grain",
        (0.8, 1.2),
        "Fine texture as in the truth: {value:.2f} times.",
        below="Fine detail is smoothed away: {value:.2f} times that of the truth.",
        above="Too much fine texture, {detail}: {value:.2f} times that of the truth.",
    ),
    "left-over-motion": Rule(
        "Left-over motion",
        f"{_HERE}.structure:left_over_motion",
        (0.8, 1.2),
        "As sharp along the motion as across it: {value:.2f}.",
        below="Motion blur is left: edges keep {value:.2f} of the energy along it that they keep across.",
        above="Sharpened too much along the motion: {value:.2f} of the energy across it.",
    ),
    "contrast-median": Rule(
        "Typical contrast",
        f"{_HERE}.structure:median_contrast",
        (0.5, None),
        "Typical parts keep {value:.0%} of their contrast.",
        below="Typical parts keep only {value:.0%} of their contrast.",
    ),
    "contrast-weakest": Rule(
        "Least contrast",
        f"{_HERE}.structure:weakest_contrast",
        (0.1, None),
        "The weakest tenth of the parts keeps up to {value:.0%} of its contrast.",
        below="The weakest tenth of the parts is lost: up to {value:.0%} of its contrast.",
    ),
}


def judge(case: Case) -> tuple[Score, ...]:
    """Return the scores that have a meaning on a probe, in the order of `ARTEFACTS`."""
    scores = []
    for artefact in (name for name in ARTEFACTS if name in case.probe.judged):
        rule = ARTEFACTS[artefact]
        module, _, attribute = rule.measure.partition(":")
        measure = cast("Callable[[Case], Finding | None]", getattr(import_module(module), attribute))
        finding = measure(case)
        if finding is not None:
            scores.append(rule.judge(artefact, finding))
    return tuple(scores)


def broken(image: NDArray[Any]) -> Score:
    """Return the score of a restoration with pixels that are not finite; nothing else can be measured."""
    missing = ~np.isfinite(image)
    count = int(missing.sum())
    sentence = f"{count} px are not numbers; nothing else could be measured."
    return Score(
        "not-finite",
        "Broken pixels",
        float(count),
        (None, 0.0),
        passed=False,
        verdict=sentence,
        where=missing.astype(np.float32),
    )
