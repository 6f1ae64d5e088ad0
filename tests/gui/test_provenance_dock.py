"""What made this layer?: it is told plainly, and leads back to the same pixels."""

import json
import shlex
import subprocess
import sys

import numpy as np
import pytest
from napari.components import ViewerModel
from npe2 import PluginManager
from qtpy.QtGui import QGuiApplication

from napari_emrestore.cli import main
from napari_emrestore.core import Acquisition, Provenance
from napari_emrestore.io import open_frames, write_image
from napari_emrestore.pipeline import RunSettings
from napari_emrestore.widgets.hooks import run_in_viewer
from napari_emrestore.widgets.hooks.replays import run_on_layer
from napari_emrestore.widgets.layers import image_options, provenance_of
from napari_emrestore.widgets.provenance import ProvenanceDock
from napari_emrestore.widgets.provenance.accounts import account_of

KNOWN = Acquisition("stream", pixel_size_nm=(2.0, 2.0), frame_axis="time", frame_step=30.0)


@pytest.fixture(scope="module")
def frames():
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(3)
    scene = np.clip(200 * (2 + gaussian_filter(rng.normal(size=(90, 100)), 2.5) * 8), 20, None)
    return np.stack([rng.poisson(scene[k : k + 70, 2 * k : 2 * k + 80]) for k in range(4)]).astype(np.uint16)


@pytest.fixture(autouse=True, scope="module")
def _discovered():
    """Let the plugin manager find the installed manifest, as napari's start does."""
    PluginManager.instance().discover()


@pytest.fixture
def opened(qtbot, frames, tmp_path):
    """Return a viewer, a dock and a restored layer of a file."""
    path = write_image(tmp_path / "stream.ome.tif", frames, KNOWN)
    return _restored(qtbot, ViewerModel(), str(path))


@pytest.fixture
def in_memory(qtbot, frames):
    """Return a viewer, a dock and a restored layer of a layer that is in no file."""
    viewer = ViewerModel()
    viewer.add_image(frames, **image_options(KNOWN, stack=True))
    return _restored(qtbot, viewer, "stream")


def _restored(qtbot, viewer, source):
    settings = RunSettings(source, "mean", frames=3, kind="translation", skip=(1,))
    in_layer = source == "stream"
    jobs = run_on_layer(viewer, viewer.layers[0], settings) if in_layer else run_in_viewer(viewer, settings)
    with qtbot.waitSignal(jobs.ended, timeout=60_000):
        pass
    dock = ProvenanceDock(viewer)
    qtbot.addWidget(dock)
    return viewer, dock, viewer.layers[-1]


def click(qtbot, dock, button):
    with qtbot.waitSignal(dock.jobs.ended, timeout=60_000):
        button.click()


def shown(dock):
    from qtpy.QtWidgets import QLabel

    return [label.text() for label in dock.view.findChildren(QLabel)]


def run_script(path):
    return subprocess.run([sys.executable, path], capture_output=True, text=True, check=True)


def pixels(path):
    with open_frames(path) as stack:
        return np.asarray(stack.data[0])


def test_the_record_is_told_plainly(opened):
    _, dock, layer = opened
    assert dock.state.layer == layer.name == "stream · mean"
    texts = shown(dock)
    assert any(text.startswith("Restored by mean 1 from stream in ") for text in texts)
    assert "translation" in texts
    assert "frames 0 to 2, onto frame 0" in texts or "frames 0 to 2, onto frame 2" in texts
    assert any("frame 1: " in text for text in texts)


def test_the_record_is_copied_as_json(opened):
    _, dock, layer = opened
    dock.view.copy_record.click()
    copied = QGuiApplication.clipboard().text()
    assert json.loads(copied) == json.loads(provenance_of(layer).to_json())


def test_the_layer_is_made_again_with_the_same_pixels(opened, qtbot):
    viewer, dock, layer = opened
    click(qtbot, dock, dock.view.repeat.button)
    assert dock.view.repeat.label.text() == "Made again: every pixel is the same."
    again = viewer.layers[-1]
    assert again is not layer
    np.testing.assert_array_equal(again.data, layer.data)
    np.testing.assert_array_equal(again.extent.world, layer.extent.world)


def test_pixels_that_were_changed_since_are_told(opened, qtbot):
    _, dock, layer = opened
    layer.data = layer.data + 0.5
    dock.look()
    click(qtbot, dock, dock.view.repeat.button)
    assert dock.view.repeat.label.text() == "Made again: pixels differ by up to 0.5."


def test_the_command_line_gives_the_same_pixels(opened):
    _, dock, layer = opened
    dock.view.copy_command.click()
    words = shlex.split(QGuiApplication.clipboard().text())
    assert main([*words[1:], "--json"]) == 0
    np.testing.assert_array_equal(pixels(words[words.index("--output") + 1]), layer.data)


def test_the_script_of_a_file_gives_the_same_pixels_without_a_screen(opened, qtbot, tmp_path):
    _, dock, layer = opened
    with qtbot.waitSignal(dock.jobs.ended):
        dock.export_script(tmp_path / "again.py")
    assert "again.py" in dock.view.repeat.label.text()
    run_script(tmp_path / "again.py")
    np.testing.assert_array_equal(pixels(tmp_path / "again.ome.tif"), layer.data)


def test_a_script_takes_an_input_along_that_is_in_no_file(in_memory, qtbot, tmp_path):
    _, dock, layer = in_memory
    assert not dock.view.copy_command.isEnabled()
    assert "export a script" in dock.view.copy_command.toolTip()
    with qtbot.waitSignal(dock.jobs.ended):
        dock.export_script(tmp_path / "again.py")
    run_script(tmp_path / "again.py")
    np.testing.assert_array_equal(pixels(tmp_path / "again.ome.tif"), layer.data)


def test_napari_runs_the_script_and_adds_the_layer(in_memory, qtbot, tmp_path, make_napari_viewer_proxy):
    from napari_emrestore.widgets.hooks import background

    _, dock, layer = in_memory
    with qtbot.waitSignal(dock.jobs.ended):
        dock.export_script(tmp_path / "again.py")
    viewer = make_napari_viewer_proxy()
    viewer.open(str(tmp_path / "again.py"), plugin="napari")
    qtbot.waitUntil(lambda: not background.at_work() and len(viewer.layers) == 2, timeout=60_000)
    source, result = viewer.layers
    assert source.source.reader_plugin == "napari-emrestore"
    np.testing.assert_array_equal(result.data, layer.data)
    np.testing.assert_array_equal(result.extent.world, layer.extent.world)


def test_an_input_layer_with_other_pixels_is_refused(in_memory, qtbot, tmp_path):
    viewer, dock, _ = in_memory
    viewer.layers["stream"].data = viewer.layers["stream"].data + 1
    click(qtbot, dock, dock.view.repeat.button)
    assert "holds other pixels than the record says" in dock.view.repeat.label.text()
    assert len(viewer.layers) == 2


def test_without_its_input_a_layer_is_only_told(in_memory, qtbot):
    viewer, dock, _ = in_memory
    viewer.layers.remove(viewer.layers["stream"])
    qtbot.waitUntil(lambda: not dock.view.repeat.button.isEnabled())
    assert "neither a file nor a layer any more" in dock.view.repeat.button.toolTip()
    assert dock.view.copy_record.isEnabled()


def test_the_selection_is_followed(in_memory, qtbot):
    viewer, dock, layer = in_memory
    viewer.layers.selection.active = viewer.layers["stream"]
    qtbot.waitUntil(lambda: dock.state.layer == "stream")
    assert "Nothing made this layer here: it holds what was opened." in shown(dock)
    assert "30 ms" in shown(dock)
    assert not dock.view.copy_record.isEnabled()
    viewer.layers.selection.active = layer
    layer.name = "renamed"
    qtbot.waitUntil(lambda: dock.state.layer == "renamed")
    viewer.layers.clear()
    qtbot.waitUntil(lambda: dock.state.layer == "")
    assert any("Select one layer" in text for text in shown(dock))


def test_settings_go_to_the_restore_dock(make_napari_viewer_proxy, qtbot, frames):
    from napari_emrestore.widgets.restore import RestoreDock

    viewer = make_napari_viewer_proxy()
    viewer.add_image(frames, **image_options(KNOWN, stack=True))
    *_, layer = _restored(qtbot, viewer, "stream")
    _, dock = viewer.window.add_plugin_dock_widget("napari-emrestore", "What made this layer?")
    assert dock.state.layer == layer.name
    dock.view.change.click()
    (restore,) = (w for w in viewer.window.dock_widgets.values() if isinstance(w, RestoreDock))
    assert (restore.state.model, restore.state.frames, restore.state.kind) == ("mean", 3, "translation")
    assert restore.state.decisions == {1: False}
    assert restore.view.input.layer.layer.name == "stream"


def test_a_closed_dock_hears_nothing(qtbot):
    viewer = ViewerModel()
    dock = ProvenanceDock(viewer)
    gone = []
    dock.destroyed.connect(lambda: gone.append(True))
    dock.deleteLater()
    qtbot.waitUntil(lambda: gone == [True])
    viewer.add_image(np.zeros((3, 4)))
    viewer.layers.clear()


@pytest.mark.parametrize(
    ("provenance", "summary"),
    [
        (Provenance("register", inputs=({"name": "s"},)), "Aligned from s on cpu."),
        (Provenance("made-up"), "Made by made-up on cpu."),
        (
            Provenance("run", {"id": "burst-naf", "version": "1.2"}, seconds=12.345, device="cuda:0"),
            "Restored by burst-naf 1.2 in 12.3 s on cuda:0.",
        ),
    ],
)
def test_a_summary_says_what_is_known_and_no_more(provenance, summary):
    assert account_of(provenance, Acquisition()).summary == summary


def test_hashes_are_short_to_read_and_whole_to_copy():
    made = Provenance("run", {"id": "m", "weights_sha256": "ab" * 32, "parameters": {"kernel": [0.25, 0.5]}})
    ((_, (_, weights, parameters)), *_) = account_of(made, Acquisition()).groups
    assert weights.text == "abababababab …"
    assert weights.whole == "ab" * 32
    assert parameters.text == "kernel 0.25, 0.5"
