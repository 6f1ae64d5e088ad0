"""Paired differences: known means, intervals that respect source images."""

import numpy as np
import pytest

from napari_emrestore.pipeline.evaluation.statistics import paired_difference


def difference(values, others, sources, seed=0):
    return paired_difference(
        np.asarray(values, float), np.asarray(others, float), sources, np.random.default_rng(seed)
    )


def test_every_source_counts_the_same():
    found = difference([1, 1, 1, 5], [0, 0, 0, 0], ["a", "a", "a", "b"])
    assert found.mean == pytest.approx(3.0)


def test_a_constant_difference_has_no_width():
    found = difference([2, 3, 4], [1, 2, 3], ["a", "b", "c"])
    assert (found.mean, found.low, found.high) == (1.0, 1.0, 1.0)


def test_one_source_has_no_interval():
    assert difference([1, 2], [0, 0], ["a", "a"]).low is None


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(4)
    sources = [f"{k}" for k in range(30)]
    covered = 0
    for seed in range(200):
        found = difference(0.3 + rng.normal(size=30), np.zeros(30), sources, seed)
        covered += found.low <= 0.3 <= found.high
    assert 0.88 <= covered / 200 <= 0.99


def test_crops_of_one_image_do_not_narrow_the_interval():
    rng = np.random.default_rng(1)
    per_image = rng.normal(size=8)
    once = difference(per_image, np.zeros(8), [f"{k}" for k in range(8)])
    often = difference(np.repeat(per_image, 50), np.zeros(400), [f"{k // 50}" for k in range(400)])
    assert often.high - often.low == pytest.approx(once.high - once.low, rel=0.1)
