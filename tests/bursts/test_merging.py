"""Merges equal numpy where nothing is missing, leave out what is, and clip hits but not noise."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_emrestore.bursts import merge, merging
from napari_emrestore.core import Burst, FrameVerdict, InputError, RegisteredBurst, Warp

METHODS = ("mean", "median", "sigma-clip")


def registered(aligned: np.ndarray, valid: np.ndarray | None = None) -> RegisteredBurst:
    count = len(aligned)
    verdicts = tuple(FrameVerdict(i, (0.0, 0.0), 1.0, 1.0, 0.0, charging=False) for i in range(count))
    held = np.ones(aligned.shape, bool) if valid is None else valid
    warps = (Warp.identity(),) * count
    return RegisteredBurst(Burst(aligned), warps, verdicts, 0, aligned.astype(np.float32), held)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shape", [(1, 7, 5), (2, 1, 1), (5, 1, 9), (32, 6, 3)])
def test_a_merge_has_the_shape_of_a_frame_and_is_finite(method, shape):
    frames = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    merged = merge(registered(frames), method)
    assert merged.shape == shape[1:]
    assert merged.dtype == np.float32
    assert np.isfinite(merged).all()
    if shape[0] == 1:
        np.testing.assert_array_equal(merged, frames[0])


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 6), st.integers(1, 9), st.integers(1, 9), st.integers(0, 99), st.integers(1, 40))
def test_masked_merges_equal_numpy_in_strips_of_any_height(count, height, width, seed, strip):
    rng = np.random.default_rng(seed)
    frames = rng.normal(size=(count, height, width)).astype(np.float32)
    valid = rng.random(frames.shape) < 0.7
    hidden = np.ma.masked_array(frames.astype(float), ~valid)
    burst = registered(frames, valid)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(merging, "_STRIP_PIXELS", strip)
        mean, median = merge(burst, "mean"), merge(burst, "median")
    seen = valid.any(axis=0)
    np.testing.assert_allclose(mean[seen], hidden.mean(axis=0)[seen], atol=1e-6)
    np.testing.assert_allclose(median[seen], np.ma.median(hidden, axis=0)[seen], atol=1e-6)
    np.testing.assert_allclose(mean[~seen], frames.mean(axis=0)[~seen], atol=1e-6)


def test_sigma_clipping_removes_hits_and_keeps_the_noise_of_the_rest():
    rng = np.random.default_rng(5)
    frames = rng.poisson(100, (7, 64, 80)).astype(np.float32)
    hits = np.zeros(frames.shape, bool)
    hits.reshape(-1)[rng.choice(frames.size, 200, replace=False)] = True
    struck = np.where(hits, frames + 4000, frames)
    clipped, mean = merge(registered(struck), "sigma-clip"), merge(registered(struck), "mean")
    truth = np.ma.masked_array(frames, hits).mean(axis=0)
    assert np.abs(clipped - truth)[hits.any(axis=0)].max() < 12
    assert np.abs(mean - truth).max() > 400
    # of the pixels no hit has touched, clipping costs almost no precision and adds no bias
    clean = ~hits.any(axis=0)
    assert clipped[clean].std() < 1.05 * mean[clean].std()
    assert clipped[clean].mean() == pytest.approx(100, abs=0.5)


def test_sigma_clipping_cannot_judge_two_frames():
    frames = np.stack([np.zeros((4, 4)), np.full((4, 4), 90.0)]).astype(np.float32)
    np.testing.assert_array_equal(merge(registered(frames), "sigma-clip"), np.full((4, 4), 45.0))


def test_a_merge_refuses_what_it_does_not_know():
    burst = registered(np.zeros((2, 3, 3)))
    with pytest.raises(InputError, match="'max' came"):
        merge(burst, "max")
    with pytest.raises(InputError, match="limit above 0"):
        merge(burst, "sigma-clip", clip_sigma=0)
