"""Known lengths: read right off the scenes themselves, and scattered by noise that smoothing takes away."""

import numpy as np
import pytest

from napari_emrestore.core import InputError
from napari_emrestore.pipeline.evaluation import physical
from napari_emrestore.pipeline.evaluation.methods import UNRESTORED, Method, baselines


@pytest.mark.parametrize("quantity", physical._QUANTITIES)
def test_scenes_hold_the_lengths_they_claim(quantity):
    draw, read, true = physical._QUANTITIES[quantity]
    assert read(draw()) == pytest.approx(true, rel=0.06)


def test_each_quantity_of_each_method_is_measured_on_noise_of_its_own():
    rows = physical.check_lengths(baselines(1), seed=0)
    assert [row.quantity for row in rows] == list(physical._QUANTITIES)
    assert all(row.method == UNRESTORED and row.instances == 6 for row in rows)
    assert all(row.sd_px > 0 for row in rows)
    assert rows == physical.check_lengths(baselines(1), seed=0)
    assert rows != physical.check_lengths(baselines(1), seed=1)


def test_what_cannot_be_read_is_counted_not_guessed(monkeypatch):
    def nothing(image):
        raise InputError("A particle is needed")

    monkeypatch.setattr(physical, "_QUANTITIES", {"x": (physical._one_ball, nothing, 1.0)})
    (row,) = physical.check_lengths([Method(UNRESTORED)], seed=0)
    assert row.unreadable == 6
    assert np.isnan(row.mean_px)
