"""Stabilised noise has deviation 1, and the way back has no bias."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_emrestore.core import InputError
from napari_emrestore.metrics import NoiseModel, stabilise, unstabilise

MODELS = [NoiseModel(1, 0, 0), NoiseModel(50, 300, 40), NoiseModel(0.1, -2, 0.5), NoiseModel(1, 0, 14)]


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("electrons", [0.1, 1.0, 5.0, 40.0, 99.5, 100.5, 2000.0])
def test_noise_is_one_and_the_mean_comes_back(model, electrons):
    rng = np.random.default_rng(1)
    count = 200_000
    noisy = model.gain * rng.poisson(electrons, count) + model.offset + rng.normal(0, model.read_noise, count)
    stable = stabilise(noisy, model)
    if electrons + (model.read_noise / model.gain) ** 2 > 3:
        assert stable.std(dtype=np.float64) == pytest.approx(1, abs=0.04)
    back = (unstabilise(stable.mean(dtype=np.float64), model) - model.offset) / model.gain
    error = np.sqrt(electrons + (model.read_noise / model.gain) ** 2) / np.sqrt(count)
    assert back == pytest.approx(electrons, abs=5 * error + 2e-3)


@settings(max_examples=40, deadline=None)
@given(st.floats(0.01, 1000), st.floats(-100, 100), st.floats(0, 50))
def test_the_way_back_rises_without_a_jump(gain, offset, read_e):
    values = np.linspace(-5, 60, 4001)
    back = (unstabilise(values, NoiseModel(gain, offset, read_e * gain)).astype(np.float64) - offset) / gain
    steps = np.diff(back)
    rounding = 1e-6 * (abs(offset) / gain + np.abs(back).max())
    assert steps.min() > -rounding
    assert steps.max() < 1.1 * max(30, read_e + 1) * 65 / 4000 + rounding


def test_noise_of_one_strength_is_only_divided():
    model = NoiseModel(0.0, 10.0, 4.0)
    image = np.array([[10.0, 14.0, 2.0]])
    np.testing.assert_allclose(stabilise(image, model), [[0, 1, -2]])
    np.testing.assert_allclose(unstabilise(stabilise(image, model), model), image, rtol=1e-6)


def test_shapes_and_type_are_kept():
    model = NoiseModel(1, 0, 1)
    burst = np.zeros((3, 2, 5), np.uint16)
    assert stabilise(burst, model).shape == unstabilise(burst, model).shape == (3, 2, 5)
    assert stabilise(burst, model).dtype == unstabilise(burst, model).dtype == np.float32


@pytest.mark.parametrize("call", [stabilise, unstabilise])
def test_it_refuses_a_model_without_noise(call):
    with pytest.raises(InputError, match="noise model with noise"):
        call(np.ones((2, 2)), NoiseModel(0, 0, 0))
