"""Degradation: the blur has its length, the noise its strength, and both can be matched to an image."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from napari_emrestore.core import InputError
from napari_emrestore.metrics import NoiseModel
from napari_emrestore.probes import Degradation, degrade, match_degradation
from napari_emrestore.probes.degrading import motion_kernel

STILL = Degradation(frames=4, motion_px=0.0)


def test_without_motion_the_noise_is_all():
    flat = np.full((90, 110), 0.3)
    burst = degrade(flat, STILL, np.random.default_rng(0))
    assert burst.shape == (4, 90, 110)
    assert burst.mean() == pytest.approx(0.3, abs=1e-3)
    assert burst.std() == pytest.approx(0.05, rel=0.02)


@pytest.mark.parametrize("length_px", [5.0, 11.0, 19.0])
def test_the_kernel_is_vertical_and_centred_and_has_its_length(length_px):
    for seed in range(5):
        kernel = motion_kernel(length_px, np.random.default_rng(seed))
        along = np.arange(len(kernel)) - len(kernel) // 2
        assert kernel.sum() == pytest.approx(1)
        assert kernel.sum(1) @ along == pytest.approx(0, abs=1e-9)
        assert kernel.sum(0) @ along == pytest.approx(0, abs=1e-9)
        spread = np.sqrt(kernel.sum(1) @ along**2), np.sqrt(kernel.sum(0) @ along**2)
        assert spread[0] == pytest.approx(length_px / np.sqrt(12), rel=0.5)
        assert spread[0] > spread[1]


def test_frames_of_one_path_differ_by_their_noise_alone():
    pattern = np.zeros((60, 60))
    pattern[28:32] = 1.0
    quiet = NoiseModel(0.0, 0.0, 0.0)
    rng = np.random.default_rng(1)
    same = degrade(pattern, Degradation(3, 11.0, quiet, same_path=True), rng)
    other = degrade(pattern, Degradation(3, 11.0, quiet), rng)
    assert np.ptp(same, axis=0).max() == 0
    assert np.ptp(other, axis=0).max() > 0.01


def test_counted_noise_follows_its_line():
    noise = NoiseModel(gain=20.0, offset=100.0, read_noise=3.0)
    burst = degrade(
        np.full((80, 80), 0.5), Degradation(20, 0.0, noise, (200.0, 1000.0)), np.random.default_rng(2)
    )
    assert burst.mean() == pytest.approx(600, rel=0.01)
    assert burst.var() == pytest.approx(20 * 500 + 9, rel=0.03)


def test_matching_finds_noise_and_range_of_an_image():
    rng = np.random.default_rng(5)
    scene = 500 + 150 * gaussian_filter(rng.normal(size=(300, 260)), 6) * 6 * np.sqrt(4 * np.pi)
    frames = (
        100
        + 4.0 * rng.poisson(np.maximum(scene, 0)[None].repeat(4, 0) / 4.0)
        + rng.normal(0, 5, (4, 300, 260))
    )
    matched = match_degradation(frames, frames=7, motion_px=3.0)
    assert matched.frames == 7
    assert matched.motion_px == 3.0
    assert matched.noise.gain == pytest.approx(4.0, rel=0.15)
    assert sum(matched.levels) / 2 == pytest.approx(frames.mean(), rel=0.1)
    made = degrade(np.full((200, 200), 0.5), matched, rng)
    alike = frames[:, np.abs(scene - (made.mean() - 100)) < 20]
    assert made.var() == pytest.approx(np.var(alike - alike.mean(0), axis=0).mean() * 4 / 3, rel=0.15)


def test_levels_never_lie_below_no_signal():
    rng = np.random.default_rng(6)
    glow = np.zeros((160, 160))
    glow[40::80, 40::80] = 1.0
    glow = 400 * gaussian_filter(glow, 12) / gaussian_filter(glow, 12).max() + 1
    matched = match_degradation(rng.poisson(glow[None].repeat(4, 0)))
    assert matched.noise.gain == pytest.approx(1, rel=0.2)
    assert glow.mean() < 2 * glow.std(), "two deviations below the mean there is no signal"
    assert matched.levels[0] == matched.noise.offset


def test_pixels_without_a_measurement_are_left_out():
    image = np.random.default_rng(7).normal(10, 1, (64, 64))
    image[:8] = np.nan
    assert match_degradation(image).noise.read_noise == pytest.approx(1, rel=0.3)


@pytest.mark.parametrize(
    "wrong", [{"frames": 0}, {"motion_px": -1.0}, {"motion_px": 65.0}, {"levels": (1.0, 1.0)}]
)
def test_a_degradation_out_of_range_is_refused(wrong):
    with pytest.raises(InputError):
        Degradation(**wrong)


def test_a_constant_image_has_nothing_to_match():
    with pytest.raises(InputError, match="range"):
        match_degradation(np.full((40, 40), 7))


@pytest.mark.parametrize(
    "noise", [NoiseModel(4.0, 20.0, 3.0), NoiseModel(0.0, 0.0, 7.0), NoiseModel(0.0, 0.0, 0.0)]
)
def test_noise_can_be_made_stronger_without_changing_its_kind(noise):
    before = Degradation(noise=noise, levels=(100.0, 500.0))
    after = before.with_noise(0.1)
    assert after.relative_noise() == pytest.approx(0.1)
    assert after.levels == before.levels
    assert (after.noise.gain > 0) == (noise.gain > 0)
    assert after.with_noise(before.relative_noise()).noise.gain == pytest.approx(noise.gain)
    with pytest.raises(InputError, match="negative"):
        before.with_noise(-0.1)
