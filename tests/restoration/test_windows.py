"""Windows in model range: mirrored at the end, filled where nothing was measured."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_emrestore.core import Acquisition, IntensityMap
from napari_emrestore.restoration.filling import fill_gaps
from napari_emrestore.restoration.inputs import Inputs
from napari_emrestore.restoration.plan import Rect
from napari_emrestore.restoration.windows import WindowReader, mirrored, surely_finite

UNIT = IntensityMap(0, 1)


@given(st.integers(1, 20), st.integers(0, 50))
def test_mirroring_is_numpys(length, beyond):
    expected = np.pad(np.arange(length), (0, beyond), mode="reflect")
    np.testing.assert_array_equal(mirrored(0, length + beyond, length), expected)


@pytest.mark.parametrize("part", [Rect(0, 8, 0, 12), Rect(4, 8, 8, 12), Rect(0, 4, 0, 4), Rect(4, 8, 0, 4)])
def test_a_window_is_the_image_extended_by_mirroring(rng, part):
    image = rng.random((2, 5, 9)).astype(np.float32)
    extended = np.pad(image, ((0, 0), (0, 3), (0, 3)), mode="reflect")
    frames, gaps = WindowReader(Inputs(image, 1, 2, Acquisition()), UNIT).read(0, part)
    np.testing.assert_array_equal(frames, extended[(slice(None), *part.slices)])
    assert gaps is None


def test_intensities_arrive_in_model_range(rng):
    image = rng.integers(0, 60000, (8, 8)).astype(np.uint16)
    mapping = IntensityMap(300.0, 700.0)
    frames, _ = WindowReader(Inputs(image, 1, 1, Acquisition()), mapping).read(0, Rect(0, 8, 0, 8))
    np.testing.assert_array_equal(frames[0], mapping.to_model(image))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_one_bad_pixel_is_noticed_and_filled_by_its_neighbours(bad):
    image = np.add.outer(np.arange(9.0), np.arange(9.0))
    image[4, 4] = bad
    frames, gaps = WindowReader(Inputs(image, 1, 1, Acquisition()), UNIT).read(0, Rect(0, 9, 0, 9))
    assert frames[0, 4, 4] == pytest.approx(8.0)
    assert np.argwhere(gaps).tolist() == [[4, 4]]


def test_a_pixel_seen_in_one_frame_is_no_gap():
    frames = np.array([[[np.nan, 2.0]], [[3.0, 4.0]], [[np.nan, 6.0]]], np.float32)
    gaps = fill_gaps(frames)
    np.testing.assert_array_equal(frames, [[[3, 2]], [[3, 4]], [[3, 6]]])
    assert not gaps.any()


def test_far_from_any_measurement_the_middle_of_the_range_stands_in():
    frames = np.full((1, 80, 80), np.nan, np.float32)
    frames[0, 0, 0] = 7.0
    gaps = fill_gaps(frames)
    assert frames[0, 16, 16] == 7.0
    assert frames[0, 17, 17] == 0.5
    assert gaps.sum() == 80 * 80 - 1


def test_the_cheap_question_misses_nothing_that_is_not_finite(rng):
    pixels = rng.random((5, 7)).astype(np.float32)
    assert surely_finite(pixels)
    for bad in (np.nan, np.inf, -np.inf):
        pixels[2, 3] = bad
        assert not surely_finite(pixels)
