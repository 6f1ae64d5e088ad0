"""Sharpness falls with blur and does not rise with noise."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from napari_emrestore.core import InputError
from napari_emrestore.metrics import sharpness

SCENE = 100 * gaussian_filter(np.random.default_rng(0).normal(size=(301, 400)), 1.5)


def test_blur_lowers_it():
    values = [sharpness(gaussian_filter(SCENE, sigma)) for sigma in (0, 0.7, 1.5, 3, 6)]
    assert values == sorted(values, reverse=True)
    assert values[-1] < values[0] / 20


@pytest.mark.parametrize("noise", [10, 60])
def test_noise_does_not_change_it(noise):
    rng = np.random.default_rng(1)
    noisy = [sharpness(SCENE + rng.normal(0, noise, SCENE.shape)) for _ in range(8)]
    assert np.mean(noisy) == pytest.approx(sharpness(SCENE), rel=0.05)


def test_blurred_noise_is_told_from_a_sharp_scene_under_noise():
    rng = np.random.default_rng(2)
    sharp = SCENE + rng.normal(0, 30, SCENE.shape)
    blurred = gaussian_filter(SCENE, 2) + rng.normal(0, 60, SCENE.shape)
    assert sharpness(sharp) > 2 * sharpness(blurred)


def test_a_ramp_is_known_exactly():
    assert sharpness(np.add.outer(3.0 * np.arange(9), 4.0 * np.arange(7))) == pytest.approx(25)
    assert sharpness(np.full((3, 3), 200, np.uint8)) == 0


def test_it_is_the_same_for_all_types_and_orientations():
    image = np.rint(SCENE + 500).astype(np.uint16)
    assert sharpness(image) == pytest.approx(sharpness(image.astype(float)), rel=1e-5)
    assert sharpness(image) == pytest.approx(sharpness(image[::-1].T), rel=1e-5)


def test_it_refuses_with_facts():
    with pytest.raises(InputError, match="3 x 3"):
        sharpness(np.ones((2, 5)))
    with pytest.raises(InputError, match="holds 1 NaN"):
        sharpness(np.where(np.arange(16).reshape(4, 4) == 3, np.nan, 1.0))
