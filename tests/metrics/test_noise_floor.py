"""Noise under fine texture is found, where a mask takes all of the texture for noise."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from napari_emrestore.metrics import noise_model, noise_sigma
from napari_emrestore.metrics.noise_floor import noise_floor


def texture(shape, rng, blur_px=0.6):
    """Return bright texture nearly as fine as the pixels, patchy as a section is, in 0.2 to 1."""
    fine = gaussian_filter(rng.normal(size=shape), blur_px)
    patches = gaussian_filter(rng.normal(size=shape), 9)
    mixed = fine / fine.std() * np.clip(0.6 + patches / patches.std(), 0, 1.5)
    return np.clip(0.6 + 0.12 * mixed, 0.2, 1.0)


@pytest.mark.parametrize("dose", [60, 400, 1500])
def test_texture_is_told_from_counting_noise(dose):
    rng = np.random.default_rng(1)
    clean = dose * texture((320, 288), rng)
    found = noise_model(rng.poisson(clean))
    deviation = np.sqrt(found.variance(clean.mean()) / clean.mean())
    assert 0.6 < deviation < 1.5


def test_it_is_the_regression_that_tells_them_apart():
    rng = np.random.default_rng(2)
    clean = 1500 * texture((320, 288), rng)
    image = rng.poisson(clean).astype(np.float32)
    curved = np.diff(np.diff(image, 2, axis=0), 2, axis=1) / 6  # what `noise_sigma` looks at
    assert np.sqrt(np.mean(curved**2) / clean.mean()) > 2
    assert 0.6 < noise_sigma(image) / np.sqrt(clean.mean()) < 1.5


@pytest.mark.parametrize("scale", [1e-4, 1.0, 3e4])
def test_units_and_offset_do_not_matter(scale):
    rng = np.random.default_rng(3)
    image = (100 * texture((160, 160), rng) + rng.normal(0, 3, (160, 160))).astype(np.float32)
    plain, scaled = noise_floor(image), noise_floor(np.float32(scale) * (image + 50))
    np.testing.assert_allclose(scaled.variances, plain.variances * scale**2, rtol=2e-2)
    np.testing.assert_allclose(scaled.means, (plain.means + 50) * scale, rtol=1e-4)


def test_blocks_without_noise_do_not_count():
    rng = np.random.default_rng(4)
    image = rng.poisson(400 * texture((256, 256), rng)).astype(np.float32)
    whole = noise_floor(image)
    image[:96] = 4095
    image[:, :64] = 0
    np.testing.assert_allclose(noise_floor(image).variances, whole.variances, rtol=0.35)


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((200, 200), np.float32),
        np.random.default_rng(5).normal(size=(40, 90)).astype(np.float32),
        np.ones((1, 1), np.float32),
        np.random.default_rng(6).normal(100, 5, (256, 256)).astype(np.float32),
    ],
)
def test_too_little_to_tell_and_plain_noise_give_nothing(image):
    assert noise_floor(image) is None
