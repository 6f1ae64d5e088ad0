"""A fixed segmentation and its error: known regions, known mistakes, the peer's figure."""

import numpy as np
import pytest
from scipy import ndimage
from skimage.metrics import adapted_rand_error

from napari_emrestore.core import InputError
from napari_emrestore.metrics import adapted_rand, segment_membranes


@pytest.fixture(scope="module")
def cells():
    """A 4 x 3 honeycomb of bright cells between dark membranes 5 px wide, and its true labels."""
    y, x = np.mgrid[:160, :120]
    walls = (y % 40 < 5) | (x % 40 < 5)
    truth = ndimage.label(~walls)[0]
    return ndimage.gaussian_filter(np.where(walls, 0.2, 0.8), 1.0), truth


def test_clean_cells_are_found(cells):
    image, truth = cells
    result = adapted_rand(segment_membranes(image), truth)
    assert result.error < 0.02
    assert len(np.unique(segment_membranes(image)[truth > 0])) == 12


def test_noise_makes_it_worse_and_smoothing_better(cells):
    image, truth = cells
    noisy = image + np.random.default_rng(0).normal(0, 1.0, image.shape)
    errors = [
        adapted_rand(segment_membranes(seen, width_px=2), truth).error
        for seen in (image, ndimage.gaussian_filter(noisy, 2), noisy)
    ]
    assert errors == sorted(errors)
    assert errors[2] > errors[0] + 0.1


def test_units_do_not_matter(cells):
    image, _ = cells
    assert adapted_rand(segment_membranes(image), segment_membranes(300 + 1000 * image)).error < 1e-3


def test_merging_costs_precision_and_splitting_recall(cells):
    _, truth = cells
    merged = adapted_rand(np.minimum(truth, 1), truth)
    assert merged.recall == 1
    assert merged.precision < 0.2
    split = adapted_rand(truth * 2 + (np.arange(160)[:, None] % 2), truth)
    assert split.precision > 0.99
    assert split.recall < 0.6
    assert adapted_rand(truth, truth).error == 0


def test_the_figure_is_the_peers(cells):
    _, truth = cells
    labels = np.random.default_rng(1).integers(1, 9, truth.shape)
    expected = adapted_rand_error(truth, labels, ignore_labels=(0,))
    result = adapted_rand(labels, truth)
    assert (result.error, result.recall, result.precision) == pytest.approx(expected)


def test_pixels_of_no_region_are_split_and_join_nothing():
    truth = np.repeat([[1, 2]], 4, axis=0).repeat(3, axis=1)  # two regions of 4 x 3
    left_out = truth.copy()
    left_out[:, 2:4] = 0
    found = adapted_rand(left_out, truth)
    assert found.precision == 1
    # of each region's 12 pixels, 8 are together: pairs of different pixels
    assert found.recall == pytest.approx(8 * 7 / (12 * 11))


def test_what_cannot_be_compared_is_refused(cells):
    image, truth = cells
    with pytest.raises(InputError, match="shape"):
        adapted_rand(truth[1:], truth)
    with pytest.raises(InputError, match="0 foreground"):
        adapted_rand(truth, np.zeros_like(truth))
    with pytest.raises(InputError, match="positive"):
        segment_membranes(image, width_px=0)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (33, 7)])
def test_tiny_and_constant_images_are_one_region(shape):
    assert set(np.unique(segment_membranes(np.full(shape, 5.0)))) == {1}
