"""Judging the frames of a burst: limits, what was measured, and a verdict in words and numbers."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from napari_emrestore.core import FrameVerdict, InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


@dataclass(frozen=True, slots=True)
class TriageSettings:
    """From where on a frame is left out of the fusion.

    Attributes
    ----------
    max_shift : float
        Displacement against the reference, as a share of the frame's side.
    min_correlation : float
        Correlation with the reference as the warp's score tells it, of the signals without their noise.
    min_relative_correlation : float
        Correlation as a share of the burst's median correlation; needs three frames beside the reference.
    min_sharpness : float
        Sharpness as a share of the burst's sharpest frame. Motion along one axis alone costs about half.
    max_saturated : float
        Share of pixels at the ceiling of the detector.
    max_missing : float
        Share of pixels that are not finite; fewer are masked.
    max_level_jump, max_shading_jump : float
        How far the mean, and the unevenness of the large blocks, may differ from the other frames, in
        standard deviations of the scene's signal; beyond it a frame counts as charging. Needs three frames.
    reject_charging : bool
        Whether charging frames are left out, or only flagged.

    Raises
    ------
    InputError
        If a limit is negative or not a number.
    """

    max_shift: float = 0.5
    min_correlation: float = 0.4
    min_relative_correlation: float = 0.5
    min_sharpness: float = 0.2
    max_saturated: float = 0.05
    max_missing: float = 0.05
    max_level_jump: float = 0.5
    max_shading_jump: float = 0.5
    reject_charging: bool = True

    def __post_init__(self) -> None:
        for limit in fields(self):
            value = getattr(self, limit.name)
            if not value >= 0:
                raise InputError(f"Triage limit {limit.name} is a number of at least 0", came=f"{value} came")


@dataclass(frozen=True, slots=True)
class FrameFacts:
    """What was measured about one frame; meaning and units as in `FrameVerdict` and `TriageSettings`."""

    index: int
    shape: tuple[int, int]
    sharpness: float
    saturated_fraction: float
    missing_fraction: float
    blank: bool
    shift_px: tuple[float, float] = (0.0, 0.0)
    correlation: float = 1.0
    level_jump: float = 0.0
    shading_jump: float = 0.0


def judge(
    facts: Sequence[FrameFacts],
    reference: int,
    settings: TriageSettings,
    overrides: Mapping[int, bool],
) -> tuple[FrameVerdict, ...]:
    """Return one verdict per frame.

    Parameters
    ----------
    facts : sequence of FrameFacts
        One per frame of the burst, in order.
    reference : int
        Position of the reference frame. It always takes part; what speaks against it is told in its reason.
    settings : TriageSettings
        Limits.
    overrides : mapping of int to bool
        Position to the user's own decision, which stands above the limits.
    """
    median = _median_correlation(facts, reference)
    verdicts = []
    for fact in facts:
        faults = "; ".join(
            [*lone_faults(fact, settings), *_burst_faults(fact, settings, median, fact.index == reference)]
        )
        accepted, reason = _decision(faults, fact.index == reference, overrides.get(fact.index))
        verdicts.append(_verdict(fact, settings, accepted, reason))
    return tuple(verdicts)


def lone_faults(fact: FrameFacts, settings: TriageSettings) -> Iterator[str]:
    """Yield what speaks against a frame before any alignment, in words and numbers."""
    if fact.blank:
        yield "is blank: all pixels are equal"
    if fact.missing_fraction > settings.max_missing:
        yield _share("of the pixels are not finite", fact.missing_fraction, settings.max_missing)
    if fact.saturated_fraction > settings.max_saturated:
        yield _share("of the pixels are saturated", fact.saturated_fraction, settings.max_saturated)
    if fact.sharpness < settings.min_sharpness:
        yield f"sharpness is {fact.sharpness:.2f} of the sharpest frame (limit {settings.min_sharpness:.2f})"


def _burst_faults(
    fact: FrameFacts, settings: TriageSettings, median: float | None, is_reference: bool
) -> Iterator[str]:
    if settings.reject_charging and _is_charging(fact, settings):
        yield (
            "charging: brightness jumps against the burst by "
            f"{fact.level_jump:.2f} (mean; limit {settings.max_level_jump:.2f}) and "
            f"{fact.shading_jump:.2f} (shading; limit {settings.max_shading_jump:.2f}) signal deviations"
        )
    if is_reference:
        return
    if any(abs(d) > settings.max_shift * side for d, side in zip(fact.shift_px, fact.shape, strict=True)):
        dy, dx = fact.shift_px
        yield f"moved by ({dy:.1f}, {dx:.1f}) px (limit {settings.max_shift:.0%} of the frame)"
    correlation = f"correlation with the reference is {fact.correlation:.3f}"
    if not fact.correlation >= settings.min_correlation:
        yield f"{correlation} (limit {settings.min_correlation:.3f})"
    elif median is not None and fact.correlation < settings.min_relative_correlation * median:
        limit = f"{settings.min_relative_correlation:.2f} of the burst's median {median:.3f}"
        yield f"{correlation} (limit {limit})"


def _median_correlation(facts: Sequence[FrameFacts], reference: int) -> float | None:
    """Return what is usual in this burst, ``None`` where too few frames are compared to say."""
    values = [fact.correlation for fact in facts if fact.index != reference and np.isfinite(fact.correlation)]
    return float(np.median(values)) if len(values) >= 3 else None


def _is_charging(fact: FrameFacts, settings: TriageSettings) -> bool:
    return fact.level_jump > settings.max_level_jump or fact.shading_jump > settings.max_shading_jump


def _decision(faults: str, is_reference: bool, override: bool | None) -> tuple[bool, str]:
    """Return whether the frame takes part and why, or why in spite of what."""
    if is_reference:
        return True, f"kept as the reference although: {faults}" if faults else ""
    if override is None:
        return not faults, faults
    if not override:
        return False, "rejected by hand"
    return True, f"accepted by hand although: {faults}" if faults else ""


def _verdict(fact: FrameFacts, settings: TriageSettings, accepted: bool, reason: str) -> FrameVerdict:
    return FrameVerdict(
        index=fact.index,
        shift_px=fact.shift_px,
        correlation=fact.correlation,
        sharpness=fact.sharpness,
        saturated_fraction=fact.saturated_fraction,
        charging=_is_charging(fact, settings),
        accepted=accepted,
        reason=reason,
    )


def _share(what: str, share: float, limit: float) -> str:
    return f"{share:.1%} {what} (limit {limit:.1%})"
