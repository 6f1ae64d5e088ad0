"""Which frame of a burst the others are aligned to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from napari_emrestore.bursts.triage import lone_faults
from napari_emrestore.core import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from napari_emrestore.bursts.triage import FrameFacts, TriageSettings

Reference = Literal["sharpest", "middle"] | int


def choose_reference(
    facts: Sequence[FrameFacts],
    reference: Reference,
    triage: TriageSettings,
    decisions: Mapping[int, bool],
) -> int:
    """Return the position of the frame all others are aligned to; see `register`."""
    allowed = [fact for fact in facts if decisions.get(fact.index, True)]
    if not allowed:
        raise InputError(
            "A burst needs at least one frame that is not rejected",
            came=f"all {len(facts)} frames are rejected by hand",
            remedy="Take back one of the rejections.",
        )
    if isinstance(reference, str):
        return _automatic_reference(allowed, reference, triage)
    if not 0 <= reference < len(facts):
        raise InputError(f"The reference is a position from 0 to {len(facts) - 1}", came=f"{reference} came")
    if not decisions.get(reference, True):
        raise InputError(
            "The reference takes part in the fusion and cannot be rejected",
            item=f"frame {reference}",
            came="is the reference and rejected by hand",
            remedy="Choose another reference, or take back the rejection.",
        )
    return reference


def _automatic_reference(allowed: list[FrameFacts], reference: str, triage: TriageSettings) -> int:
    if reference == "middle":
        return allowed[len(allowed) // 2].index
    if reference == "sharpest":
        sound = [fact for fact in allowed if not any(lone_faults(fact, triage))]
        return max(sound or allowed, key=lambda fact: fact.sharpness).index
    raise InputError(
        "The reference is 'sharpest', 'middle' or a position in the burst", came=f"{reference!r} came"
    )
