"""Structural similarity: its own truths, its masks and what it refuses (oracles: tests/peers)."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_emrestore.core import InputError
from napari_emrestore.metrics import score, ssim, ssim_map


def noisy(shape, seed=0):
    return np.random.default_rng(seed).normal(0.5, 0.1, shape).astype(np.float32)


@pytest.mark.parametrize("window", ["gaussian", "uniform"])
@pytest.mark.parametrize(
    "image", [noisy((11, 11)), noisy((13, 400)), np.full((20, 12), 7.0), np.zeros((11, 11), np.uint8)]
)
def test_an_image_equals_itself(image, window):
    assert ssim(image, image.copy(), data_range=1.0, window=window) == pytest.approx(1.0, abs=1e-7)


def test_two_constants_differ_by_their_means_only():
    ours = ssim(np.full((30, 40), 0.2), np.full((30, 40), 0.6), data_range=1.0)
    assert ours == pytest.approx((2 * 0.2 * 0.6 + 1e-4) / (0.2**2 + 0.6**2 + 1e-4), abs=1e-9)


@settings(max_examples=25, deadline=None)
@given(st.integers(11, 40), st.integers(11, 300), st.floats(0.5, 50), st.integers(0, 9))
def test_score_is_symmetric_bounded_and_scale_free(rows, columns, scale, seed):
    a, b = noisy((rows, columns), seed), noisy((rows, columns), seed + 1)
    ours = ssim(a, b, data_range=1.0)
    assert -1 <= ours <= 1
    assert ours == pytest.approx(ssim(b, a, data_range=1.0), abs=1e-6)
    assert ours == pytest.approx(ssim(a * scale, b * scale, data_range=scale), abs=1e-6)
    assert ours == pytest.approx(ssim(a.T, b.T, data_range=1.0), abs=1e-6)


def test_threads_do_not_change_the_number():
    a, b = noisy((900, 700), 1), noisy((900, 700), 2)
    assert len({ssim(a, b, data_range=1.0) for _ in range(4)}) == 1


def test_map_leaves_the_rim_open():
    scores = ssim_map(noisy((20, 31), 1), noisy((20, 31), 2), data_range=1.0)
    assert scores.shape == (20, 31)
    assert scores.dtype == np.float32
    assert np.isfinite(scores).sum() == 10 * 21


def test_mask_of_everything_is_no_mask():
    a, b = noisy((300, 280), 1), noisy((300, 280), 2)
    whole = np.ones(a.shape, bool)
    assert ssim(a, b, data_range=1.0, mask=whole) == pytest.approx(ssim(a, b, data_range=1.0), abs=1e-7)


def test_masked_pixels_have_no_influence():
    a, b = noisy((60, 70), 1), noisy((60, 70), 2)
    mask = np.ones(a.shape, bool)
    mask[20:30, 10:50] = False
    expected = ssim(a, b, data_range=1.0, mask=mask)
    for fill in (np.nan, np.inf, -1e30):
        spoilt = np.where(mask, a, np.float32(fill))
        assert ssim(spoilt, b, data_range=1.0, mask=mask) == expected


@pytest.mark.parametrize(
    ("image", "truth", "extra", "words"),
    [
        (noisy((20, 20)), noisy((20, 21)), {}, "the truth is \\(20, 21\\)"),
        (noisy((10, 30)), noisy((10, 30)), {}, "11 x 11"),
        (noisy((2, 20, 20)), noisy((2, 20, 20)), {}, "one by one"),
        (noisy((0, 20)), noisy((0, 20)), {}, "at least one pixel"),
        (noisy((20, 20)) * 1j, noisy((20, 20)), {}, "complex"),
        (noisy((20, 20)), noisy((20, 20)), {"data_range": 0}, "above 0; data_range is 0"),
        (noisy((20, 20)), noisy((20, 20)), {"data_range": -1.0}, "is -1.0"),
        (noisy((20, 20)), noisy((20, 20)), {"data_range": None}, "is None"),
        (noisy((20, 20)), noisy((20, 20)), {"data_range": np.nan}, "is nan"),
        (noisy((20, 20)), noisy((20, 20)), {"window": "box"}, "'box' came"),
        (noisy((20, 20)), noisy((20, 20)), {"mask": np.zeros((20, 20), bool)}, "False everywhere"),
        (noisy((20, 20)), noisy((20, 20)), {"mask": np.ones((20, 20))}, "float64"),
        (noisy((20, 20)), noisy((20, 20)), {"mask": np.ones((20, 2), bool)}, "\\(20, 2\\)"),
        (noisy((20, 20)), noisy((20, 20)), {"mask": np.eye(20, dtype=bool)}, "no such window"),
    ],
)
def test_it_refuses_with_facts(image, truth, extra, words):
    for call in (ssim, ssim_map, score):
        with pytest.raises(InputError, match=words):
            call(image, truth, **({"data_range": 1.0} | extra))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_it_counts_the_pixels_that_are_not_finite(bad, dtype):
    image, truth = noisy((40, 300)).astype(dtype), noisy((40, 300), 1).astype(dtype)
    image[3, 4] = image[30, 200] = truth[3, 4] = bad
    with pytest.raises(InputError, match="2 of the scored pixels"):
        ssim(image, truth, data_range=1.0)
    mask = np.ones(image.shape, bool)
    mask[3, 4] = False
    with pytest.raises(InputError, match="1 of the scored pixels"):
        ssim(image, truth, data_range=1.0, mask=mask)
    mask[30, 200] = False
    assert np.isfinite(ssim(image, truth, data_range=1.0, mask=mask))
