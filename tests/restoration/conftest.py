import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch

from napari_emrestore.core import ModelCard, TilingRule, TrainedRange
from napari_emrestore.restoration.devices import Device
from napari_emrestore.restoration.torch_restorer import TorchRestorer

CARD = ModelCard(
    "tiny",
    "1.0",
    "Tiny",
    "A net for tests.",
    "denoise",
    "tiny",
    sha256="0" * 64,
    tiling=TilingRule(4, 16),
    precisions=("fp32", "bf16"),
    trained=TrainedRange((1, 4), (5.0, 50.0), (0.5, 2.0)),
)


def tiny_network():
    path = Path(__file__).parents[1] / "models" / "tiny_net.py"
    spec = importlib.util.spec_from_file_location("emrestore_tiny_net", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        return module.build().eval().requires_grad_(False)


@pytest.fixture
def card():
    """The card of the small network."""
    return CARD


@pytest.fixture(scope="session")
def network():
    return tiny_network()


@pytest.fixture
def restorer(network):
    """A small network that takes 1 to 4 frames, stride 4, halo 16."""
    return TorchRestorer(CARD, network, Device("cpu", "cpu", 0))


LOCAL = TilingRule()


class NumpyRestorer:
    """A restorer around a numpy function, which records the windows it was given."""

    id, version, device = "numpy", "1", "cpu"

    def __init__(self, function=lambda frames: frames.mean(0), tiling=LOCAL, frames=(1, 1)):
        self.function, self.tiling, self.frames = function, tiling, frames
        self.seen = []

    def describe(self):
        return {"id": self.id, "version": self.version, "weights_sha256": ""}

    def restore_window(self, frames):
        self.seen.append(frames.shape)
        return self.function(frames)


@pytest.fixture
def numpy_restorer():
    return NumpyRestorer


@pytest.fixture
def rng():
    return np.random.default_rng(7)
