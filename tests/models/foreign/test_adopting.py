"""Anybody's model file becomes one of the person's own, once, under a free name; a bad one leaves nothing."""

import pickle

import pytest
import torch

from napari_emrestore.core import ModelError
from napari_emrestore.models import adopt_model, catalogue, find_card, folders
from napari_emrestore.restoration import load_restorer


@pytest.fixture
def home(tmp_path, monkeypatch):
    for place in (catalogue, folders):
        monkeypatch.setattr(place, "models_folder", lambda: tmp_path / "models")
    return tmp_path / "models"


class Mean(torch.nn.Module):
    """The mean of the frames, a little brighter."""

    def __init__(self, gain: float = 1.0):
        super().__init__()
        self.gain = torch.nn.Parameter(torch.tensor(gain))

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        return frames.mean(1) * self.gain


def test_a_file_is_listed_where_it_lies_and_only_once(save_script, home):
    path = save_script(Mean(), "Their net.pt")
    card = adopt_model(path)
    assert card.id == "their-net"
    assert find_card("their-net").weights == path.resolve()
    assert load_restorer("their-net", device="cpu").frames == card.trained.frames
    assert adopt_model(path).id == "their-net"
    assert len(list(home.iterdir())) == 1
    path.write_bytes(b"other")
    with pytest.raises(ModelError, match="SHA-256"):
        load_restorer("their-net")


def test_a_name_that_is_taken_gets_a_number(save_script, home):
    assert adopt_model(save_script(Mean(2.0), "burst-naf.pt")).id == "burst-naf-2"
    assert adopt_model(save_script(Mean(3.0), "burst-naf.ts")).id == "burst-naf-3"


def test_what_cannot_be_used_leaves_nothing(tmp_path, home):
    class Hostile:
        def __reduce__(self):
            return (tmp_path.joinpath("ran").touch, ())

    (tmp_path / "hostile.pt").write_bytes(pickle.dumps(Hostile()))
    (tmp_path / "cut.onnx").write_bytes(b"\x08\x07")
    for name in ("hostile.pt", "cut.onnx", "missing.pt"):
        with pytest.raises(ModelError, match=name):
            adopt_model(tmp_path / name)
    assert not home.exists()
    assert not (tmp_path / "ran").exists()
