"""The intensity map: all pixels of small data, an even sample of huge data."""

import numpy as np
import pytest

from napari_emrestore.core import Acquisition, IntensityMap
from napari_emrestore.restoration import intensity
from napari_emrestore.restoration.inputs import Inputs
from napari_emrestore.restoration.intensity import measure_intensity


@pytest.mark.parametrize("shape", [(1, 1), (7, 300), (3, 40, 50)])
def test_small_data_are_measured_whole(rng, shape):
    data = rng.normal(100, 10, shape)
    images = 1 if len(shape) == 2 else shape[0]
    assert measure_intensity(Inputs(data, images, 1, Acquisition())) == IntensityMap.from_signal(data)


@pytest.mark.parametrize("frames", [1, 2, 3, 9])
def test_a_sample_of_large_data_gives_nearly_the_same_map(rng, monkeypatch, frames):
    monkeypatch.setattr(intensity, "_SIDE_PX", 16)
    y, x = np.ogrid[:400, :300]
    scene = 100 + 20 * np.sin(y / 5) * np.cos(x / 7)
    data = np.stack([scene + rng.normal(0, 5, scene.shape) for _ in range(frames)])
    whole = IntensityMap.from_signal(data)
    for images, each in ((1, frames), (frames, 1)):
        sampled = measure_intensity(Inputs(data, images, each, Acquisition()))
        assert sampled.scale == pytest.approx(whole.scale, rel=0.15)
        assert sampled.offset == pytest.approx(whole.offset, abs=0.1 * whole.scale)


def test_a_sample_reads_a_bounded_part(monkeypatch):
    read = []

    class Huge:
        shape, dtype, ndim = (1 << 15, 1 << 15), np.dtype(np.uint8), 2

        def __getitem__(self, index):
            rows, columns = (range(*s.indices(1 << 15)) for s in index)
            read.append(len(rows) * len(columns))
            return np.ones((len(rows), len(columns)), np.uint8)

    measure_intensity(Inputs(Huge(), 1, 1, Acquisition()))
    assert sum(read) <= 8 * 256 * (1 << 15)  # eight strips, each read once


def test_invalid_pixels_do_not_count(rng, monkeypatch):
    monkeypatch.setattr(intensity, "_SIDE_PX", 8)
    data = rng.normal(100, 10, (2, 80, 90)).astype(np.float32)
    valid = np.ones(data.shape, bool)
    valid[:, :, ::3] = False
    spoilt = np.where(valid, data, 1e7).astype(np.float32)
    made = measure_intensity(Inputs(spoilt, 1, 2, Acquisition(), valid))
    assert made.to_model(100.0) == pytest.approx(0.5, abs=0.1)
