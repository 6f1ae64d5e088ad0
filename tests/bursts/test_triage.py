"""Verdicts follow the limits, say why in numbers, and bow to the user and the reference."""

import re
from dataclasses import replace

import pytest

from napari_emrestore.bursts import TriageSettings
from napari_emrestore.bursts.references import choose_reference
from napari_emrestore.bursts.triage import FrameFacts, judge
from napari_emrestore.core import InputError

GOOD = FrameFacts(0, (100, 200), 0.9, 0.0, 0.0, blank=False, correlation=0.95)
LIMITS = TriageSettings()


def burst(*facts: FrameFacts) -> list[FrameFacts]:
    return [replace(fact, index=index) for index, fact in enumerate(facts)]


FAULTS = {
    "blank": (replace(GOOD, blank=True), "all pixels are equal"),
    "missing": (replace(GOOD, missing_fraction=0.2), r"20\.0% of the pixels are not finite \(limit 5\.0%\)"),
    "saturated": (replace(GOOD, saturated_fraction=0.07), r"7\.0% of the pixels are saturated"),
    "blurred": (replace(GOOD, sharpness=0.1), r"sharpness is 0\.10 of the sharpest frame \(limit 0\.20\)"),
    "moved": (replace(GOOD, shift_px=(51.0, 3.0)), r"moved by \(51\.0, 3\.0\) px \(limit 50% of the frame\)"),
    "elsewhere": (replace(GOOD, correlation=0.01), r"correlation with the reference is 0\.010"),
    "no score": (replace(GOOD, correlation=float("nan")), "correlation with the reference is nan"),
    "odd one": (replace(GOOD, correlation=0.45), r"0\.450 \(limit 0\.50 of the burst's median 0\.950\)"),
    "brighter": (replace(GOOD, level_jump=0.8), r"charging: brightness jumps against the burst by 0\.80"),
    "shaded": (replace(GOOD, shading_jump=0.7), r"charging.* 0\.70 \(shading"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_rejects_with_its_reason(fault):
    facts, reason = FAULTS[fault]
    verdicts = judge(burst(GOOD, GOOD, GOOD, facts, GOOD), 0, LIMITS, {})
    assert [verdict.accepted for verdict in verdicts] == [True, True, True, False, True]
    assert all(verdict.reason == "" for verdict in verdicts if verdict.accepted)
    assert re.search(reason, verdicts[3].reason)


def test_a_user_stands_above_the_limits_and_the_fault_is_still_told():
    bad = FAULTS["blurred"][0]
    verdicts = judge(burst(GOOD, bad, GOOD), 0, LIMITS, {1: True, 2: False})
    assert [verdict.accepted for verdict in verdicts] == [True, True, False]
    assert verdicts[1].reason.startswith("accepted by hand although: sharpness is 0.10")
    assert verdicts[2].reason == "rejected by hand"


@pytest.mark.parametrize("fault", ["blurred", "saturated", "brighter", "missing"])
def test_the_reference_always_takes_part_and_says_what_speaks_against_it(fault):
    verdicts = judge(burst(FAULTS[fault][0], GOOD, GOOD), 0, LIMITS, {})
    assert verdicts[0].accepted
    assert verdicts[0].reason.startswith("kept as the reference although: ")


def test_charging_may_be_flagged_only():
    verdicts = judge(burst(GOOD, FAULTS["brighter"][0]), 0, replace(LIMITS, reject_charging=False), {})
    assert verdicts[1].charging
    assert verdicts[1].accepted


def test_the_sharpest_reference_is_the_sharpest_sound_frame():
    facts = burst(
        replace(GOOD, sharpness=0.7), replace(GOOD, saturated_fraction=0.5), replace(GOOD, sharpness=0.8)
    )
    assert choose_reference(facts, "sharpest", LIMITS, {}) == 2
    assert choose_reference(facts, "sharpest", LIMITS, {2: False}) == 0
    assert choose_reference(facts[1:2], "sharpest", LIMITS, {}) == 1


def test_the_middle_reference_passes_over_frames_rejected_by_hand():
    facts = burst(*[GOOD] * 5)
    assert choose_reference(facts, "middle", LIMITS, {}) == 2
    assert choose_reference(facts, "middle", LIMITS, {2: False, 1: False}) == 3
    assert choose_reference(facts[:1], "middle", LIMITS, {}) == 0


def test_a_reference_that_cannot_be_is_refused():
    facts = burst(GOOD, GOOD)
    with pytest.raises(InputError, match="all 2 frames are rejected by hand"):
        choose_reference(facts, "sharpest", LIMITS, {0: False, 1: False})
    with pytest.raises(InputError, match="frame 1 is the reference and rejected by hand"):
        choose_reference(facts, 1, LIMITS, {1: False})
    with pytest.raises(InputError, match="position from 0 to 1; 2 came"):
        choose_reference(facts, 2, LIMITS, {})
    with pytest.raises(InputError, match="'first' came"):
        choose_reference(facts, "first", LIMITS, {})


@pytest.mark.parametrize("value", [-0.1, float("nan")])
def test_limits_are_numbers_of_at_least_0(value):
    with pytest.raises(InputError, match="max_saturated"):
        TriageSettings(max_saturated=value)
