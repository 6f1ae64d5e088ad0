"""PSNR, MSE and MAE against truths worked out by hand."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_emrestore.core import InputError
from napari_emrestore.metrics import mae, mse, psnr


def test_a_constant_difference_is_known_exactly():
    truth = np.arange(12.0).reshape(3, 4)
    assert mse(truth - 2, truth) == 4
    assert mae(truth - 2, truth) == 2
    assert psnr(truth - 2, truth, data_range=20) == pytest.approx(20.0)


def test_equal_images_have_infinite_psnr():
    assert psnr(np.ones((1, 1)), np.ones((1, 1)), data_range=1.0) == math.inf


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 30), st.integers(1, 30), st.integers(0, 99))
def test_masked_errors_are_those_of_the_kept_pixels(rows, columns, seed):
    rng = np.random.default_rng(seed)
    image, truth = rng.random((2, rows, columns), dtype=np.float32)
    mask = rng.random((rows, columns)) < 0.6
    mask[0, 0] = True
    difference = image[mask].astype(np.float64) - truth[mask]
    spoilt = np.where(mask, image, np.float32("nan"))
    assert mse(spoilt, truth, mask=mask) == pytest.approx((difference**2).mean(), rel=1e-12)
    assert mae(spoilt, truth, mask=mask) == pytest.approx(np.abs(difference).mean(), rel=1e-12)


def test_unsigned_differences_do_not_wrap():
    assert mae(np.zeros((2, 2), np.uint8), np.full((2, 2), 255, np.uint8)) == 255


def test_a_huge_range_does_not_overflow():
    assert psnr(np.zeros((2, 2)), np.ones((2, 2)), data_range=1e200) == pytest.approx(4000)


@pytest.mark.parametrize("call", [mse, mae])
def test_it_refuses_with_facts(call):
    with pytest.raises(InputError, match="the truth is"):
        call(np.ones((2, 3)), np.ones((3, 2)))
    with pytest.raises(InputError, match="1 of the scored pixels"):
        call(np.array([[np.nan, 1.0]]), np.array([[0.0, 1.0]]))
    with pytest.raises(InputError, match="data_range is 0"):
        psnr(np.ones((2, 2)), np.ones((2, 2)), data_range=0)
