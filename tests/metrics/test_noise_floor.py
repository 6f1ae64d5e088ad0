"""Noise is found under fine texture, which a mask takes for noise, and where neighbours share it."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, zoom

from napari_emrestore.metrics import noise_model, noise_readings, noise_sigma
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


def shared_noise(shape, rng, blur_px):
    noise = gaussian_filter(rng.normal(size=shape), blur_px)
    return noise / noise.std()


@pytest.mark.parametrize("deviation", [8.0, 15.0])
@pytest.mark.parametrize("blur_px", [0.5, 0.7, 0.9])
def test_noise_that_neighbours_share_is_found(deviation, blur_px):
    rng = np.random.default_rng(7)
    scene = 100 * gaussian_filter(texture((320, 288), rng, blur_px=0.9), 1.2)
    noise = shared_noise(scene.shape, rng, blur_px)
    image = (scene + deviation * noise).astype(np.float32)
    floor = noise_floor(image)
    assert np.sqrt(np.median(floor.whole)) == pytest.approx(deviation, rel=0.3)
    white = deviation * noise_sigma(noise, mask_alone=True)
    assert np.sqrt(np.median(floor.white)) == pytest.approx(white, rel=0.4)


@pytest.mark.parametrize(("blur_px", "counted"), [(0.45, False), (0.9, True)])
def test_shared_noise_counts_where_hardly_any_looks_white(blur_px, counted):
    rng = np.random.default_rng(11)
    scene = 100 * gaussian_filter(texture((320, 288), rng, blur_px=0.9), 1.2)
    image = scene + 12 * shared_noise(scene.shape, rng, blur_px)
    low, high = min(noise_readings(image)), max(noise_readings(image))
    assert noise_sigma(image) == pytest.approx(high if counted else low, rel=0.25)
    model = noise_model(image)
    assert np.sqrt(model.variance(scene.mean())) == pytest.approx(high if counted else low, rel=0.3)


@pytest.mark.parametrize("blur_px", [0.4, 0.8])
def test_shared_noise_alone_is_found(blur_px):
    image = 100 + 5 * shared_noise((256, 256), np.random.default_rng(8), blur_px)
    assert max(noise_readings(image)) == pytest.approx(5, rel=0.15)


@pytest.mark.parametrize("factor", [1.5, 2.0])
def test_noise_of_enlarged_scans_is_found(factor):
    rng = np.random.default_rng(9)
    scene = 100 * gaussian_filter(texture((200, 200), rng, blur_px=0.9), 1.0)
    noise = zoom(rng.normal(0, 12, scene.shape), factor, order=1)
    assert noise_sigma(zoom(scene, factor, order=1) + noise) == pytest.approx(noise.std(), rel=0.3)


@pytest.mark.parametrize("blur_px", [0.0, 0.5, 0.8])
def test_stacks_tell_shared_noise_exactly(blur_px):
    rng = np.random.default_rng(10)
    scene = 100 * texture((256, 256), rng)
    frames = np.stack([scene + 4 * shared_noise(scene.shape, rng, blur_px) for _ in range(4)])
    assert np.sqrt(noise_model(frames).variance(scene.mean())) == pytest.approx(4, rel=0.08)


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
