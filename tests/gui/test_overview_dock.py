"""The overview dock: a scan becomes layers while it is assembled, is stopped, gone on with, and tells."""

from types import SimpleNamespace

import numpy as np
import pytest
from napari.components import ViewerModel
from qtpy.QtCore import Qt
from tests.overview.conftest import make_scan, stack_of

from napari_emrestore.cameras.scanning import ScanPath
from napari_emrestore.cameras.specimen import procedural_specimen
from napari_emrestore.core import Frame
from napari_emrestore.io import write_image
from napari_emrestore.overview import open_mosaic
from napari_emrestore.pipeline import scans
from napari_emrestore.pipeline.recorder import Recorder
from napari_emrestore.widgets.layers import image_options, pixel_size_nm, provenance_of
from napari_emrestore.widgets.overview import OverviewDock
from napari_emrestore.widgets.overview.state import OverviewState, free_output
from napari_emrestore.widgets.overview.work import REPLACED

WAIT_MS = 120_000


@pytest.fixture(scope="module")
def scan():
    return make_scan(procedural_specimen(512, np.random.default_rng(7)), ScanPath(1, 6, 20.0, 0.0))


@pytest.fixture
def viewer(scan):
    viewer = ViewerModel()
    viewer.add_image(scan.frames.copy(), **image_options(stack_of(scan).acquisition, stack=True))
    return viewer


@pytest.fixture
def dock(qtbot, viewer, tmp_path):
    dock = OverviewDock(viewer)
    qtbot.addWidget(dock)
    dock.state.output = str(tmp_path / "made.zarr")
    dock.state.dark = 200.0
    return dock


def build(qtbot, dock):
    with qtbot.waitSignal(dock.jobs.ended, timeout=WAIT_MS):
        qtbot.mouseClick(dock.view.run.button, Qt.MouseButton.LeftButton)


def test_a_stack_becomes_its_overview_with_maps_and_record(qtbot, dock, viewer, scan, tmp_path):
    raw = viewer.layers[0].data.copy()
    dock.state.model = "mean"
    build(qtbot, dock)
    assert dock.view.run.label.text() == "Wrote made.zarr"
    names = [layer.name for layer in viewer.layers]
    assert names[-2:] == ["made", "made · restored"]
    assert {f"made · {name}" for name in ("frames", "coverage", "residual", "confidence")} < set(names)
    assert len(names) == len(set(names)) == 7
    restored = viewer.layers["made · restored"]
    assert pixel_size_nm(restored) == (4.0, 4.0)
    assert provenance_of(restored).model["id"] == "mean"
    assert [layer.visible for layer in viewer.layers[1:5]] == [False] * 4
    mosaic = open_mosaic(tmp_path / "made.zarr")
    shown = restored.data[0] if restored.multiscale else restored.data
    np.testing.assert_array_equal(np.asarray(shown), mosaic.levels("restored")[0][:])
    assert "6 of 6 frames" in dock.view.facts.text()
    np.testing.assert_array_equal(viewer.layers[0].data, raw)


def test_its_layers_are_there_while_it_grows(qtbot, dock, viewer):
    seen = []
    dock.jobs.part.connect(lambda mosaic: seen.append((mosaic.complete, len(viewer.layers))))
    build(qtbot, dock)
    assert seen[0][0] is False
    assert seen[0][1] == 6, "the stack, raw and four maps, before the first tile was made"


def test_what_was_stopped_goes_on(qtbot, dock, viewer, tmp_path):
    dock.jobs.part.connect(lambda mosaic: dock.jobs.cancel())
    build(qtbot, dock)
    assert "go on" in dock.view.run.label.text() or open_mosaic(tmp_path / "made.zarr").complete
    dock.jobs.part.disconnect()
    dock.jobs.part.connect(dock._show_growth)
    build(qtbot, dock)
    assert open_mosaic(tmp_path / "made.zarr").complete
    assert len({layer.name for layer in viewer.layers}) == len(viewer.layers), "no layer twice"


def test_a_recording_is_read_from_its_file(qtbot, dock, viewer, scan, tmp_path):
    path = write_image(tmp_path / "scan.zarr", scan.frames, stack_of(scan).acquisition)
    viewer.layers.clear()
    dock.view.recording.setText(str(path))
    dock.view.recording.editingFinished.emit()
    assert dock.view.run.button.isEnabled()
    assert not dock.view.layer.isEnabled()
    build(qtbot, dock)
    assert provenance_of(viewer.layers["made"]).inputs[0]["path"] == str(path)


def test_a_scan_that_is_still_recorded_grows_as_a_layer_and_gives_way_to_its_mosaic(
    qtbot, dock, viewer, scan, tmp_path, monkeypatch
):
    monkeypatch.setattr(scans, "_LOOK_EVERY_S", 0.02)
    monkeypatch.setattr(scans, "_SKETCH_EVERY_S", 0.0)
    monkeypatch.setattr("napari_emrestore.pipeline.recorder._FLUSH_S", 0.02)
    known = stack_of(scan).acquisition
    source = SimpleNamespace(frame_shape=scan.frames.shape[1:], dtype=scan.frames.dtype, acquisition=known)
    recorder = Recorder(tmp_path / "running.zarr", source)
    recorder.put(Frame(scan.frames[0], 0, known))
    dock.state.recording = str(recorder.path)
    qtbot.mouseClick(dock.view.run.button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "scan · provisional" in viewer.layers, timeout=WAIT_MS)
    sketch = viewer.layers["scan · provisional"]
    first = sketch.extent.world[1]
    for number in range(1, 4):
        recorder.put(Frame(scan.frames[number], number, known))
    qtbot.waitUntil(lambda: (sketch.extent.world[1] > first + 100).any(), timeout=WAIT_MS)
    assert "Provisional" in dock.view.facts.text()
    said = []
    dock.jobs.part.connect(lambda part: said.append(dock.view.facts.text()))
    with qtbot.waitSignal(dock.jobs.ended, timeout=WAIT_MS):
        for number in range(4, len(scan.frames)):
            recorder.put(Frame(scan.frames[number], number, known))
        recorder.end()
    assert sketch not in viewer.layers
    assert REPLACED in said
    assert open_mosaic(tmp_path / "made.zarr").complete
    assert "made" in viewer.layers
    assert "6 of 6 frames" in dock.view.facts.text()
    np.testing.assert_allclose(
        viewer.layers["made"].extent.world[1], sketch.extent.world[1] - sketch.extent.world[0], atol=12.0
    )


def test_the_button_says_why_it_waits(qtbot, dock, viewer, tmp_path):
    dock.state.output = str(tmp_path / "made.tif")
    assert ".zarr" in dock.view.run.button.toolTip()
    dock.state.output = ""
    assert "written" in dock.view.run.button.toolTip()
    viewer.layers.clear()
    assert "stack" in dock.view.run.button.toolTip()
    assert not dock.view.run.button.isEnabled()


def test_errors_are_told_in_a_sentence(qtbot, dock, viewer, tmp_path):
    (tmp_path / "made.zarr").mkdir()
    (tmp_path / "made.zarr" / "note.txt").write_text("mine")
    dock.state.output = str(tmp_path / "other.zarr")
    dock.state.recording = str(tmp_path / "nothing.zarr")
    build(qtbot, dock)
    assert "nothing.zarr" in dock.view.run.label.text()


def test_settings_are_kept_and_a_free_name_is_offered(qtbot, dock, viewer, tmp_path):
    dock.view.frames.setValue(9)
    again = OverviewDock(viewer)
    qtbot.addWidget(again)
    assert again.state.frames == 9
    assert again.state.output.endswith(" mosaic.zarr")
    (tmp_path / "a mosaic.zarr").mkdir()
    assert free_output(tmp_path, "a.zarr") == str(tmp_path / "a mosaic 2.zarr")
    state = OverviewState()
    state.restore_record({"frames": "many", "maps": False})
    assert (state.frames, state.maps) == (5, False)
