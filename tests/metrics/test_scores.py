"""The bundle of scores agrees with its parts, and a change is no score."""

import inspect

import numpy as np
import pytest

from napari_emrestore import metrics
from napari_emrestore.core import InputError

RNG = np.random.default_rng(0)
TRUTH = RNG.random((40, 33))
IMAGE = TRUTH + RNG.normal(0, 0.1, TRUTH.shape)


@pytest.mark.parametrize("masked", [False, True])
def test_scores_are_the_single_numbers(masked):
    mask = np.add.outer(np.arange(40), np.arange(33)) < 60 if masked else None
    scores = metrics.score(IMAGE, TRUTH, data_range=1.0, mask=mask)
    assert scores.ssim == metrics.ssim(IMAGE, TRUTH, data_range=1.0, mask=mask)
    assert scores.psnr_db == metrics.psnr(IMAGE, TRUTH, data_range=1.0, mask=mask)
    assert scores.mse == metrics.mse(IMAGE, TRUTH, mask=mask)
    assert scores.mae == metrics.mae(IMAGE, TRUTH, mask=mask)


@pytest.mark.parametrize("name", ["ssim", "ssim_map", "psnr", "mse", "mae", "score", "match_intensity"])
def test_what_needs_a_truth_takes_it_by_name_without_default(name):
    truth = inspect.signature(getattr(metrics, name)).parameters["truth"]
    assert truth.default is inspect.Parameter.empty


def test_change_of_a_known_edit():
    change = metrics.change_versus_input(TRUTH + 0.25, TRUTH)
    assert (change.mean, change.rms, change.largest) == pytest.approx((0.25, 0.25, 0.25))
    assert change.correlation == pytest.approx(1)
    assert not {"psnr", "ssim", "mse", "mae", "psnr_db"} & set(type(change).__slots__)


def test_change_of_nothing_and_of_a_constant():
    assert metrics.change_versus_input(IMAGE, IMAGE).rms == 0
    assert np.isnan(metrics.change_versus_input(np.ones((1, 1)), np.zeros((1, 1))).correlation)


def test_change_keeps_to_its_mask():
    mask = np.zeros(TRUTH.shape, bool)
    mask[5:9, 5:20] = True
    spoilt = np.where(mask, TRUTH + 1, np.nan)
    assert metrics.change_versus_input(spoilt, TRUTH, mask=mask).mean == pytest.approx(1)
    with pytest.raises(InputError, match="pixels"):
        metrics.change_versus_input(spoilt, TRUTH)
