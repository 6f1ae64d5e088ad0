"""Dead rims, grid bars and holes are left out; pictures without them stay whole."""

import numpy as np
import pytest

from napari_emrestore.core import InputError
from napari_emrestore.registration import find_mask
from napari_emrestore.registration.masks import halve_mask, wear

from .scenes import Scene, counted, frame

SHAPE = (150, 190)


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    return counted(frame(Scene(1), SHAPE), 20, np.random.default_rng(0))


def test_a_picture_is_whole(picture):
    assert find_mask(picture).all()
    assert find_mask(picture.astype(np.float64) / 7).all()


@pytest.mark.parametrize("electrons", [1, 3])
def test_a_dark_noisy_picture_is_whole(electrons):
    image = counted(frame(Scene(2), SHAPE), electrons, np.random.default_rng(0))
    assert find_mask(image).all()


@pytest.mark.parametrize("rim", [(9, 0, 0, 0), (0, 7, 12, 0), (5, 6, 7, 8)])
def test_a_dead_rim_is_found_to_the_pixel(picture, rim):
    top, bottom, left, right = rim
    image = picture.copy()
    expected = np.zeros(SHAPE, bool)
    expected[top : SHAPE[0] - bottom, left : SHAPE[1] - right] = True
    image[~expected] = 500
    np.testing.assert_array_equal(find_mask(image), expected)


def test_a_grid_bar_is_found(picture):
    image = picture.copy()
    image[:, 70:105] = counted(np.full((150, 35), -3.9), 20, np.random.default_rng(1))
    mask = find_mask(image)
    assert not mask[:, 70:105].any()
    assert mask[:, :60].all()
    assert mask[:, 115:].all()


def test_a_dark_object_inside_the_picture_is_no_bar(picture):
    image = picture.copy()
    image[50:90, 60:110] = 600
    assert find_mask(image).all()


def test_holes_are_left_out(picture):
    image = picture.astype(np.float32)
    image[20:24, 30:33] = np.nan
    image[100, 100] = np.inf
    mask = find_mask(image)
    assert (~mask).sum() == 13
    assert not mask[100, 100]


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (7, 1), (5, 5), (40, 33)])
def test_constant_and_tiny_images_are_whole(shape):
    assert find_mask(np.full(shape, 3.0)).all()
    assert find_mask(np.full(shape, 3, np.uint8)).shape == shape


def test_an_image_of_nan_shows_nothing():
    assert not find_mask(np.full((30, 30), np.nan)).any()


@pytest.mark.parametrize("image", [np.zeros((3, 4, 5)), np.zeros((4, 4), complex)])
def test_what_does_not_fit_is_said(image):
    with pytest.raises(InputError):
        find_mask(image)


def test_masks_shrink_with_the_pyramid():
    mask = np.ones((21, 30), bool)
    mask[10, 11] = False
    half = halve_mask(mask)
    assert half.shape == (10, 15)
    assert (~half).sum() == 4  # the hole and its reach of one pixel touch 2 x 2 halved pixels
    assert (~wear(mask, 2)).sum() == 25
