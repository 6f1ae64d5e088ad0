import warnings

import pytest
import torch

from napari_emrestore.models import build_network


@pytest.fixture
def single():
    """A one-frame network with image-wide statistics: stride 16."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        return build_network("katsuno_unet", {"width": "quarter"}).eval().requires_grad_(False)


@pytest.fixture
def save_script(tmp_path):
    """Write a module as a TorchScript file."""

    def save(module, name="net.pt", example=None):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch.jit is deprecated; such files stay around
            script = torch.jit.script(module) if example is None else torch.jit.trace(module, example)
            torch.jit.save(script, str(tmp_path / name))
        return tmp_path / name

    return save
