"""What is known of an input before a run, and which model it is for."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from napari_emrestore.core import Acquisition, ModelCard, TrainedRange
from napari_emrestore.io import FrameStack
from napari_emrestore.pipeline.guard import WITHOUT_TRAINING, InputFacts, advise, measure_input
from napari_emrestore.restoration import list_classical


def _card(name, frames, dose, size=None, *, weights=True, tmp_path):
    return ModelCard(
        name,
        "1",
        name,
        "A net.",
        "denoise",
        "tiny",
        weights=tmp_path if weights else None,
        trained=TrainedRange(frames, dose, size),
    )


def _frames(dose, gain=1.0, count=2, shape=(161, 178)):
    rng = np.random.default_rng(2)
    scene = gaussian_filter(rng.normal(size=shape), 4)
    mean = dose * (1 + 0.5 * scene / np.abs(scene).max())
    return (gain * rng.poisson(mean, (count, *shape))).astype(np.float32)


@pytest.mark.parametrize("gain", [1.0, 7.0])
@pytest.mark.parametrize("count", [1, 3])
def test_the_dose_shows_in_how_noise_rises_with_the_signal(gain, count):
    facts = measure_input(FrameStack.from_array(_frames(60.0, gain, count)))
    assert facts.dose_from == "noise"
    assert facts.dose_e == pytest.approx(60, rel=0.4)
    assert "estimated from the noise" in facts.text


def test_a_stated_dose_is_believed():
    facts = measure_input(
        FrameStack.from_array(_frames(60.0), Acquisition(dose_e=12.0, pixel_size_nm=(1, 1)))
    )
    assert (facts.dose_e, facts.dose_from, facts.pixel_size_nm) == (12.0, "stated", (1, 1))
    assert facts.text == "12 electrons per pixel and frame"


@pytest.mark.parametrize(
    "frames",
    [np.full((2, 20, 21), 5.0), np.ones((1, 1, 1)), np.full((2, 9, 9), np.nan)],
    ids=["constant", "one pixel", "not a number"],
)
def test_what_cannot_be_told_is_unknown(frames):
    facts = measure_input(FrameStack.from_array(frames))
    assert facts.dose_e is None
    assert facts.text == "dose unknown"
    assert facts.notes


def test_a_model_out_of_range_is_named_with_a_better_one(tmp_path):
    dim = _card("dim", (1, 1), (1.0, 20.0), tmp_path=tmp_path)
    bright = _card("bright", (1, 1), (50.0, 900.0), tmp_path=tmp_path)
    burst = _card("burst", (1, 8), (20.0, 900.0), tmp_path=tmp_path)
    bare = _card("bare", (1, 8), (20.0, 900.0), weights=False, tmp_path=tmp_path)
    cards = [dim, bright, bare, burst]
    facts = InputFacts(100.0, "stated", None)
    told = advise(dim, facts, 1, cards)
    assert "100 electrons per pixel" in told.warnings[0]
    assert told.better == "bright"
    assert advise(dim, facts, 5, cards).better == "burst"
    assert advise(burst, facts, 5, cards).warnings == ()
    assert advise(burst, facts, 9, cards).better == "bright"
    assert "9 frames" in advise(burst, facts, 9, cards).warnings[0]


def test_the_mean_of_a_burst_holds_the_dose_of_all_its_frames(tmp_path):
    dim = _card("dim", (1, 1), (1.0, 20.0), tmp_path=tmp_path)
    facts = InputFacts(10.0, "stated", None)
    assert advise(dim, facts, 1, [dim]).warnings == ()
    told = advise(dim, facts, 4, [dim])
    assert "40 electrons" in told.warnings[0]
    assert told.better == WITHOUT_TRAINING
    assert WITHOUT_TRAINING in list_classical()


def test_an_estimate_warns_only_where_it_is_far_off(tmp_path):
    card = _card("model", (1, 1), (50.0, 100.0), (1.0, 2.0), tmp_path=tmp_path)
    for dose, warned in ((20.0, False), (250.0, False), (12.0, True), (320.0, True)):
        assert bool(advise(card, InputFacts(dose, "noise", None), 1, [card]).warnings) is warned
    assert advise(card, InputFacts(None, "unknown", None), 1, [card]).warnings == ()
    assert "nm per pixel" in advise(card, InputFacts(None, "unknown", (5.0, 5.0)), 1, [card]).warnings[0]


def test_a_classical_method_knows_every_range():
    facts = InputFacts(1e-3, "stated", (1e6, 1e6), ("the first frame is constant (0)",))
    assert advise(None, facts, 32, []).warnings == facts.notes
