"""Ring correlations of scenes whose spectrum is known, for images of any shape."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import fft

from napari_emrestore.core import InputError
from napari_emrestore.metrics import frc, split_image

SHAPES = [(256, 256), (255, 257), (301, 200), (150, 517), (509, 129)]
CUT = 0.12


def frequencies(shape):
    return np.hypot(fft.fftfreq(shape[0])[:, None], fft.rfftfreq(shape[1]))


def scene(shape, rng):
    """Return an image whose power falls as a Gaussian of deviation CUT, from 4 times the noise on it."""
    amplitude = 2 * np.exp(-((frequencies(shape) / CUT) ** 2) / 4)
    return fft.irfft2(fft.rfft2(rng.normal(size=shape)) * amplitude, s=shape)


def exposures(shape, seed=0):
    rng = np.random.default_rng(seed)
    clean = scene(shape, rng)
    return clean + rng.normal(size=shape), clean + rng.normal(size=shape)


def expected(frequency):
    power = 4 * np.exp(-((frequency / CUT) ** 2) / 2)
    return power / (power + 1)


@pytest.mark.parametrize("shape", SHAPES)
def test_curve_and_resolution_are_those_of_the_spectrum(shape):
    curve = frc(*exposures(shape), pixel_size_nm=0.5)
    assert curve.frequency_per_px[-1] <= 0.5
    error = curve.correlation - expected(curve.frequency_per_px)
    assert np.sqrt(np.average(error[1:] ** 2, weights=curve.values_per_ring[1:])) < 0.05
    for criterion, level in (("1/7", 1 / 7), ("1/2", 1 / 2)):
        truth_px = 1 / (CUT * np.sqrt(2 * np.log(4 * (1 - level) / level)))
        assert curve.resolution_px(criterion) == pytest.approx(truth_px, rel=0.15)
        assert curve.resolution_nm(criterion) == curve.resolution_px(criterion) / 2


@settings(max_examples=40, deadline=None)
@given(st.integers(8, 90), st.integers(8, 90))
def test_every_fourier_value_is_in_one_ring(rows, columns):
    image = np.random.default_rng(rows).normal(size=(rows, columns))
    curve = frc(image, image)
    radius = np.hypot(fft.fftfreq(rows)[:, None], fft.fftfreq(columns))
    rings = np.rint(radius * min(rows, columns)).astype(int)
    np.testing.assert_array_equal(
        curve.values_per_ring, np.bincount(rings.ravel())[: len(curve.frequency_per_px)]
    )
    np.testing.assert_allclose(curve.correlation[1:], 1, atol=1e-9)
    assert curve.resolution_px("1/2") == 2


@settings(max_examples=20, deadline=None)
@given(st.sampled_from(SHAPES), st.integers(0, 50))
def test_turning_the_images_does_not_change_the_curve(shape, seed):
    a, b = exposures(shape, seed)
    np.testing.assert_allclose(frc(a, b).correlation[1:], frc(a.T, b.T).correlation[1:], atol=1e-9)


def test_noise_alone_resolves_nothing():
    a, b = np.random.default_rng(3).normal(size=(2, 300, 200))
    assert frc(a, b).resolution_px("1/2") == np.inf


def test_a_constant_has_no_correlation():
    curve = frc(np.ones((16, 9)), np.ones((16, 9)))
    assert np.all(np.abs(curve.correlation) <= 1)
    assert np.isfinite(curve.correlation).all()


def test_half_bit_of_large_rings_tends_to_its_limit():
    curve = frc(*exposures((256, 256)))
    assert curve.threshold("half-bit")[-1] == pytest.approx(0.2071 / 1.2071, abs=0.06)
    assert curve.threshold("half-bit")[1] > 2 * curve.threshold("half-bit")[-1]


def test_halves_of_one_image_are_not_shifted_and_have_independent_noise():
    falling, rising = split_image(exposures((401, 600))[0])
    assert falling.shape == rising.shape == (200, 300)
    ramp = np.add.outer(3 * np.arange(10.0), np.arange(8.0))
    np.testing.assert_allclose(*split_image(ramp))
    noise = split_image(np.random.default_rng(1).normal(size=(400, 400)))
    assert abs(np.corrcoef(noise[0].ravel(), noise[1].ravel())[0, 1]) < 0.02


@pytest.mark.parametrize(
    ("a", "b", "size", "words"),
    [
        (np.ones((9, 9)), np.ones((9, 8)), None, "the first is \\(9, 9\\)"),
        (np.ones((7, 9)), np.ones((7, 9)), None, "8 x 8"),
        (np.full((9, 9), np.nan), np.ones((9, 9)), None, "the first image holds 81 NaN"),
        (np.ones((9, 9)), np.ones((9, 9)), 0.0, "0.0 came"),
    ],
)
def test_it_refuses_with_facts(a, b, size, words):
    with pytest.raises(InputError, match=words):
        frc(a, b, pixel_size_nm=size)


def test_criteria_and_units_are_checked():
    curve = frc(*exposures((32, 40)))
    with pytest.raises(InputError, match="pixel size"):
        curve.resolution_nm()
    with pytest.raises(InputError, match="3-sigma"):
        curve.resolution_px("3-sigma")
    with pytest.raises(InputError, match="2 x 2"):
        split_image(np.ones((1, 5)))
