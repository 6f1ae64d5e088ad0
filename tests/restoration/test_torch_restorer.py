"""A network behind the restorer protocol: precision, memory, and what it refuses."""

import dataclasses

import numpy as np
import pytest
import torch

from napari_emrestore.core import DeviceError, InputError
from napari_emrestore.restoration import restore
from napari_emrestore.restoration.devices import Device


def test_a_window_is_the_networks_own_output(restorer, network, rng):
    frames = rng.random((3, 40, 52)).astype(np.float32)
    with torch.inference_mode():
        truth = network(torch.from_numpy(frames)[None])[0].numpy()
    np.testing.assert_array_equal(restorer.restore_window(frames), truth)


def test_the_order_of_arrays_in_memory_does_not_matter(restorer, rng):
    frames = rng.random((2, 40, 52)).astype(np.float32)
    other = np.ascontiguousarray(frames.transpose(2, 0, 1)).transpose(1, 2, 0)
    np.testing.assert_array_equal(restorer.restore_window(other), restorer.restore_window(frames))


def test_half_precision_is_close_comes_back_as_float32_and_is_said(restorer, rng):
    frames = rng.random((2, 64, 64)).astype(np.float32)
    half = dataclasses.replace(restorer, precision="bf16")
    made = half.restore_window(frames)
    assert made.dtype == np.float32
    difference = np.abs(made - restorer.restore_window(frames)).max()
    assert 0 < difference < 0.02
    assert restore(frames, half).provenance.settings["precision"] == "bf16"


@pytest.mark.parametrize("shape", [(5, 40, 40), (0, 40, 40), (1, 39, 40), (1, 40, 42), (40, 40)])
def test_a_window_that_does_not_fit_is_refused(restorer, shape):
    with pytest.raises(InputError, match=r"1 to 4 frames.*multiples of 4"):
        restorer.restore_window(np.zeros(shape, np.float32))


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("CUDA out of memory. Tried to allocate 20.00 GiB"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried 9 bytes"),
        MemoryError(),
    ],
)
def test_memory_that_does_not_suffice_is_a_device_error(restorer, error):
    class Greedy(torch.nn.Module):
        def forward(self, frames):
            raise error

    with pytest.raises(DeviceError, match="1 x 8 x 8 px"):
        dataclasses.replace(restorer, network=Greedy()).restore_window(np.zeros((1, 8, 8), np.float32))


def test_any_other_error_of_the_network_comes_through(restorer):
    class Broken(torch.nn.Module):
        def forward(self, frames):
            raise RuntimeError("shape mismatch")

    with pytest.raises(RuntimeError, match="shape mismatch"):
        dataclasses.replace(restorer, network=Broken()).restore_window(np.zeros((1, 8, 8), np.float32))


def test_it_names_its_device_with_title(restorer):
    assert dataclasses.replace(restorer, place=Device("cuda:1", "Card", 0)).device == "cuda:1 (Card)"


def test_it_is_asked_once_per_frame_count_what_it_needs(restorer):
    one, three = restorer.bytes_per_px(1), restorer.bytes_per_px(3)
    assert 20 < one < three < 6 * one
    assert restorer.bytes_per_px(1) is one
