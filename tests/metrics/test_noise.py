"""Noise of known strength is found again, in textured and in plain images."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from napari_emrestore.core import InputError
from napari_emrestore.metrics import NoiseModel, noise_model, noise_sigma


def scene(shape, rng):
    smooth = gaussian_filter(rng.normal(size=shape), 6)
    return (smooth - smooth.min()) / np.ptp(smooth)


def expose(clean, model, rng):
    """Return a noisy exposure of electrons per pixel in input units."""
    return model.gain * rng.poisson(clean) + model.offset + rng.normal(0, model.read_noise, clean.shape)


@pytest.mark.parametrize("shape", [(256, 256), (131, 300), (60, 500)])
@pytest.mark.parametrize("sigma", [0.01, 3.0])
def test_white_noise_on_a_smooth_scene(shape, sigma):
    rng = np.random.default_rng(1)
    image = 20 * sigma * scene(shape, rng) + rng.normal(0, sigma, shape)
    assert noise_sigma(image) == pytest.approx(sigma, rel=0.03)


def test_edges_do_not_count_as_noise():
    rng = np.random.default_rng(2)
    image = rng.normal(0, 1, (200, 240))
    image[:, 120:] += 500
    image[80:90] -= 300
    assert noise_sigma(image) == pytest.approx(1, rel=0.05)


@pytest.mark.parametrize("dose", [0.05, 0.5, 20])
def test_counted_electrons_have_no_steps(dose):
    image = np.random.default_rng(3).poisson(dose, (256, 200)).astype(np.uint16)
    assert noise_sigma(image) == pytest.approx(np.sqrt(dose), rel=0.04)


def test_a_constant_has_no_noise():
    assert noise_sigma(np.full((3, 3), 1e6)) == 0
    assert noise_model(np.full((2, 9, 7), 4, np.uint8)) == NoiseModel(0.0, 0.0, 0.0)


def test_the_smallest_images_give_a_number():
    values = [noise_sigma(np.random.default_rng(seed).normal(0, 1, (3, 5))) for seed in range(300)]
    assert 0.5 < np.median(values) < 2


@pytest.mark.parametrize(
    ("model", "dose"),
    [
        (NoiseModel(1.0, 0.0, 0.0), 8.0),
        (NoiseModel(100.0, 200.0, 150.0), 30.0),
        (NoiseModel(0.02, -1.0, 0.03), 60.0),
    ],
)
@pytest.mark.parametrize("frames", [1, 2, 6])
def test_the_camera_is_found_again(model, dose, frames):
    rng = np.random.default_rng(4)
    clean = dose * (0.02 + scene((384, 301), rng))
    stack = np.stack([expose(clean, model, rng) for _ in range(frames)])
    found = noise_model(stack[0] if frames == 1 else stack, offset=model.offset)
    for share, tolerance in ((0.1, 0.25), (0.5, 0.05), (1, 0.1)):
        mean = model.gain * share * dose + model.offset
        assert found.variance(mean) == pytest.approx(model.variance(mean), rel=tolerance)
    assert found.gain == pytest.approx(model.gain, rel=0.15)
    assert found.offset == model.offset


def test_a_drifting_stack_with_dead_and_saturated_parts():
    rng = np.random.default_rng(5)
    model = NoiseModel(10.0, 50.0, 8.0)
    wide = 25 * (0.05 + scene((320, 320), rng))
    stack = np.stack([expose(wide[3 * i : 256 + 3 * i, i : 256 + i], model, rng) for i in range(4)])
    stack[:, :40] = 50
    stack[:, 200:, 200:] = 4095
    found = noise_model(stack, offset=50)
    assert found.gain == pytest.approx(10, rel=0.1)


def test_an_unknown_offset_comes_from_the_line():
    rng = np.random.default_rng(6)
    clean = 40 * (0.1 + scene((300, 300), rng))
    found = noise_model(np.stack([expose(clean, NoiseModel(2.0, 100.0, 0.0), rng) for _ in range(6)]))
    assert found.offset == pytest.approx(100, abs=6)
    assert found.read_noise == 0


def test_noise_that_does_not_rise_has_no_gain():
    rng = np.random.default_rng(7)
    found = noise_model(100 * scene((200, 200), rng) + rng.normal(0, 5, (4, 200, 200)))
    assert found.gain == pytest.approx(0, abs=0.02)
    assert np.sqrt(found.variance(50)) == pytest.approx(5, rel=0.05)


@pytest.mark.parametrize("call", [noise_sigma, noise_model])
@pytest.mark.parametrize(
    ("image", "words"),
    [
        (np.ones((2, 9)), "3 x 3"),
        (np.where(np.eye(5) > 0, np.nan, 1.0), "holds 5 NaN"),
        (np.ones((4, 4), complex), "complex"),
        (np.ones(7), "shape \\(7,\\)"),
    ],
)
def test_it_refuses_with_facts(call, image, words):
    with pytest.raises(InputError, match=words):
        call(image)


def test_models_refuse_nonsense():
    for numbers in [(-1, 0, 0), (1, 0, -1), (np.nan, 0, 0), (1, np.inf, 0)]:
        with pytest.raises(InputError):
            NoiseModel(*numbers)
    with pytest.raises(InputError, match="finite number"):
        noise_model(np.ones((9, 9)), offset=np.nan)
    with pytest.raises(InputError, match="frame 1"):
        noise_model(np.stack([np.ones((9, 9)), np.full((9, 9), np.nan)]))
