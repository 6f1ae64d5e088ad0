"""Restorers by name: learned or classical, with the device and precision that were asked for."""

import dataclasses
import subprocess
import sys

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from napari_emrestore.core import DeviceError, InputError, ModelError
from napari_emrestore.models import architectures, file_sha256, write_card
from napari_emrestore.restoration import list_classical, load_restorer, restore


@pytest.fixture
def folder(tmp_path, network, card, monkeypatch):
    """A folder with a card and weights of the small network."""
    module = type(sys)("emrestore_tiny_build")
    module.build = type(network)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setitem(architectures.ARCHITECTURES, "tiny", f"{module.__name__}:build")
    save_file(network.state_dict(), tmp_path / "w.safetensors")
    weights = tmp_path / "w.safetensors"
    facts = {"weights": weights, "sha256": file_sha256(weights), "parameters": {"width": 6}, "license": "MIT"}
    write_card(dataclasses.replace(card, **facts), tmp_path / "card.toml")
    return tmp_path


def test_a_learned_restorer_from_a_folder_restores_like_its_network(folder, restorer, rng):
    loaded = load_restorer(folder, device="cpu", precision="fp32")
    assert (loaded.id, loaded.version, loaded.device, loaded.precision) == ("tiny", "1.0", "cpu", "fp32")
    image = rng.normal(300, 50, (60, 41))
    np.testing.assert_allclose(restore(image, loaded).image, restore(image, restorer).image, atol=1e-2)
    assert loaded.describe()["weights_sha256"] == file_sha256(folder / "w.safetensors")


def test_an_absent_device_is_refused(folder):
    if torch.cuda.device_count():
        pytest.skip("this machine has the device that must be absent")
    with pytest.raises(DeviceError):
        load_restorer(folder, device="cuda")


def test_a_precision_the_card_does_not_list_is_refused(folder):
    with pytest.raises(InputError, match="fp32, bf16"):
        load_restorer(folder, device="cpu", precision="fp16")


def test_every_classical_id_is_offered_and_one_restores(rng):
    assert {"mean", "gaussian", "nlmeans"} <= set(list_classical())
    stack = rng.normal(300, 50, (3, 20, 21))
    made = restore(stack, load_restorer("mean"))
    np.testing.assert_allclose(made.image, stack.mean(0), rtol=1e-5)
    assert made.provenance.model["id"] == "mean"
    assert "torch" not in made.provenance.versions


def test_classical_methods_stay_on_the_cpu_in_full_precision():
    with pytest.raises(DeviceError, match="run on the CPU"):
        load_restorer("gaussian", device="cuda:0")
    with pytest.raises(InputError, match="single precision"):
        load_restorer("gaussian", precision="bf16")
    assert load_restorer("gaussian", device="cpu", precision="fp32").device == "cpu"


def test_an_unknown_name_is_refused():
    with pytest.raises(ModelError, match="nobody"):
        load_restorer("nobody")


def test_importing_and_listing_loads_no_torch_and_classical_work_neither():
    code = (
        "import sys, numpy as np; import napari_emrestore.restoration as r; r.list_classical(); r.restore;"
        "r.load_restorer; r.TorchRestorer; r.plan_tiles;"
        "bad = {'torch', 'numba', 'skimage', 'zarr', 'dask'} & set(sys.modules); assert not bad, bad;"
        "r.restore(np.ones((20, 20)), r.load_restorer('mean')); assert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
