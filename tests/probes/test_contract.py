"""Every probe with every kind of restoration: constant, perfect, small, broken; told of progress, stopped."""

import numpy as np
import pytest

from napari_emrestore.core import Cancelled, InputError
from napari_emrestore.metrics import NoiseModel
from napari_emrestore.probes import ARTEFACTS, Degradation, draw_probe, list_probes, run_probe

QUIET = Degradation(2, 0.0, NoiseModel(0.0, 0.0, 0.0), (100.0, 300.0))


def probe_with(name, restorer, size_px=64, **settings):
    return run_probe(name, restorer, rng=np.random.default_rng(0), size_px=size_px, **settings)


@pytest.fixture
def mean(restorer_of):
    return restorer_of("mean", lambda frames: frames.mean(0))


@pytest.mark.parametrize("name", list_probes())
def test_a_perfect_restoration_passes_everything(name, mean):
    report = probe_with(name, mean, degradation=QUIET)
    assert [score.artefact for score in report.scores if not score.passed] == []
    np.testing.assert_allclose(report.difference, 0, atol=1e-3)
    np.testing.assert_allclose(report.pattern, 100 + 200 * draw_probe(name, 64).pattern, atol=1e-3)


@pytest.mark.parametrize("name", list_probes())
@pytest.mark.parametrize("size_px", [32, 33, 64])
@pytest.mark.parametrize("value", [0.0, 0.5])
def test_a_constant_restoration_is_judged_with_finite_numbers(name, size_px, value, restorer_of):
    constant = restorer_of("constant", lambda frames: np.full(frames.shape[1:], value))
    report = probe_with(name, constant, size_px)
    for score in report.scores:
        assert np.isfinite(score.value)
        assert score.where.shape == (size_px, size_px)
        assert np.isfinite(score.where).all()
    lost = [score for score in report.scores if score.artefact.startswith("contrast")]
    assert not any(score.passed for score in lost)


@pytest.mark.parametrize("name", list_probes())
def test_pixels_that_are_no_numbers_fail_and_are_counted(name, restorer_of):
    def broken(frames):
        image = frames.mean(0)
        image[3:5, 7] = np.nan
        return image

    report = probe_with(name, restorer_of("broken", broken))
    (score,) = report.scores
    assert not score.passed
    assert not report.passed
    assert score.value == 2
    assert score.where.sum() == 2


@pytest.mark.parametrize("name", list_probes())
def test_progress_is_told_and_a_stop_obeyed(name, mean, recorder):
    watch = recorder()
    probe_with(name, mean, monitor=watch)
    assert watch.steps[0][0] == 0
    assert watch.steps[-1][0] == watch.steps[-1][1]
    with pytest.raises(Cancelled):
        probe_with(name, mean, monitor=recorder(stop_at=0))


@pytest.mark.parametrize("name", list_probes())
def test_only_what_has_a_meaning_is_scored(name, mean):
    report = probe_with(name, mean, 128)
    assert {score.artefact for score in report.scores} <= set(report.probe.judged)
    assert [score.artefact for score in report.scores] == [a for a in ARTEFACTS if a in report.probe.judged]
    still = probe_with(name, mean, 128, degradation=Degradation(2, 0.0))
    assert "left-over-motion" not in {score.artefact for score in still.scores}


def test_a_restorer_of_single_frames_gets_one_and_the_report_says_so(restorer_of):
    single = restorer_of("single", lambda frames: frames[0], frames=(1, 1))
    report = probe_with("blank", single)
    assert report.degraded.shape == (1, 64, 64)
    assert report.degradation.frames == 1
    assert any("5 were asked for" in note for note in report.provenance.notes)


def test_a_restorer_that_needs_more_frames_says_so(restorer_of):
    with pytest.raises(InputError, match="at least 7 frames"):
        probe_with("blank", restorer_of("many", lambda frames: frames.mean(0), frames=(7, 9)))


def test_the_same_generator_gives_the_same_report(mean):
    first, second = (probe_with("spots", mean) for _ in range(2))
    np.testing.assert_array_equal(first.degraded, second.degraded)
    assert [score.value for score in first.scores] == [score.value for score in second.scores]


def test_the_provenance_says_what_was_done(mean):
    settings = probe_with("lines", mean).provenance.settings
    assert settings["probe"] == "lines"
    assert settings["degradation"]["motion_px"] == 11.0
    assert probe_with("lines", mean).provenance.to_json()
