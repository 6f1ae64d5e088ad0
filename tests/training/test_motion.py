"""Motion: the Fourier factor is the density of the path, exact for shifts, and conserves electrons."""

import numpy as np
import pytest
from scipy import fft, ndimage

from napari_emrestore.training.draws import Span, fixed
from napari_emrestore.training.motion import MotionRange, draw_path, positions, transfer


@pytest.mark.parametrize("shape", [(16, 16), (15, 22), (1, 9)])
def test_a_path_keeps_the_sum_of_intensity(shape):
    track = np.random.default_rng(0).uniform(-0.4, 0.4, (64, 2)) * np.minimum(shape, 8)
    assert transfer(track, shape)[0, 0] == pytest.approx(1.0, abs=1e-6)


def test_a_still_stage_leaves_the_image_alone_and_a_whole_pixel_shifts_it():
    image = np.random.default_rng(1).random((12, 17)).astype(np.float32)
    spectrum = fft.rfft2(image)
    same = fft.irfft2(spectrum * transfer(np.zeros((4, 2)), image.shape), s=image.shape)
    np.testing.assert_allclose(same, image, atol=1e-6)
    moved = fft.irfft2(spectrum * transfer(np.full((4, 2), (2.0, -3.0)), image.shape), s=image.shape)
    np.testing.assert_allclose(moved, np.roll(image, (-2, 3), (0, 1)), atol=1e-6)


def test_a_straight_run_is_a_box_blur():
    image = ndimage.gaussian_filter(np.random.default_rng(2).random((64, 64)), 1.0).astype(np.float32)
    track = np.zeros((640, 2))
    track[:, 0] = (np.arange(640) + 0.5) / 640 * 7 - 3.5
    blurred = fft.irfft2(fft.rfft2(image) * transfer(track, image.shape), s=image.shape)
    # the ends of a 7 px run fall half-way between pixels, where the bilinear splat shares them out
    weights = np.array([0.125, 0.875, 1, 1, 1, 1, 1, 0.875, 0.125]) / 7
    box = ndimage.convolve1d(image, weights, axis=0, mode="wrap")
    np.testing.assert_allclose(blurred, box, atol=1e-3)


def test_positions_have_the_speed_and_the_jitter_that_were_asked_for():
    motion = MotionRange(speed_px=fixed(9.0), direction_deg=0.0)
    rng = np.random.default_rng(3)
    path = draw_path(motion, rng)
    track = positions(path, motion, 0.0, rng)
    assert abs(track[-1, 0] - track[0, 0]) == pytest.approx(9.0 * 63 / 64, abs=1e-9)
    assert np.ptp(track[:, 1]) < 1e-9

    shaky = MotionRange(jitter_px=fixed(0.8), jitter_time_ms=Span(0.05, 0.06))
    tracks = [positions(draw_path(shaky, rng), shaky, 0.0, rng) for _ in range(200)]
    assert np.std(tracks) == pytest.approx(0.8, rel=0.05)
