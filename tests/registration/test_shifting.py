"""A shift is resampled as any warp is, only faster."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_emrestore.core import Warp
from napari_emrestore.registration import resample
from napari_emrestore.registration.resampling import resample_in_numpy
from napari_emrestore.registration.shifting import is_shift, resample_shifted

# not within rounding of 1e-6 px, from where on a shift is no longer a whole one
shifts = st.one_of(
    st.floats(-60, 60).map(lambda d: round(d, 3)), st.integers(-60, 60).map(float), st.floats(-5e-7, 5e-7)
)


def by_any_warp(image, warp, shape):
    out, valid = np.zeros(shape, np.float32), np.zeros(shape, bool)
    resample_in_numpy(image, warp.matrix, out, valid)
    return out, valid


@given(shifts, shifts, st.integers(1, 40), st.integers(1, 40), st.integers(1, 45), st.booleans())
@settings(max_examples=150, deadline=None)
def test_it_agrees_with_the_general_way(dy, dx, height, width, out_width, hurt):
    image = np.random.default_rng(0).normal(100, 20, (height, width)).astype(np.float32)
    if hurt:
        image[height // 2, width // 3] = np.nan
    warp, shape = Warp.from_shift((dy, dx)), (height + 3, out_width)
    expected, known = by_any_warp(image, warp, shape)
    out, valid = np.zeros(shape, np.float32), np.zeros(shape, bool)
    resample_shifted(image, (dy, dx), out, valid)
    np.testing.assert_array_equal(valid, known)
    np.testing.assert_allclose(out, expected, rtol=2e-5, atol=2e-4)


def test_a_tall_image_is_done_in_bands_without_a_seam():
    image = np.random.default_rng(1).normal(size=(203, 30)).astype(np.float32)
    warp = Warp.from_shift((3.3, -2.6))
    np.testing.assert_allclose(resample(image, warp)[0], by_any_warp(image, warp, image.shape)[0], atol=1e-5)


def test_whole_shifts_are_copies():
    image = np.random.default_rng(2).integers(0, 65535, (31, 46), np.uint16)
    moved, valid = resample(image, Warp.from_shift((2, -3)))
    np.testing.assert_array_equal(moved[:29, 3:], image[2:, :43])
    assert valid.sum() == 29 * 43


@pytest.mark.parametrize(
    ("matrix", "expected"),
    [
        (np.eye(3), True),
        ([[1, 0, 2.5], [0, 1, -9], [0, 0, 1]], True),
        ([[1, 1e-9, 0], [0, 1, 0], [0, 0, 1]], False),
        ([[1, 0, 0], [0, 1, 0], [1e-9, 0, 1]], False),
    ],
)
def test_only_shifts_are_shifts(matrix, expected):
    assert is_shift(Warp(np.array(matrix))) is expected
