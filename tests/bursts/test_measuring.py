"""Measurements see blur and saturation, and are not fooled by hits, holes or few bits."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, uniform_filter1d

from napari_emrestore.bursts.measuring import brightness_jumps, measure_frames, saturation_ceiling
from napari_emrestore.core import SILENT

RNG = np.random.default_rng(0)
SCENE = 100 + 30 * gaussian_filter(RNG.normal(size=(120, 150)), 2) / 0.14


def exposures(*scenes: np.ndarray) -> np.ndarray:
    return np.random.default_rng(1).poisson(np.maximum(np.stack(scenes), 0)).astype(np.uint16)


def test_sharpness_falls_with_motion_and_the_sharpest_is_1():
    frames = exposures(SCENE, *(uniform_filter1d(SCENE, length, axis=1) for length in (5, 9, 15)))
    sharpness = [fact.sharpness for fact in measure_frames(frames, SILENT)]
    assert sharpness[0] == 1.0
    assert sharpness == sorted(sharpness, reverse=True)
    assert 0.2 < sharpness[-1] < 0.7


def test_hits_saturation_and_missing_pixels_do_not_look_sharp():
    frames = exposures(SCENE, SCENE, SCENE, SCENE)
    frames[1].reshape(-1)[RNG.choice(frames[1].size - 1, 20)] = 40_000
    frames[2, 40:60, 50:100] = 65535
    holed = frames.astype(np.float32)
    holed[2], holed[3, 10, 10:90] = frames[0], np.nan
    for burst in (frames, holed):
        facts = measure_frames(burst, SILENT)
        assert min(fact.sharpness for fact in facts) > 0.8
    assert facts[3].missing_fraction == pytest.approx(80 / SCENE.size)
    assert measure_frames(frames, SILENT)[2].saturated_fraction == pytest.approx(1000 / SCENE.size)


@pytest.mark.parametrize("shape", [(3, 1, 1), (2, 1, 9), (4, 2, 7), (1, 5, 3)])
@pytest.mark.parametrize("value", [0, 7, np.nan])
def test_blank_frames_have_equal_sharpness_and_no_warning(shape, value):
    for fact in measure_frames(np.full(shape, value, np.float32), SILENT):
        assert fact.blank
        assert fact.sharpness == 1.0
        assert fact.missing_fraction == (1.0 if np.isnan(value) else 0.0)


@pytest.mark.parametrize(
    ("brightest", "dtype", "ceiling"),
    [
        (4095, np.uint16, 4095),
        (4094, np.uint16, 65535),
        (255, np.uint8, 255),
        (9, np.uint8, 255),
        (3, np.int16, 32767),
    ],
)
def test_cameras_of_fewer_bits_saturate_below_the_dtype(brightest, dtype, ceiling):
    frames = np.zeros((2, 3, 4), dtype)
    frames[1, 2, 3] = brightest
    assert saturation_ceiling(frames) == ceiling


def test_floating_frames_have_no_ceiling():
    assert saturation_ceiling(np.ones((1, 2, 2), np.float32)) == float("inf")


def test_brightness_jumps_are_in_units_of_the_scene():
    deviation = SCENE.std()
    shade = np.linspace(-1, 1, SCENE.shape[1]) * np.sqrt(3) * deviation
    frames = [SCENE, SCENE, SCENE + 2 * deviation, SCENE + shade, SCENE]
    aligned = [frame.astype(np.float32) for frame in exposures(*frames)]
    held = [np.ones(SCENE.shape, bool)] * 5
    jumps = np.array(brightness_jumps(aligned, held, aligned[0]))
    np.testing.assert_allclose(jumps[:, 0], (0, 0, 2, 0, 0), atol=0.15)
    np.testing.assert_allclose(jumps[:, 1], (0, 0, 0, 1, 0), atol=0.15)


def test_two_frames_cannot_tell_who_jumped():
    frames = [SCENE.astype(np.float32), SCENE.astype(np.float32) + 500]
    assert brightness_jumps(frames, [np.ones(SCENE.shape, bool)] * 2, frames[0]) == [(0.0, 0.0)] * 2
