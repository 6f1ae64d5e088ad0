"""Frames against quality: noise falls with the root of their number; resolution tells when to stop."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from napari_emrestore.bursts import as_aligned
from napari_emrestore.core import Burst, Cancelled, InputError
from napari_emrestore.pipeline.burst_lengths import MeanQuality, enough_frames, mean_quality

SHAPE = (129, 150)


def _burst(count, noise, *, seed=0, blur_px=1.0):
    rng = np.random.default_rng(seed)
    scene = gaussian_filter(rng.normal(size=SHAPE), blur_px)
    frames = scene / scene.std() + noise * rng.normal(size=(count, *SHAPE))
    return as_aligned(Burst(frames.astype(np.float32)))


def test_noise_falls_with_the_root_of_the_frames():
    rows = mean_quality(_burst(16, 2.0))
    assert [row.frames for row in rows] == list(range(2, 17, 2))
    expected = [2.0 / np.sqrt(row.frames) for row in rows]
    np.testing.assert_allclose([row.noise for row in rows], expected, rtol=0.03)


def test_resolution_improves_with_frames_until_the_scene_has_no_finer_detail():
    rows = mean_quality(_burst(24, 3.0, blur_px=3.0))
    periods = [row.resolution_px for row in rows]
    assert periods[-1] < periods[0]
    assert enough_frames(mean_quality(_burst(12, 0.05, blur_px=3.0))) is not None


def test_the_pixel_grid_is_the_limit_of_a_clean_scene_and_noise_alone_is_not_resolved():
    clean = mean_quality(_burst(4, 1e-3, blur_px=0.0))
    assert [row.resolution_px for row in clean] == [2.0, 2.0]
    assert enough_frames(clean) == 2
    rng = np.random.default_rng(1)
    nothing = as_aligned(Burst(rng.normal(size=(4, *SHAPE)).astype(np.float32)))
    assert min(row.resolution_px for row in mean_quality(nothing)) > 20


def test_an_odd_last_frame_is_left_out_of_the_comparison():
    assert [row.frames for row in mean_quality(_burst(5, 1.0))] == [2, 4]


def test_gaps_do_not_spread():
    burst = _burst(4, 0.5)
    aligned = burst.aligned.copy()
    aligned[:, 3, 4] = np.nan
    rows = mean_quality(replace(burst, aligned=aligned))
    assert all(np.isfinite([row.noise for row in rows]))


@pytest.mark.parametrize(
    ("periods", "enough"),
    [((8.0, 5.0, 4.9, 4.88), 4), ((8.0, 6.0, 4.0), None), ((np.inf, np.inf), None), ((3.0,), None)],
    ids=str,
)
def test_enough_is_where_no_later_length_gains_five_percent(periods, enough):
    rows = [MeanQuality(2 * k, 1.0, period) for k, period in enumerate(periods, start=1)]
    assert enough_frames(rows) == enough


@pytest.mark.parametrize("shape", [(1, 30, 30), (2, 7, 30)], ids=str)
def test_too_little_to_compare_is_refused(shape):
    with pytest.raises(InputError, match="Comparing burst lengths"):
        mean_quality(as_aligned(Burst(np.ones(shape, np.float32))))


def test_a_stop_is_heard(stop_after):
    with pytest.raises(Cancelled):
        mean_quality(_burst(8, 1.0), monitor=stop_after(2))
