"""Masks keep sample and drop bars as scikit-image's morphology does; tiles and crops never touch a bar."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_emrestore.bursts import TrainingPair, crop_positions
from napari_emrestore.bursts.sample_masks import eroded, regular_tiles, sample_mask
from napari_emrestore.core import InputError, Warp


def test_pinholes_are_filled_and_islands_dropped():
    image = np.zeros((90, 110), np.float32)
    image[5:85, 5:60] = 0.4  # sample
    image[20:28, 20:27] = 0  # pinhole of 56 px
    image[40:50, 20:30] = 0  # a hole of 100 px is a hole
    image[10:30, 80:100] = 0.9  # island of 400 px
    expected = np.zeros(image.shape, bool)
    expected[5:85, 5:60] = True
    expected[40:50, 20:30] = False
    np.testing.assert_array_equal(sample_mask(image), expected)


@pytest.mark.parametrize("value", [0.0, 1.0])
@pytest.mark.parametrize("shape", [(1, 1), (3, 50), (40, 31)])
def test_blank_images_are_all_bar_or_too_small_or_all_sample(value, shape):
    mask = sample_mask(np.full(shape, value, np.float32))
    assert mask.shape == shape
    assert mask.all() == (value > 0 and shape == (40, 31))
    assert mask.any() == mask.all()


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 99), st.integers(1, 6))
def test_erosion_is_by_a_disc_inside_the_image(seed, radius):
    from scipy.ndimage import binary_erosion
    from skimage.morphology import disk

    mask = np.random.default_rng(seed).random((23, 31)) < 0.98
    expected = binary_erosion(mask, disk(radius), border_value=1)
    np.testing.assert_array_equal(eroded(mask, radius), expected)


def pair(mask: np.ndarray, tile_px: int, erosion_px: float) -> TrainingPair:
    image = mask.astype(np.float32)
    tiles = regular_tiles(mask, tile_px)
    return TrainingPair(
        image[None], image, mask, eroded(mask, erosion_px), tiles, tile_px, (Warp.identity(),), (0, 0), 0.0
    )


@settings(max_examples=25, deadline=None)
@given(st.integers(20, 60), st.integers(20, 60), st.integers(1, 15), st.integers(0, 59), st.integers(0, 9))
def test_tiles_and_crops_touch_no_bar(height, width, tile, bar, seed):
    mask = np.ones((height, width), bool)
    mask[:, bar : bar + 3] = False
    found = pair(mask, tile, tile / np.sqrt(2))
    for y, x in found.tiles:
        assert y % tile == x % tile == 0
        assert mask[y : y + tile, x : x + tile].all()
    touched = {(y, x) for y in range(0, height, tile) for x in range(0, width, tile)} - set(found.tiles)
    for y, x in touched:
        piece = mask[y : y + tile, x : x + tile]
        assert piece.shape != (tile, tile) or not piece.all()
    middle = found.centres[
        tile // 2 : height - tile + tile // 2 + 1, tile // 2 : width - tile + tile // 2 + 1
    ]
    crops = crop_positions(found, 20, np.random.default_rng(seed)) if middle.any() else ()
    assert len(crops) == 20 * middle.any()
    for y, x in crops:
        assert mask[y : y + tile, x : x + tile].shape == (tile, tile)
        assert mask[y : y + tile, x : x + tile].all()


def test_crops_reach_every_place_and_follow_the_generator():
    found = pair(np.ones((6, 5), bool), 4, 3.0)
    crops = crop_positions(found, 400, np.random.default_rng(1))
    assert set(crops) == {(y, x) for y in range(3) for x in range(2)}
    assert crops == crop_positions(found, 400, np.random.default_rng(1))


def test_no_place_for_a_crop_is_said():
    with pytest.raises(InputError, match="area of 6 by 5 px"):
        crop_positions(pair(np.ones((6, 5), bool), 7, 5.0), 1, np.random.default_rng(1))
