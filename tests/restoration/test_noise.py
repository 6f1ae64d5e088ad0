"""Noise of the input: measured on the frames as they were taken, told to the networks that ask."""

import numpy as np
import pytest
import torch
from scipy.ndimage import uniform_filter

from napari_emrestore.core import (
    Burst,
    IntensityMap,
    ModelCard,
    RegisteredBurst,
    TilingRule,
    TrainedRange,
    Warp,
)
from napari_emrestore.core.registered import FrameVerdict
from napari_emrestore.metrics import NoiseModel
from napari_emrestore.restoration import load_restorer, restore
from napari_emrestore.restoration.devices import Device
from napari_emrestore.restoration.inputs import gather
from napari_emrestore.restoration.noise import line_in_model_range, measure_noise
from napari_emrestore.restoration.torch_restorer import TorchRestorer


class ToldNoise(torch.nn.Module):
    """Returns the noise deviation it was told, at mid intensity, everywhere."""

    noise_input = True

    def forward(self, frames, noise=None):
        line = torch.zeros(1, 2) if noise is None else noise
        return torch.zeros_like(frames[:, 0]) + (0.5 * line[:, 0] + line[:, 1]).sqrt()[:, None, None]


def restorer():
    card = ModelCard(
        "told",
        "1",
        "Told",
        "A net for tests.",
        "denoise",
        "told",
        tiling=TilingRule(1, 0),
        trained=TrainedRange((1, 8)),
    )
    return TorchRestorer(card, ToldNoise(), Device("cpu", "cpu", 0))


def counts(shape, gain=20.0, seed=0):
    rng = np.random.default_rng(seed)
    y, x = np.ogrid[: shape[-2], : shape[-1]]
    electrons = 40 + 25 * np.sin(y / 17) * np.cos(x / 23)
    return rng.poisson(np.broadcast_to(electrons, shape)) * gain


@pytest.mark.parametrize("shape", [(192, 256), (5, 160, 192)])
def test_the_network_is_told_the_noise_of_the_detector(shape):
    data = counts(shape)
    made = restore(data, restorer(), intensity=IntensityMap(0.0, 1600.0))
    # at 0.5 of the range lie 800 counts, which are 40 electrons of 20 counts each
    assert made.image.mean() == pytest.approx(np.sqrt(40) * 20, rel=0.1)
    assert made.provenance.settings["noise"]["gain"] == pytest.approx(20, rel=0.15)


def test_a_given_noise_model_is_used_as_it_is():
    noise = NoiseModel(2.0, 100.0, 3.0)
    made = restore(counts((64, 64)), restorer(), intensity=IntensityMap(0.0, 1000.0), noise=noise)
    np.testing.assert_allclose(made.image, np.sqrt(2.0 * 400 + 9), rtol=1e-5)
    assert made.provenance.settings["noise"] == {"gain": 2.0, "offset": 100.0, "read_noise": 3.0}


def test_the_line_in_model_range_is_the_line_in_counts():
    noise, intensity = NoiseModel(5.0, 200.0, 30.0), IntensityMap(300.0, 4000.0)
    slope, height = line_in_model_range(noise, intensity)
    for value in (0.1, 0.7):
        in_counts = noise.variance(intensity.offset + value * intensity.scale)
        assert slope * value + height == pytest.approx(float(in_counts) / intensity.scale**2)


def test_noise_is_measured_before_frames_were_resampled():
    raw = counts((3, 128, 160))
    smooth = uniform_filter(raw.astype(np.float32), (1, 2, 2))
    verdicts = tuple(FrameVerdict(i, (0.0, 0.0), 1.0, 1.0, 0.0, False) for i in range(3))
    everywhere = np.ones(smooth.shape, bool)
    burst = RegisteredBurst(Burst(raw), (Warp.identity(),) * 3, verdicts, 0, smooth, everywhere)
    assert measure_noise(gather(burst, restorer())).gain == pytest.approx(20, rel=0.15)


@pytest.mark.parametrize("image", [np.zeros((1, 1)), np.full((9, 4), 7.0), np.full((8, 8), np.nan)])
def test_images_that_tell_no_noise_count_as_free_of_it(image):
    noise = measure_noise(gather(image, restorer()))
    assert (noise.gain, noise.read_noise) == (0.0, 0.0)


def test_calibrated_filters_take_a_given_noise():
    rng = np.random.default_rng(9)
    clean = 40 + 20 * np.sin(np.arange(96) / 9)[:, None] * np.ones(96)
    noisy = rng.poisson(clean).astype(np.float32)
    restorer = load_restorer("nlmeans-calibrated")
    told = restore(noisy, restorer, noise=NoiseModel(1.0, 0.0, 0.0))
    assert told.provenance.settings["noise"] == {"gain": 1.0, "offset": 0.0, "read_noise": 0.0}
    assert np.mean((told.image - clean) ** 2) < 0.2 * np.mean((noisy - clean) ** 2)
    free = restore(noisy, restorer, noise=NoiseModel(0.0, 0.0, 0.0))
    np.testing.assert_allclose(free.image, noisy, atol=1e-3)


def test_a_noise_that_is_not_used_is_not_recorded():
    image = np.random.default_rng(10).normal(10, 1, (48, 48))
    made = restore(image, load_restorer("gaussian"), noise=NoiseModel(1.0, 0.0, 0.0))
    assert made.provenance.settings["noise"] is None
