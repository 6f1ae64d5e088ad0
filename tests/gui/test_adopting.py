"""Models of others through the restore dock: opened, run, offered everywhere; bad ones leave a sentence."""

import pickle
import warnings

import numpy as np
import pytest
import torch
from napari.components import ViewerModel
from qtpy.QtWidgets import QFileDialog

from napari_emrestore.models import catalogue, folders
from napari_emrestore.widgets.layers import provenance_of
from napari_emrestore.widgets.restore import RestoreDock

WAIT_MS = 120_000


class Bright(torch.nn.Module):
    """The mean of the frames, brighter."""

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        return frames.mean(1) * 1.5


@pytest.fixture
def home(tmp_path, monkeypatch):
    for place in (catalogue, folders):
        monkeypatch.setattr(place, "models_folder", lambda: tmp_path / "models")
    return tmp_path / "models"


@pytest.fixture
def viewer():
    viewer = ViewerModel()
    frames = np.random.default_rng(0).poisson(40, (3, 40, 56)).astype(np.uint16)
    viewer.add_image(frames, name="stream", axis_labels=("t", "y", "x"))
    return viewer


@pytest.fixture
def dock(qtbot, viewer, home):
    dock = RestoreDock(viewer)
    qtbot.addWidget(dock)
    dock.state.meaning, dock.state.frames = "aligned", 3
    return dock


@pytest.fixture
def open_file(qtbot, dock, monkeypatch):
    """Open a file by the dock's button; return what it said."""

    def open_one(path):
        monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(path), ""))
        box = dock.view.model.adopt
        with qtbot.waitSignal(box.jobs.ended, timeout=WAIT_MS):
            box.run.button.click()
        return box.run.label.text()

    return open_one


def test_a_script_of_others_is_opened_run_and_offered_everywhere(qtbot, viewer, dock, open_file, tmp_path):
    from napari_emrestore.widgets.live import LiveDock

    live = LiveDock(viewer)
    qtbot.addWidget(live)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch.jit is deprecated; such files stay around
        torch.jit.save(torch.jit.script(Bright()), str(tmp_path / "theirs.pt"))
    assert "theirs is in every model menu" in open_file(tmp_path / "theirs.pt")
    assert dock.state.model == "theirs"
    assert live.view.restore.model.menu.findData("theirs") >= 0
    with qtbot.waitSignal(dock.runs.ended, timeout=WAIT_MS):
        dock.view.run.button.click()
    told = provenance_of(viewer.layers["stream · theirs"])
    assert told.model["architecture"] == "torchscript"


def test_what_cannot_be_opened_is_one_sentence_and_runs_nothing(dock, open_file, home, tmp_path):
    class Hostile:
        def __reduce__(self):
            return (tmp_path.joinpath("ran").touch, ())

    before = dock.state.model
    (tmp_path / "hostile.pt").write_bytes(pickle.dumps(Hostile()))
    (tmp_path / "cut.zip").write_bytes(b"PK\x03\x04 and no more")
    for name in ("hostile.pt", "cut.zip", "gone.onnx"):
        assert name in open_file(tmp_path / name)
    assert not (tmp_path / "ran").exists()
    assert not home.exists()
    assert dock.state.model == before
