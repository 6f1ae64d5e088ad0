"""TorchScript files: opened without a card, refused when they could do more than compute."""

import os
import pickle
import zipfile

import numpy as np
import pytest
import torch

from napari_emrestore.core import IntensityMap, ModelError, TilingRule, TrainedRange
from napari_emrestore.models import find_card, load_network, write_card
from napari_emrestore.models.foreign.recognising import kind_of
from napari_emrestore.restoration import load_restorer, restore


class Mean(torch.nn.Module):
    """Any number of frames to their mean, with a channel axis, sides that are even."""

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        halves = torch.nn.functional.avg_pool2d(frames.mean(1, keepdim=True), 2)
        return torch.nn.functional.interpolate(halves, scale_factor=2.0, mode="nearest")


class Filter(torch.nn.Module):
    """One frame to one filtered image."""

    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(1, 1, 5, padding=2)

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        return self.conv(frames)[:, 0]


class Pair(torch.nn.Module):
    def forward(self, frames: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return frames, frames


class Saver(torch.nn.Module):
    def __init__(self, target: str):
        super().__init__()
        self.target = target

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        torch.save(frames, self.target)
        return frames[:, 0]


class Waker(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.training = False
        self.level = 1.0

    @torch.jit.export
    def __getstate__(self):
        return (self.level, self.training)

    @torch.jit.export
    def __setstate__(self, state: tuple[float, bool]):
        self.level = state[0]
        self.training = state[1]

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        return frames[:, 0] * self.level


def test_frames_and_stride_are_found_by_trying(save_script):
    card = find_card(save_script(Mean(), "My Net.pt"))
    assert card.id == "my-net"
    assert card.architecture == "torchscript"
    assert card.trained.frames == (1, 8)
    assert card.tiling == TilingRule(2, 0, "whole")
    assert any("unknown" in failure for failure in card.known_failures)


def test_a_traced_network_restores_like_the_original(save_script):
    single = Filter().eval()
    path = save_script(single, example=torch.rand(1, 1, 64, 96))
    restorer = load_restorer(path)
    assert restorer.frames == (1, 1)
    assert restorer.tiling == TilingRule(1, 0, "whole")
    image = np.random.default_rng(0).random((64, 96), np.float32)
    made = restore(image, restorer, intensity=IntensityMap(0.0, 1.0))
    with torch.inference_mode():
        wanted = single(torch.from_numpy(image)[None, None])[0].numpy()
    np.testing.assert_allclose(made.image, wanted, atol=1e-5)
    assert made.provenance.model["architecture"] == "torchscript"


def test_a_folder_with_one_file_is_a_model(save_script):
    path = save_script(Mean())
    assert find_card(path.parent).weights == path


def test_a_card_beside_the_file_is_believed(save_script):
    import dataclasses

    path = save_script(Mean())
    card = dataclasses.replace(
        find_card(path), tiling=TilingRule(2, 2, "exact"), trained=TrainedRange((2, 5)), id="mine"
    )
    write_card(card, path.with_suffix(".toml"))
    assert find_card(path) == card
    assert load_restorer(path).frames == (2, 5)


def test_a_changed_file_is_refused(save_script):
    card = find_card(save_script(Mean()))
    save_script(Pair())
    with pytest.raises(ModelError, match="SHA-256"):
        load_network(card)


def test_a_module_that_returns_something_else_is_refused(save_script):
    with pytest.raises(ModelError, match="took no image"):
        find_card(save_script(Pair()))


def test_a_module_that_writes_files_is_refused_and_runs_nothing(save_script, tmp_path):
    target = str(tmp_path / "was-here")
    path = save_script(Saver(target))
    with pytest.raises(ModelError, match=r"reads or writes files \(torch\.save"):
        load_restorer(path)
    assert not os.path.exists(target)


def test_a_module_that_runs_while_it_loads_is_refused(save_script):
    with pytest.raises(ModelError, match="runs code while it is loaded"):
        find_card(save_script(Waker()))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("    x = torch.from_file('/etc/passwd')\n", "files"),
        ("    x = ops.aten.save(frames, 'x')\n", "files"),
        ("    x = ops.mine.run(frames)\n", "extension"),
        ("    x = ops.prim.rpc_sync(frames)\n", "other programs"),
        ("    x = torch.classes.mine.Thing(frames)\n", "files"),
    ],
)
def test_forbidden_operators_are_found_in_the_source(save_script, tmp_path, line, said):
    path, changed = save_script(Mean()), tmp_path / "changed.pt"
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(changed, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            target.writestr(name, content + line.encode() if name.endswith(".py") else content)
    with pytest.raises(ModelError, match=said):
        find_card(changed)


class Hostile:
    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return os.mkdir, (self.target,)


@pytest.mark.parametrize("protocol", [2, 4])
def test_a_hostile_pickle_inside_is_refused_and_runs_nothing(save_script, tmp_path, protocol):
    path, changed = save_script(Mean()), tmp_path / "changed.pt"
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(changed, "w") as target:
        for name in source.namelist():
            hostile = pickle.dumps(Hostile(str(tmp_path / "was-here")), protocol=protocol)
            target.writestr(name, hostile if name.endswith("data.pkl") else source.read(name))
    with pytest.raises(ModelError, match="asks for"):
        find_card(changed)
    assert not (tmp_path / "was-here").exists()


@pytest.mark.parametrize("kept", [0, 10, 400, -30])
def test_a_truncated_file_is_refused(save_script, kept):
    path = save_script(Mean())
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(ModelError):
        find_card(path)


def test_an_archive_without_its_weights_is_refused(save_script, tmp_path):
    path, changed = save_script(Filter()), tmp_path / "changed.pt"
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(changed, "w") as target:
        for name in source.namelist():
            if "/data/0" not in name:
                target.writestr(name, source.read(name))
    with pytest.raises(ModelError, match="whole"):
        find_card(changed)


def test_kinds_are_told_by_content(tmp_path, save_script):
    torch.save({"a": torch.zeros(1)}, tmp_path / "state.pt")
    assert kind_of(tmp_path / "state.pt") is None
    assert kind_of(save_script(Mean())) == "torchscript"
    (tmp_path / "text.zip").write_text("no archive")
    assert kind_of(tmp_path / "text.zip") is None
    assert kind_of(tmp_path / "absent.onnx") == "onnx"
