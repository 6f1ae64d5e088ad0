import warnings

import pytest
import torch


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
