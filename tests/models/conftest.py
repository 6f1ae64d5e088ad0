import importlib.util
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from napari_emrestore.core import ModelCard, TilingRule, TrainedRange
from napari_emrestore.models import file_sha256, write_card
from napari_emrestore.models.architectures import ARCHITECTURES


def tiny_module():
    path = Path(__file__).parent / "tiny_net.py"
    spec = importlib.util.spec_from_file_location("emrestore_tiny_net", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def tiny(monkeypatch):
    """The module of the small test network, registered as the architecture "tiny"."""
    module = tiny_module()
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setitem(ARCHITECTURES, "tiny", f"{module.__name__}:build")
    return module


@pytest.fixture
def models_home(tmp_path, monkeypatch):
    """An empty user's models folder and an empty set of bundled cards."""
    from napari_emrestore.models import catalogue

    home, bundled = tmp_path / "user" / "models", tmp_path / "bundled"
    home.mkdir(parents=True)
    bundled.mkdir()
    monkeypatch.setattr(catalogue, "models_folder", lambda: home)
    monkeypatch.setattr(catalogue, "bundled_cards_folder", lambda: bundled)
    return home


@pytest.fixture
def weights(tiny):
    """Random weights of the small network, by name."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        return {name: tensor.clone() for name, tensor in tiny.build().state_dict().items()}


@pytest.fixture
def make_card(tmp_path, weights):
    """Write weights and card; return the card."""

    def make(folder=tmp_path, *, tensors=weights, suffix=".safetensors", **changes):
        name = changes.get("id", "tiny-net")
        path = folder / f"{name}{suffix}"
        if suffix == ".safetensors":
            save_file(tensors, path)
        else:
            torch.save(tensors, path)
        facts = {
            "id": name,
            "version": "1.0",
            "name": "Tiny",
            "summary": "A net for tests.",
            "task": "denoise",
            "architecture": "tiny",
            "parameters": {"width": 6},
            "weights": path,
            "sha256": file_sha256(path),
            "tiling": TilingRule(4, 16),
            "trained": TrainedRange((1, 4), (5.0, 50.0)),
            "training": {"data": ["none"], "steps": 0, "seconds": 0.5},
            "validation": ({"data": "none", "psnr_db": 1.5},),
            "known_failures": ("everything",),
            "license": "BSD-3-Clause",
            "credit": "nobody",
        }
        card = ModelCard(**{**facts, **changes})
        write_card(card, folder / f"{name}.toml")
        return card

    return make
