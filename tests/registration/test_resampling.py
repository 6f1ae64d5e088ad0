"""Resampling copies whole shifts, interpolates between measured pixels only, and agrees with its fallback."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_emrestore.core import InputError, Warp
from napari_emrestore.registration import resample
from napari_emrestore.registration.resampling import resample_in_numpy

from .scenes import Scene, frame, warp_about_centre


@settings(max_examples=60, deadline=None)
@given(
    st.tuples(st.integers(1, 23), st.integers(1, 19)),
    st.tuples(st.integers(-25, 25), st.integers(-25, 25)),
    st.integers(0, 99),
)
def test_whole_shifts_are_exact_copies(shape, shift, seed):
    image = np.random.default_rng(seed).normal(size=shape).astype(np.float32) * 1e4
    resampled, valid = resample(image, Warp.from_shift(shift))
    y, x = np.mgrid[: shape[0], : shape[1]]
    inside = (y + shift[0] >= 0) & (y + shift[0] < shape[0]) & (x + shift[1] >= 0) & (x + shift[1] < shape[1])
    np.testing.assert_array_equal(valid, inside)
    np.testing.assert_array_equal(resampled[valid], image[(y + shift[0])[inside], (x + shift[1])[inside]])
    assert not resampled[~valid].any()


def test_a_shift_survives_the_inverse_of_its_inverse():
    image = np.random.default_rng(0).normal(size=(31, 29)).astype(np.float32)
    warp = warp_about_centre((31, 29), shift=(3, -4), degrees=7)
    there_and_back = warp.inverse().after(warp).after(Warp.from_shift((2, 1)))
    resampled, valid = resample(image, there_and_back)
    np.testing.assert_array_equal(resampled[:29, :28], image[2:, 1:])
    assert valid.sum() == 29 * 28


@settings(max_examples=40, deadline=None)
@given(
    st.floats(-8, 8),
    st.floats(-8, 8),
    st.floats(-40, 40),
    st.floats(-0.3, 0.3),
    st.floats(-2e-3, 2e-3),
    st.integers(0, 9),
)
def test_numba_and_numpy_agree(dy, dx, degrees, stretch, tilt, seed):
    image = np.random.default_rng(seed).normal(size=(37, 43)).astype(np.float32)
    image[5, 7] = np.nan
    warp = warp_about_centre((37, 43), (dy, dx), degrees, stretch, tilt, "homography")
    resampled, valid = resample(image, warp, shape=(40, 35))
    expected, held = np.zeros((40, 35), np.float32), np.zeros((40, 35), bool)
    resample_in_numpy(image, warp.matrix, expected, held)
    # a pixel that is read from a whole pixel needs fewer neighbours; there the last digit of either decides
    differs = valid != held
    assert not (differs & ~_near_whole_pixels(warp, valid.shape)).any()
    both = valid & held
    np.testing.assert_allclose(resampled[both], expected[both], atol=2e-5)


def _near_whole_pixels(warp, shape):
    """Return which pixels are read from within 0.001 px of a row or column of pixel centres."""
    places = np.stack([*np.indices(shape).reshape(2, -1), np.ones(shape[0] * shape[1])])
    y, x, scale = warp.matrix @ places
    away = [np.abs(c / scale - np.round(c / scale)) for c in (y, x)]
    return (np.minimum(*away) < 1e-3).reshape(shape)


def test_a_smooth_scene_is_where_the_warp_says():
    shape = (90, 110)
    scene = Scene(4, shortest_px=12)
    warp = warp_about_centre(shape, shift=(2.3, -1.7), degrees=3, stretch=0.02)
    resampled, valid = resample(frame(scene, shape, warp), warp)
    error = (resampled - frame(scene, shape))[valid]
    assert valid.mean() > 0.8
    assert np.sqrt(np.mean(error**2)) < 0.01


def test_nothing_is_interpolated_across_the_border_or_a_hole():
    image = np.ones((20, 20), np.float32)
    image[10, 10] = np.nan
    _, valid = resample(image, Warp.from_shift((0.5, 0.25)))
    expected = np.zeros((20, 20), bool)
    expected[1:18, 1:18] = True  # two pixels on either side of each value
    expected[8:12, 8:12] = False
    np.testing.assert_array_equal(valid, expected)


def test_polynomials_of_degree_two_are_reproduced():
    y, x = np.mgrid[:25, :30].astype(float)
    image = 3 + 0.5 * y - 0.2 * x + 0.01 * y * x + 0.02 * y**2 - 0.03 * x**2
    resampled, valid = resample(image, Warp.from_shift((0.3, -0.6)))
    y, x = y + 0.3, x - 0.6
    expected = 3 + 0.5 * y - 0.2 * x + 0.01 * y * x + 0.02 * y**2 - 0.03 * x**2
    np.testing.assert_allclose(resampled[valid], expected[valid], rtol=1e-5)


@pytest.mark.parametrize("dtype", [np.uint8, ">u2", np.int32, np.float16, np.float64, bool])
def test_every_pixel_type_becomes_float32(dtype):
    image = np.arange(63).reshape(7, 9).astype(dtype)
    resampled, valid = resample(image[:, ::-1], Warp.identity())
    assert resampled.dtype == np.float32
    assert valid.all()
    np.testing.assert_array_equal(resampled, image[:, ::-1])


def test_a_point_behind_the_projection_is_not_valid():
    matrix = np.eye(3)
    matrix[2, 0] = -0.1
    _, valid = resample(np.ones((40, 40)), Warp(matrix, "homography"))
    assert not valid[11:].any()
    assert valid[:3].any()


@pytest.mark.parametrize(
    ("image", "shape"),
    [(np.zeros((2, 3, 4)), None), (np.zeros((3, 3), complex), None), (np.zeros((3, 3)), (0, 4))],
)
def test_what_does_not_fit_is_said(image, shape):
    with pytest.raises(InputError):
        resample(image, Warp.identity(), shape=shape)
