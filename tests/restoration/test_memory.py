"""Memory: what a network holds at once, what a run may take, and the allocator."""

import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
import torch
from torch import nn

from napari_emrestore.core import Acquisition, TilingRule
from napari_emrestore.restoration import budget, restore
from napari_emrestore.restoration.inputs import Inputs
from napari_emrestore.restoration.memory import bytes_per_px, release_memory


class Known(nn.Module):
    """Holds the input, 8 + 4 channels at the peak, then 4 + 1."""

    def __init__(self):
        super().__init__()
        self.wide, self.narrow = nn.Conv2d(1, 8, 1), nn.Conv2d(8, 4, 1)

    def forward(self, frames):
        z = self.narrow(self.wide(frames))
        return z.relu_().sum(1)


def test_the_peak_of_a_known_network_is_counted():
    # window handed over, and eight plus four channels of float32 alive at once
    assert bytes_per_px(Known().eval(), 1, 4, "cpu") == pytest.approx(4 + 4 * (8 + 4), abs=4)


def test_the_count_grows_with_frames_and_leaves_the_network_alone(network):
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    assert bytes_per_px(network, 4, 4, "cpu") >= 2 * bytes_per_px(network, 1, 4, "cpu")
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


def inputs_of(shape, dtype, in_memory=True):
    data = np.broadcast_to(np.zeros((), dtype), shape)
    if not in_memory:
        data = type("Lazy", (), {"shape": shape, "dtype": np.dtype(dtype), "ndim": len(shape)})()
    return Inputs(data, 1, shape[0] if len(shape) == 3 else 1, Acquisition())


def test_a_16k_image_stays_within_twice_its_input_plus_its_output(restorer, monkeypatch):
    monkeypatch.setattr(budget, "free_memory", lambda: 64 << 30)
    for dtype in (np.uint16, np.float32):
        inputs = inputs_of((16384, 16384), dtype)
        work = budget.work_bytes(inputs, restorer)
        result = 4 * 16384**2
        assert inputs.nbytes + result + work <= 2 * inputs.nbytes + result
        window = budget.plan_for(inputs, restorer, "auto").window
        need = window[0] * window[1] * budget.need_per_px(inputs, restorer)
        assert need <= work


def test_little_free_memory_makes_small_windows(restorer, monkeypatch):
    inputs = inputs_of((4096, 4096), np.uint16)
    monkeypatch.setattr(budget, "free_memory", lambda: 100 << 20)
    small = budget.plan_for(inputs, restorer, "auto").window
    monkeypatch.setattr(budget, "free_memory", lambda: 64 << 30)
    large = budget.plan_for(inputs, restorer, "auto").window
    assert small[0] * small[1] * budget.need_per_px(inputs, restorer) <= 50 << 20
    assert large[0] * large[1] > 4 * small[0] * small[1]


def test_windows_of_huge_lazy_data_do_not_grow_with_it(restorer, monkeypatch):
    monkeypatch.setattr(budget, "free_memory", lambda: 64 << 30)
    inputs = inputs_of((1 << 17, 1 << 17), np.uint16, in_memory=False)
    assert budget.work_bytes(inputs, restorer) == 3 << 30


def test_a_run_holds_little_beside_input_and_output(numpy_restorer):
    image = np.full((2048, 2048), 7, np.uint16)
    cheap = numpy_restorer(lambda frames: frames[0], TilingRule(8, 16))
    restore(image[:64, :64], cheap)
    tracemalloc.start()
    made = restore(image, cheap, tile=256).image
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # a few windows, and the sample that intensity is measured on, which is as large as this image
    assert peak - made.nbytes < 8 * 256 * 256 * 4 + 5 * made.nbytes


def test_a_run_with_a_given_intensity_holds_a_few_windows(numpy_restorer):
    from napari_emrestore.core import IntensityMap

    image = np.full((2048, 2048), 7, np.uint16)
    cheap = numpy_restorer(lambda frames: frames[0], TilingRule(8, 16))
    tracemalloc.start()
    made = restore(image, cheap, tile=256, intensity=IntensityMap(0, 10)).image
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak - made.nbytes < 4 * 256 * 256 * 4


def test_tuning_takes_effect_at_process_start_on_linux_and_says_so_elsewhere():
    code = (
        "import os, sys; from napari_emrestore.restoration import tune_allocator, release_memory;"
        "done = tune_allocator(); release_memory();"
        "assert 'torch' not in sys.modules;"
        "assert not done or os.environ['THP_MEM_ALLOC_ENABLE'] == '1'; print(done)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    if sys.platform.startswith("linux"):
        assert done.stdout.strip() == str("glibc" in _libc())


def _libc():
    import platform

    return platform.libc_ver()[0]


def test_releasing_memory_is_harmless():
    release_memory()
    release_memory()
