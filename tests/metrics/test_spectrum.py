"""The radial spectrum of known signals."""

import numpy as np
import pytest

from napari_emrestore.core import InputError
from napari_emrestore.metrics import radial_spectrum


@pytest.mark.parametrize("shape", [(200, 301), (257, 64), (128, 128)])
def test_white_noise_is_flat_at_its_variance(shape):
    spectrum = radial_spectrum(np.random.default_rng(0).normal(7, 3, shape))
    assert spectrum.power[4:].mean() == pytest.approx(9, rel=0.05)
    assert spectrum.power[4:12].mean() == pytest.approx(spectrum.power[-8:].mean(), rel=0.3)


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("shape", [(200, 300), (301, 90)])
def test_a_wave_stands_at_its_frequency(shape, axis):
    phase = 2 * np.pi * 0.2 * np.arange(shape[axis])
    wave = np.sin(phase)[:, None] * np.ones(shape) if axis == 0 else np.sin(phase) * np.ones(shape)
    spectrum = radial_spectrum(wave)
    assert spectrum.frequency_per_px[spectrum.power.argmax()] == pytest.approx(0.2, abs=0.01)


def test_brightness_is_not_in_it_and_units_are_squared():
    image = np.random.default_rng(1).random((40, 33))
    plain = radial_spectrum(image).power
    np.testing.assert_allclose(radial_spectrum(3 * image + 100).power, 9 * plain, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(radial_spectrum(np.full((9, 9), 5)).power, 0, atol=1e-20)


def test_it_refuses_small_images():
    with pytest.raises(InputError, match="8 x 8"):
        radial_spectrum(np.ones((1, 1)))
