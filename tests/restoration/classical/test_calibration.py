"""Calibrated rows find the noise themselves: better where fixed parameters do not fit, and without bias."""

import numpy as np
import pytest

from napari_emrestore.core import InputError, IntensityMap
from napari_emrestore.restoration.classical import load_classical
from napari_emrestore.restoration.classical.risk import least_risk
from napari_emrestore.restoration.classical.stabilisation import Stabiliser, stabiliser_for

FILTERS = [
    "gaussian",
    "bilateral",
    "median",
    "wiener",
    "wavelet",
    "tv-chambolle",
    "tv-bregman",
    "nlmeans",
    "bm3d",
]


def counted(dose: float, shape: tuple[int, int] = (128, 150), seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return a smooth scene with edges in electrons, and one exposure of it."""
    y, x = np.indices(shape)
    scene = 0.55 + 0.25 * np.sin(y / 11) * np.cos(x / 17)
    for cy, cx, radius in ((30, 40, 15), (90, 60, 22), (60, 120, 12)):
        scene[(y - cy) ** 2 + (x - cx) ** 2 < radius**2] *= 0.45
    return scene * dose, np.random.default_rng(seed).poisson(scene * dose).astype(np.float32)


def restored(name: str, noisy: np.ndarray, **parameters: float) -> np.ndarray:
    """Return the restoration in input units, as `restore` makes it."""
    intensity = IntensityMap.from_signal(noisy)
    return intensity.to_input(
        load_classical(name, **parameters).restore_window(intensity.to_model(noisy)[None])
    )


def error(image: np.ndarray, truth: np.ndarray) -> float:
    return float(np.mean((image - truth) ** 2))


@pytest.mark.parametrize("name", [name for name in FILTERS if name != "bm3d"])
def test_a_calibrated_row_beats_the_plain_one_at_a_dose_it_was_not_made_for(name):
    truth, noisy = counted(dose=4)
    assert error(restored(f"{name}-calibrated", noisy), truth) < 0.8 * error(restored(name, noisy), truth)


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("dose", [3, 40, 800])
def test_a_calibrated_row_is_never_worse_than_its_input(name, dose):
    truth, noisy = counted(dose, (64, 70))
    assert error(restored(f"{name}-calibrated", noisy), truth) < 0.65 * error(noisy, truth)


def test_stabilised_bm3d_beats_bm3d_on_counted_electrons():
    truth, noisy = counted(3, (64, 70))
    assert error(restored("bm3d-calibrated", noisy), truth) < 0.95 * error(restored("bm3d", noisy), truth)


@pytest.mark.parametrize("electrons", [0.5, 2.0, 30.0, 900.0])
@pytest.mark.parametrize(("gain", "offset", "read_noise"), [(1.0, 0.0, 0.0), (0.02, -0.4, 0.03)])
def test_the_transform_makes_noise_1_and_its_inverse_has_no_bias(electrons, gain, offset, read_noise):
    rng = np.random.default_rng(4)
    counts = rng.poisson(electrons, 200_000)
    values = gain * counts + offset + rng.normal(0, 1, counts.shape) * read_noise
    stabiliser = Stabiliser(gain, read_noise**2 - gain * offset)
    stabilised = stabiliser.forward(values)
    if electrons >= 2 or read_noise:
        assert stabilised.std() == pytest.approx(1, abs=0.1)
    # what a perfect denoiser would leave is the mean
    signal = stabiliser.backward(np.array([stabilised.mean()]))[0]
    assert (signal - offset) / gain == pytest.approx(electrons, rel=0.015, abs=0.05)


def test_signal_independent_noise_is_only_scaled():
    values = np.linspace(-3, 7, 11)
    stabiliser = Stabiliser(0.0, 4.0)
    np.testing.assert_allclose(stabiliser.forward(values), values / 2)
    np.testing.assert_allclose(stabiliser.backward(values / 2), values)


@pytest.mark.parametrize("name", FILTERS)
def test_a_blank_exposure_keeps_its_level(name):
    noisy = np.random.default_rng(8).poisson(20, (64, 71)).astype(np.float32)
    assert restored(f"{name}-calibrated", noisy).mean() == pytest.approx(noisy.mean(), rel=0.01)


def test_an_image_without_noise_has_no_transform():
    assert stabiliser_for(np.full((32, 32), 3.0, np.float32)) is None


def test_the_least_risk_is_the_least_true_error():
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(6)
    truth = gaussian_filter(rng.normal(size=(200, 300)), 3) * 12
    image = truth + rng.normal(size=truth.shape)
    candidates = [lambda a, s=s: gaussian_filter(a, s) for s in (0.2, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0)]
    chosen = least_risk(candidates, image, 1.0, rng)
    errors = [error(candidate(image), truth) for candidate in candidates]
    assert error(chosen(image), truth) < 1.05 * min(errors)


def test_more_strength_is_smoother_and_none_is_refused():
    _, noisy = counted(dose=30)
    rough = [np.diff(restored("tv-chambolle-calibrated", noisy, strength=s)).std() for s in (0.5, 1.0, 2.0)]
    assert rough[0] > rough[1] > rough[2]
    with pytest.raises(InputError, match="strength above 0"):
        load_classical("tv-chambolle-calibrated", strength=0)
