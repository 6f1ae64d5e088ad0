"""The matched twin forgives scale and offset, and nothing else."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_emrestore.core import InputError
from napari_emrestore.metrics import match_intensity, mse, ssim

TRUTH = np.random.default_rng(0).random((23, 31))


@settings(max_examples=25, deadline=None)
@given(st.floats(0.01, 100), st.floats(-1000, 1000))
def test_scale_and_offset_are_undone(scale, offset):
    np.testing.assert_allclose(match_intensity(scale * TRUTH + offset, TRUTH), TRUTH, atol=1e-6)
    assert match_intensity(TRUTH * scale, TRUTH).dtype == np.float32


def test_no_other_line_comes_closer():
    image = TRUTH + np.random.default_rng(1).normal(0, 0.3, TRUTH.shape)
    best = mse(match_intensity(image, TRUTH), TRUTH)
    slope, offset = np.polyfit(image.ravel(), TRUTH.ravel(), 1)
    assert best == pytest.approx(mse(slope * image + offset, TRUTH), rel=1e-6)
    assert best < mse(image, TRUTH)


def test_a_constant_image_becomes_the_mean():
    np.testing.assert_allclose(match_intensity(np.full_like(TRUTH, 9), TRUTH), TRUTH.mean(), rtol=1e-6)


def test_only_the_mask_takes_part_in_the_fit():
    mask = np.zeros(TRUTH.shape, bool)
    mask[:12] = True
    image = np.where(mask, 3 * TRUTH + 1, -50)
    np.testing.assert_allclose(match_intensity(image, TRUTH, mask=mask)[mask], TRUTH[mask], atol=1e-6)


def test_the_twin_of_ssim_does_not_see_contrast():
    assert ssim(match_intensity(4 * TRUTH, TRUTH), TRUTH, data_range=1.0) == pytest.approx(1, abs=1e-6)


def test_it_refuses_nan():
    with pytest.raises(InputError, match="1 of the scored pixels"):
        match_intensity(np.where(np.eye(1) > 0, np.nan, 0.0), np.zeros((1, 1)))
