"""The proof that the probes work: bad networks are caught by the right score, good ones pass."""

import re

import numpy as np
import pytest

from napari_emrestore.probes import run_probe
from napari_emrestore.restoration import load_restorer

SIZE_PX = 192


def scores(probe, restorer):
    report = run_probe(probe, restorer, rng=np.random.default_rng(0), size_px=SIZE_PX)
    return {score.artefact: score for score in report.scores}


@pytest.mark.parametrize("probe", ["spots", "blank"])
def test_a_transposed_convolution_is_caught_by_its_checkerboard(probe, transposed, upsampled):
    bad, good = (scores(probe, restorer)["checkerboard"] for restorer in (transposed, upsampled))
    assert not bad.passed
    assert bad.value > 10
    assert "grid of 2 px" in bad.verdict
    assert good.passed


@pytest.mark.parametrize("probe", ["spots", "blank"])
def test_a_gradient_loss_is_caught_by_its_wobble(probe, gradient_loss, intensity_loss):
    bad, good = (scores(probe, restorer)["wobble"] for restorer in (gradient_loss, intensity_loss))
    assert not bad.passed
    assert bad.value > 1.5
    assert good.passed


def test_a_network_over_fitted_to_a_grid_is_caught_by_the_lines_it_invents(over_fitted):
    lines, grid = (scores(probe, over_fitted)["invented-lines"] for probe in ("lines", "crossed-lines"))
    assert not lines.passed
    assert lines.value > 10
    found = int(re.search(r"(\d+)°", lines.verdict)[1])
    assert found == pytest.approx(95, abs=8), "the direction that the pattern lacks"
    assert grid.passed, "what it was fitted to, it does well"
    strength = lines.where
    assert strength.mean() > 5 * scores("lines", load_restorer("mean"))["invented-lines"].where.mean()


def test_fake_grain_is_caught(restorer_of):
    rng = np.random.default_rng(3)
    grainy = restorer_of("grain", lambda frames: frames.mean(0) + 0.2 * rng.normal(size=frames.shape[1:]))
    grain = scores("spots", grainy)["grain"]
    assert not grain.passed
    assert "more than in the input" in grain.verdict


@pytest.mark.parametrize("model", ["nlmeans-calibrated", "burst-naf"])
def test_good_restorers_pass_where_bad_ones_fail(model):
    restorer = load_restorer(model, device="cpu")
    spots, lines = scores("spots", restorer), scores("lines", restorer)
    assert spots["checkerboard"].passed
    assert spots["wobble"].passed
    assert lines["invented-lines"].passed


def test_the_mean_of_the_frames_is_the_control():
    mean = load_restorer("mean")
    assert scores("spots", mean)["wobble"].value == pytest.approx(1, abs=1e-3)
    assert scores("lines", mean)["invented-lines"].value == pytest.approx(1, abs=1e-3)
    assert not scores("spots", mean)["left-over-motion"].passed
    assert not scores("spots", mean)["contrast-median"].passed
