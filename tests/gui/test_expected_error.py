"""The expected error as a layer: offered where a model tells it, lying where its restoration lies."""

import numpy as np
import pytest
from napari.components import ViewerModel
from tests.small_networks import small_card

from napari_emrestore.core import Acquisition, TrainedRange
from napari_emrestore.models import catalogue, write_card
from napari_emrestore.pipeline.line import EXPECTED_ERROR
from napari_emrestore.widgets.layers import image_options, provenance_of
from napari_emrestore.widgets.restore import RestoreDock

KNOWN = Acquisition("stream", pixel_size_nm=(2.0, 2.0), frame_axis="time", frame_step=30.0)
NAME = "stream · small · expected error"


@pytest.fixture
def model(tmp_path, monkeypatch):
    """A small network in the person's models folder that tells its expected error."""
    folder = tmp_path / "models"
    folder.mkdir()
    write_card(small_card(folder, trained=TrainedRange((1, 8))), folder / "small.toml")
    monkeypatch.setattr(catalogue, "models_folder", lambda: folder)


@pytest.fixture
def viewer():
    frames = np.random.default_rng(0).poisson(100, (6, 40, 52)).astype(np.uint16)
    viewer = ViewerModel()
    viewer.add_image(frames, **image_options(KNOWN, stack=True))
    return viewer


@pytest.fixture
def dock(qtbot, model, viewer):
    dock = RestoreDock(viewer)
    qtbot.addWidget(dock)
    for name, value in {"model": "small", "meaning": "aligned", "frames": 3, "device": "cpu"}.items():
        setattr(dock.state, name, value)
    return dock


def run(qtbot, dock):
    with qtbot.waitSignal(dock.runs.ended, timeout=60_000):
        dock.view.run.button.click()


def test_only_a_model_that_tells_it_is_asked(dock):
    box = dock.view.expected_error
    assert box.isEnabled()
    assert "not measured" in box.toolTip()
    box.setChecked(True)
    assert dock.state.settings("x").expected_error
    dock.state.model = "mean"
    assert not box.isEnabled()
    assert "cannot tell" in box.toolTip()
    assert box.isChecked()  # for when the model is changed back
    assert not dock.state.settings("x").expected_error


def test_a_run_gives_the_layer_in_place_under_its_restoration(qtbot, viewer, dock):
    dock.view.expected_error.setChecked(True)
    run(qtbot, dock)
    result, error = viewer.layers["stream · small"], viewer.layers[NAME]
    assert [layer.name for layer in viewer.layers] == ["stream", NAME, "stream · small"]
    assert viewer.layers.selection.active is result
    assert error.data.shape == result.data.shape == (2, 40, 52)
    np.testing.assert_allclose(error.extent.world, result.extent.world)
    assert error.units == result.units
    assert tuple(error.axis_labels) == tuple(result.axis_labels)
    assert error.contrast_limits[0] == 0
    assert error.data.max() <= 2 * error.contrast_limits[1]
    told = provenance_of(error)
    assert told.notes[-1] == EXPECTED_ERROR
    assert told.model == provenance_of(result).model
    assert EXPECTED_ERROR not in provenance_of(result).notes


def test_one_burst_has_one_error_image(qtbot, viewer, dock):
    dock.state.frames = 6
    dock.view.expected_error.setChecked(True)
    run(qtbot, dock)
    assert viewer.layers[NAME].data.shape == (40, 52)
    np.testing.assert_allclose(viewer.layers[NAME].scale, viewer.layers["stream · small"].scale)


def test_unasked_there_is_no_such_layer(qtbot, viewer, dock):
    run(qtbot, dock)
    assert [layer.name for layer in viewer.layers] == ["stream", "stream · small"]


def test_the_tick_is_there_again(viewer, dock):
    dock.view.expected_error.setChecked(True)
    record = dock.state.to_record()
    dock.state.expected_error = False
    dock.state.restore_record(record)
    assert dock.view.expected_error.isChecked()
