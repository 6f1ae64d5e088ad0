"""Devices and precisions: what is there is named, what is not is refused, nothing is replaced in silence."""

import pytest
import torch

from napari_emrestore.core import DeviceError, InputError
from napari_emrestore.restoration import devices
from napari_emrestore.restoration.devices import Device, list_devices, pick_device, pick_precision

CPU = Device("cpu", "cpu", 0)


@pytest.fixture
def two_cards(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda name: f"Card {name[-1]}")
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda name: (1000 * (1 + int(name[-1])), 9000))
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda name: (8, 6))


@pytest.fixture
def no_cards(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)


def test_the_cpu_is_always_last_and_has_memory():
    last = list_devices()[-1]
    assert last.name == "cpu"
    assert last.free_bytes > 2**20
    assert str(last) == "cpu"


@pytest.mark.usefixtures("two_cards")
def test_cards_are_listed_by_name_with_their_memory():
    first, second, *_ = list_devices()
    assert (str(first), first.free_bytes) == ("cuda:0 (Card 0)", 1000)
    assert (str(second), second.free_bytes) == ("cuda:1 (Card 1)", 2000)


@pytest.mark.usefixtures("two_cards")
@pytest.mark.parametrize(
    ("asked", "got"), [("auto", "cuda:0"), ("cuda", "cuda:0"), ("cuda:1", "cuda:1"), ("cpu", "cpu")]
)
def test_the_device_asked_for_is_the_one_that_comes(asked, got):
    assert pick_device(asked).name == got


@pytest.mark.usefixtures("no_cards")
def test_auto_without_cards_is_the_cpu():
    assert pick_device("auto").name == "cpu"


@pytest.mark.usefixtures("no_cards")
@pytest.mark.parametrize("asked", ["cuda", "cuda:0", "mps", "tpu", ""])
def test_an_absent_device_is_refused(asked):
    with pytest.raises(DeviceError, match="one of cpu"):
        pick_device(asked)


@pytest.mark.usefixtures("two_cards")
def test_a_card_beyond_the_last_is_refused():
    with pytest.raises(DeviceError, match="cuda:0, cuda:1, cpu"):
        pick_device("cuda:2")


@pytest.mark.parametrize(
    ("bf16", "allowed", "got"),
    [
        (True, ("fp32", "bf16"), "bf16"),
        (False, ("fp32", "bf16"), "fp32"),
        (True, ("fp32",), "fp32"),
        (True, ("fp32", "fp16"), "fp32"),
    ],
)
def test_auto_precision_needs_the_card_and_the_hardware(monkeypatch, bf16, allowed, got):
    monkeypatch.setattr(devices, "_cpu_has_bf16", lambda: bf16)
    assert pick_precision("auto", CPU, allowed) == got


def test_a_precision_the_card_does_not_list_is_refused(monkeypatch):
    monkeypatch.setattr(devices, "_cpu_has_bf16", lambda: True)
    with pytest.raises(InputError, match="safe in fp32"):
        pick_precision("bf16", CPU, ("fp32",))
    with pytest.raises(InputError):
        pick_precision("int8", CPU, ("fp32",))


def test_a_precision_the_device_lacks_is_refused(monkeypatch):
    monkeypatch.setattr(devices, "_cpu_has_bf16", lambda: False)
    with pytest.raises(DeviceError, match="computes in fp32"):
        pick_precision("bf16", CPU, ("fp32", "bf16"))


@pytest.mark.usefixtures("two_cards")
def test_a_young_card_runs_bf16_and_an_old_one_fp16(monkeypatch):
    card = Device("cuda:0", "Card 0", 0)
    allowed = ("fp32", "bf16", "fp16")
    assert pick_precision("auto", card, allowed) == "bf16"
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda name: (7, 5))
    assert pick_precision("auto", card, allowed) == "fp16"
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda name: (6, 1))
    assert pick_precision("auto", card, allowed) == "fp32"
