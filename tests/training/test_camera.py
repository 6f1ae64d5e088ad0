"""Cameras: Poisson first, spread after, so that variances and spectra follow the physics."""

import numpy as np
import pytest

from napari_emrestore.training.camera import (
    Camera,
    CameraRange,
    detect,
    draw_camera,
    expected_counts,
    noise_line,
)
from napari_emrestore.training.draws import fixed

FLAT = np.full((256, 256), 0.5, np.float32)


def electrons(camera, intensity=FLAT, seed=0):
    counts = detect(intensity, camera, np.random.default_rng(seed)).astype(float)
    return (counts - camera.offset_adu) / camera.gain_adu


def test_a_counting_camera_has_variance_equal_to_its_mean():
    seen = electrons(Camera(200.0, 20.0, 500.0))
    assert seen.mean() == pytest.approx(100.0, rel=0.005)
    assert seen.var() == pytest.approx(seen.mean(), rel=0.02)


def test_read_noise_and_excess_noise_add_their_variance():
    seen = electrons(Camera(200.0, 50.0, 2000.0, read_noise_e=6.0))
    assert seen.var() == pytest.approx(100 + 36, rel=0.03)
    noisy = electrons(Camera(200.0, 50.0, 2000.0, excess_noise=0.5))
    assert noisy.var() == pytest.approx(100 * 1.5, rel=0.03)


def test_spread_acts_after_poisson_so_noise_follows_the_squared_transfer():
    plain, spread = Camera(400.0, 20.0, 500.0), Camera(400.0, 20.0, 500.0, spread=(0.4, 0.0, 10.0))
    power = [np.abs(np.fft.fft2(electrons(c) - electrons(c).mean())) ** 2 for c in (plain, spread)]
    f = np.hypot(np.fft.fftfreq(256)[:, None], np.fft.fftfreq(256)[None])
    for low, high in ((0.05, 0.1), (0.2, 0.25), (0.4, 0.45)):
        ring = (f > low) & (f < high)
        expected = ((1 / (1 + (f / 0.4) ** 2)) ** 2)[ring].mean()
        assert power[1][ring].mean() / power[0][ring].mean() == pytest.approx(expected, rel=0.1)


def test_lag_correlates_noise_along_the_fast_axis_only():
    seen = electrons(Camera(200.0, 20.0, 500.0, lag_px=1.0))
    seen -= seen.mean()
    assert (seen[:, 1:] * seen[:, :-1]).mean() / seen.var() == pytest.approx(np.exp(-1), abs=0.02)
    assert abs((seen[1:] * seen[:-1]).mean() / seen.var()) < 0.02


def test_rows_share_their_noise():
    seen = electrons(Camera(200.0, 20.0, 5000.0, row_noise_e=8.0, row_axis=0))
    assert seen.mean(1).std() == pytest.approx(8.0, rel=0.15)
    assert seen.mean(0).std() < 2.0


def test_counts_saturate_at_sixteen_bits_and_the_drawn_gain_avoids_it():
    assert detect(FLAT, Camera(1e6, 1.0, 0.0), np.random.default_rng(0)).max() == 65535
    camera = draw_camera(
        CameraRange(dose_e=fixed(5000.0), gain_adu=fixed(60.0)), (8, 8), np.random.default_rng(0)
    )
    assert expected_counts(np.ones((8, 8), np.float32), camera).max() < 40000


def test_hits_are_rare_and_bright():
    counts = detect(FLAT, Camera(20.0, 10.0, 100.0, hit_rate=200.0), np.random.default_rng(5))
    bright = (counts > 0.1 * 65535).mean()
    assert 0 < bright < 0.01


@pytest.mark.parametrize(
    "camera",
    [
        Camera(200.0, 20.0, 500.0, read_noise_e=5.0, excess_noise=0.4),
        Camera(200.0, 20.0, 500.0, read_noise_e=5.0, spread=(0.3, 0.04, 10.0)),
        Camera(200.0, 20.0, 500.0, read_noise_e=5.0, lag_px=0.8),
        Camera(200.0, 20.0, 500.0, read_noise_e=5.0, smoothing_px=(0.4, 0.9)),
        Camera(200.0, 20.0, 5000.0, row_noise_e=8.0, row_axis=0, smoothing_px=(0.5, 0.5)),
        Camera(200.0, 20.0, 5000.0, row_noise_e=8.0, row_axis=1, lag_px=0.5),
    ],
)
def test_the_noise_line_is_the_scatter_of_repeated_exposures(camera):
    for brightness in (0.2, 0.8):
        scene = np.full((256, 256), brightness, np.float32)
        exposures = np.stack([detect(scene, camera, np.random.default_rng(k)) for k in range(40)])
        slope, height = noise_line(camera)
        expected = slope * expected_counts(scene, camera).mean() + height
        assert exposures.astype(float).var(0, ddof=1).mean() == pytest.approx(expected, rel=0.04)


def test_smoothed_frames_have_a_smoothed_truth():
    step = np.where(np.arange(64) < 32, 0.0, 1.0).astype(np.float32) * np.ones((64, 1), np.float32)
    camera = Camera(1000.0, 20.0, 100.0, smoothing_px=(0.8, 0.8))
    seen = np.mean([detect(step, camera, np.random.default_rng(k)) for k in range(200)], 0)
    np.testing.assert_allclose(seen.mean(0), expected_counts(step, camera).mean(0), rtol=0.01)
    assert 0.1 < expected_counts(step, camera)[0, 31] / 20100 < 0.4


def test_cameras_without_smoothing_stay_those_that_their_seeds_gave():
    plain = CameraRange(read_noise_e=fixed(1.0))
    smooth = CameraRange(read_noise_e=fixed(1.0), smoothing_px=fixed(0.5))
    drawn = [draw_camera(ranges, (8, 8), np.random.default_rng(4)) for ranges in (plain, smooth)]
    assert drawn[0].smoothing_px == (0.0, 0.0)
    assert drawn[1].smoothing_px[0] == 0.5
    assert drawn[0].dose_e == drawn[1].dose_e
