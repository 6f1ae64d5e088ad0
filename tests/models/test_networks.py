"""Networks from cards: the right weights or one clear error, and never code from a file."""

import dataclasses
import os
import pickle

import pytest
import torch

from napari_emrestore.core import ModelError
from napari_emrestore.models import build_network, file_sha256, load_network


def with_file(card, path):
    return dataclasses.replace(card, weights=path, sha256=file_sha256(path))


@pytest.mark.parametrize("suffix", [".safetensors", ".pt", ".pth"])
def test_weights_arrive_unchanged_and_the_network_is_ready(make_card, weights, suffix):
    network = load_network(make_card(suffix=suffix))
    assert not network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())
    for name, tensor in network.state_dict().items():
        torch.testing.assert_close(tensor, weights[name], rtol=0, atol=0)


def test_half_precision_weights_are_widened(make_card, weights):
    half = {name: tensor.half() for name, tensor in weights.items()}
    network = load_network(make_card(tensors=half))
    for name, tensor in network.state_dict().items():
        assert tensor.dtype == torch.float32
        torch.testing.assert_close(tensor, half[name].float(), rtol=0, atol=0)


def test_loading_leaves_the_random_state_alone(make_card):
    card = make_card()
    before = torch.random.get_rng_state()
    load_network(card)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_changed_weights_are_refused(make_card):
    card = make_card()
    with card.weights.open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"\x01")
    with pytest.raises(ModelError, match="SHA-256"):
        load_network(card)


@pytest.mark.parametrize("suffix", [".safetensors", ".pt"])
@pytest.mark.parametrize("kept", [0, 1, 7, 100, -1])
def test_truncated_weights_are_refused(make_card, suffix, kept):
    card = make_card(suffix=suffix)
    card.weights.write_bytes(card.weights.read_bytes()[:kept])
    with pytest.raises(ModelError):
        load_network(with_file(card, card.weights))


@pytest.mark.parametrize("suffix", [".safetensors", ".pt"])
def test_weights_of_another_kind_are_refused(make_card, suffix):
    card = make_card(suffix=suffix)
    card.weights.write_bytes(bytes(range(256)) * 40)
    with pytest.raises(ModelError):
        load_network(with_file(card, card.weights))


class Hostile:
    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return os.mkdir, (self.target,)


@pytest.mark.parametrize("plain", [True, False])
def test_a_hostile_pickle_is_refused_and_runs_nothing(make_card, weights, tmp_path, plain):
    target = str(tmp_path / "was-here")
    path = tmp_path / "hostile.pt"
    if plain:
        path.write_bytes(pickle.dumps(Hostile(target), protocol=2))
    else:
        torch.save({**weights, "exit.bias": Hostile(target)}, path)
    with pytest.raises(ModelError, match="only tensors"):
        load_network(with_file(make_card(), path))
    assert not os.path.exists(target)


@pytest.mark.parametrize("content", [[1, 2], {"model": {"a": torch.zeros(1)}}, {"a": 1}])
def test_a_file_with_other_content_is_refused(make_card, tmp_path, content):
    torch.save(content, tmp_path / "other.pt")
    with pytest.raises(ModelError, match="names to tensors"):
        load_network(with_file(make_card(), tmp_path / "other.pt"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda w: w.pop("exit.bias"), "lacks exit.bias"),
        (lambda w: w.update(extra=torch.zeros(2)), "has extra"),
        (lambda w: w.update({"exit.bias": torch.zeros(5)}), r"exit.bias is \(5,\) for \(4,\)"),
        (lambda w: w["exit.bias"].fill_(float("nan")), "not finite"),
    ],
)
def test_weights_that_do_not_fit_are_refused(make_card, weights, change, said):
    changed = {name: tensor.clone() for name, tensor in weights.items()}
    change(changed)
    with pytest.raises(ModelError, match=said):
        load_network(make_card(tensors=changed))


def test_a_card_without_weights_cannot_be_run(make_card):
    with pytest.raises(ModelError, match="without weights"):
        load_network(dataclasses.replace(make_card(), weights=None, sha256=""))


def test_missing_weights_are_named(make_card):
    card = make_card()
    card.weights.unlink()
    with pytest.raises(ModelError, match=r"tiny-net\.safetensors"):
        load_network(card)


def test_an_unknown_architecture_or_parameter_is_refused(tiny):
    with pytest.raises(ModelError, match="burst_naf"):
        build_network("nobody", {})
    with pytest.raises(ModelError, match="its own parameters"):
        build_network("tiny", {"depth": 3})
    with pytest.raises(ModelError, match="its own parameters"):
        build_network("katsuno_unet", {"width": "huge"})
