"""The restore dock: results lie where they were measured, say what made them, and are never another run's."""

import json
from dataclasses import replace

import dask.array as da
import numpy as np
import pytest
from napari.components import ViewerModel
from npe2 import PluginManager
from qtpy.compat import isalive
from scipy.ndimage import gaussian_filter

from napari_emrestore.core import Acquisition, ModelCard, TilingRule, TrainedRange
from napari_emrestore.io import FrameStack, open_frames, pyramid, read_provenance
from napari_emrestore.pipeline import RunSettings, run_frames
from napari_emrestore.widgets.layers import image_options, metadata, provenance_of, read_frames
from napari_emrestore.widgets.preferences import Preferences
from napari_emrestore.widgets.restore import RestoreDock, choices, wiring
from napari_emrestore.widgets.restore.work import LiveCanvas

SHIFTS = [(0, 0), (2, -1), (3, 2), (-2, 1), (1, 3), (0, -2)]
SHAPE = (81, 98)
KNOWN = Acquisition("stream", pixel_size_nm=(2.0, 2.0), frame_axis="time", frame_step=30.0, dose_e=100.0)
WAIT_MS = 60_000


@pytest.fixture(scope="module")
def scene():
    """Frames of a moving field, and the noise-free field at the pose of each."""
    rng = np.random.default_rng(5)
    field = gaussian_filter(rng.normal(size=(120, 140)), 2.5)
    field = 400 + 250 * field / np.abs(field).max()
    truths = np.stack([field[10 + y : 10 + y + SHAPE[0], 12 + x : 12 + x + SHAPE[1]] for y, x in SHIFTS])
    return rng.poisson(truths).astype(np.uint16), truths.astype(np.float32)


@pytest.fixture
def viewer(scene):
    """A viewer with the stream, without a window."""
    viewer = ViewerModel()
    viewer.add_image(scene[0].copy(), **image_options(KNOWN, stack=True))
    return viewer


@pytest.fixture
def open_dock(qtbot):
    """Open docks with some settings; they are closed as napari does."""
    docks = []

    def open_one(viewer, **fields):
        dock = RestoreDock(viewer)
        docks.append(dock)
        settings = {"model": "mean", "kind": "translation", "frames": 3, **fields}
        for name, value in settings.items():
            setattr(dock.state, name, value)
        return dock

    yield open_one
    for dock in docks:
        close(qtbot, dock)


@pytest.fixture
def dock(open_dock, viewer):
    return open_dock(viewer)


def close(qtbot, dock):
    if isalive(dock):
        dock.close()
        dock.deleteLater()
        qtbot.waitUntil(lambda: not isalive(dock))


def click(qtbot, bar, jobs):
    """Press a button and wait for the end of its job."""
    with qtbot.waitSignal(jobs.ended, timeout=WAIT_MS):
        bar.button.click()


def run(qtbot, dock):
    click(qtbot, dock.view.run, dock.runs)
    return dock.view.run.label.text()


def said(dock):
    return dock.view.run.label.text()


def test_a_run_gives_a_layer_in_place_with_what_made_it(qtbot, viewer, dock, scene):
    raw = viewer.layers["stream"]
    before = {
        name: np.array(getattr(raw, name)) for name in ("data", "scale", "translate", "contrast_limits")
    }
    dock.state.frames = 6
    run(qtbot, dock)
    result = viewer.layers["stream · mean"]
    expected = run_frames(FrameStack.from_array(scene[0], KNOWN), dock.state.settings("stream")).restoration
    np.testing.assert_array_equal(result.data, expected.image)
    assert [str(unit) for unit in result.units] == ["nanometer", "nanometer"]
    assert tuple(result.axis_labels) == ("y", "x")
    corner = np.asarray(raw.data_to_world((0, *expected.origin_px)))[1:]
    np.testing.assert_allclose(result.data_to_world((0, 0)), corner)
    for name, value in before.items():
        np.testing.assert_array_equal(getattr(raw, name), value)
    told = provenance_of(result)
    assert RunSettings.from_json(json.dumps(told.settings["run"])) == dock.state.settings("stream")
    assert len(told.inputs[0]["pixels_sha256"]) == 64
    assert told.inputs[0]["name"] == "stream"


def test_bursts_lie_in_the_middle_of_their_frames(qtbot, viewer, dock):
    dock.state.frames = 2
    run(qtbot, dock)
    result, raw = viewer.layers["stream · mean"], viewer.layers["stream"]
    assert result.data.shape == (3, *SHAPE)
    for burst in range(3):
        there = np.asarray(result.data_to_world((burst, 0, 0)))
        np.testing.assert_allclose(there, raw.data_to_world((2 * burst + 0.5, 0, 0)))
    assert np.isnan(result.data).any()
    assert np.isfinite(result.contrast_limits).all()


def test_numbers_are_those_of_the_line_and_name_their_range(qtbot, viewer, dock, scene):
    viewer.add_image(scene[1], name="clean", scale=(30, 2, 2))
    dock.view.input.layer.pick(viewer.layers["stream"])
    dock.view.input.truth.pick(viewer.layers["clean"])
    run(qtbot, dock)
    expected = run_frames(
        FrameStack.from_array(scene[0], KNOWN), dock.state.settings("stream"), truth=scene[1]
    ).windows
    rows = dock.view.scores.rows
    assert [row[0] for row in rows] == ["", "single frame", "burst mean", "restored"]
    mean_ssim = np.mean([window.scores[2].ssim for window in expected])
    assert rows[3][1] == f"{mean_ssim:.3f}"
    assert "data range" in dock.view.scores.caption.text()
    assert "2 bursts" in dock.view.scores.caption.text()
    dock.view.input.truth.pick(None)
    run(qtbot, dock)
    assert dock.view.scores.rows == []


def test_cancel_leaves_nothing_behind(qtbot, viewer, dock):
    names = [layer.name for layer in viewer.layers]
    with qtbot.waitSignals([dock.runs.cancelled, dock.runs.ended], timeout=WAIT_MS):
        dock.view.run.button.click()
        assert dock.view.run.button.text() == "Cancel"
        dock.view.run.button.click()
    assert [layer.name for layer in viewer.layers] == names
    assert said(dock).startswith("Cancelled")


def test_only_the_newest_of_two_runs_is_shown(qtbot, viewer, dock):
    dock.state.model = "median-of-frames"
    dock.view.run.asked.emit()
    dock.state.model = "mean"
    with qtbot.waitSignal(dock.runs.succeeded, timeout=WAIT_MS):
        dock.view.run.asked.emit()
    assert [layer.name for layer in viewer.layers] == ["stream", "stream · mean"]
    assert provenance_of(viewer.layers[-1]).model["id"] == "mean"


def test_several_runs_keep_their_layers(qtbot, viewer, dock):
    run(qtbot, dock)
    first = viewer.layers["stream · mean"].data.copy()
    dock.state.model = "gaussian"
    run(qtbot, dock)
    assert [layer.name for layer in viewer.layers] == ["stream", "stream · mean", "stream · gaussian"]
    np.testing.assert_array_equal(viewer.layers["stream · mean"].data, first)


def test_what_cannot_run_is_said_before_and_disables_the_button(viewer, dock):
    dock.state.reference, dock.state.reference_frame = "number", 7
    assert "counted from 0" in said(dock)
    assert not dock.view.run.button.isEnabled()
    dock.state.reference = "sharpest"
    assert said(dock) == ""
    assert dock.view.run.button.isEnabled()
    viewer.add_image(np.zeros((8, 9, 3), np.uint8), rgb=True, name="colour")
    dock.view.input.layer.pick(viewer.layers["colour"])
    assert "in colour" in said(dock)
    assert not dock.view.run.button.isEnabled()
    viewer.layers.clear()
    assert "Open an image" in said(dock)


def test_an_error_is_one_sentence_with_the_remedy_and_the_dock_goes_on(qtbot, viewer, dock):
    viewer.add_image(np.zeros((7, 9), np.float32), name="small")
    dock.view.input.layer.pick(viewer.layers["stream"])
    dock.view.input.truth.pick(viewer.layers["small"])
    assert "Crop both alike" in run(qtbot, dock)
    dock.view.input.truth.pick(None)
    run(qtbot, dock)
    assert "stream · mean" in viewer.layers


def test_frames_are_judged_and_a_tick_decides(qtbot, viewer, dock):
    click(qtbot, dock.view.burst.check, dock.checks)
    table = dock.view.burst.table
    assert table.rowCount() == len(SHIFTS)
    shifts = [float(table.item(row, 1).text()) for row in range(table.rowCount())]
    assert min(shifts) == 0
    assert max(shifts) > 2
    reference = next(row for row in range(6) if table.item(row, 4).text() == "ref.")
    out = 4 if reference != 4 else 5
    with qtbot.waitSignal(dock.checks.ended, timeout=WAIT_MS):
        table.item(out, 0).setCheckState(type(table.item(out, 0).checkState()).Unchecked)
    assert table.item(out, 4).text() == "by hand"
    dock.state.frames = 6
    run(qtbot, dock)
    told = provenance_of(viewer.layers["stream · mean"])
    assert told.settings["run"]["skip"] == [out]
    assert told.settings["windows"][0]["verdicts"][out]["reason"] == "rejected by hand"


def test_another_alignment_or_input_takes_the_table_away(qtbot, viewer, dock):
    click(qtbot, dock.view.burst.check, dock.checks)
    assert dock.view.burst.lengths.rowCount() == 3
    dock.state.kind = "euclidean"
    assert dock.view.burst.table.rowCount() == 0
    assert dock.view.burst.lengths.rowCount() == 0


def test_the_slider_shows_the_mean_of_the_first_frames(qtbot, viewer, dock):
    click(qtbot, dock.view.burst.check, dock.checks)
    with qtbot.waitSignal(dock.previews.ended, timeout=WAIT_MS):
        dock.view.burst.slider.setValue(5)
    noisier = viewer.layers["stream · mean · preview"].data.copy()
    assert "first 5 frames" in dock.view.preview.label.text()
    with qtbot.waitSignal(dock.previews.ended, timeout=WAIT_MS):
        dock.view.burst.spin.setValue(2)
    assert viewer.layers["stream · mean · preview"].data.var() > noisier.var()


def test_a_preview_is_what_the_run_gives_there_and_goes_with_it(qtbot, viewer, dock):
    dock.state.model, dock.state.frames = "gaussian", 6
    click(qtbot, dock.view.preview, dock.previews)
    shown = viewer.layers["stream · gaussian · preview"]
    pixels, place = shown.data.copy(), np.asarray(shown.data_to_world((0, 0)))
    assert "about" in dock.view.model.expected.text()
    dock.state.frames = 5
    assert "about" not in dock.view.model.expected.text()
    dock.state.frames = 6
    run(qtbot, dock)
    assert [layer.name for layer in viewer.layers] == ["stream", "stream · gaussian"]
    result = viewer.layers["stream · gaussian"]
    y, x = np.rint(result.world_to_data(place)).astype(int)
    np.testing.assert_array_equal(result.data[y : y + pixels.shape[0], x : x + pixels.shape[1]], pixels)


def test_a_preview_is_no_input(qtbot, viewer, dock):
    click(qtbot, dock.view.preview, dock.previews)
    offered = [dock.view.input.layer.itemText(i) for i in range(dock.view.input.layer.count())]
    assert offered == ["stream"]
    click(qtbot, dock.view.preview, dock.previews)
    assert len(viewer.layers) == 3


@pytest.mark.parametrize("pyramid_px", [4096, 64], ids=["plain", "pyramid"])
def test_a_large_result_is_seen_while_it_fills(qtbot, viewer, monkeypatch, pyramid_px, open_dock):
    monkeypatch.setattr(wiring, "_LIVE_PX", 0)
    monkeypatch.setattr(pyramid, "SMALLEST_PX", 32)
    preferences = replace(wiring.read_preferences(), pyramid_px=pyramid_px)
    monkeypatch.setattr(wiring, "read_preferences", lambda: preferences)
    dock = open_dock(viewer, model="gaussian", frames=6, tile_px=32)
    seen = []
    dock.runs.part.connect(lambda _: seen.append(viewer.layers["stream · gaussian"]))
    run(qtbot, dock)
    assert seen == [viewer.layers["stream · gaussian"]]
    assert seen[0].multiscale is (pyramid_px == 64)
    full = seen[0].data[0] if seen[0].multiscale else seen[0].data
    assert np.isfinite(full).all()
    assert provenance_of(seen[0]).settings["tile"]["windows"] > 1


def test_a_stopped_run_takes_the_half_filled_layer_away(qtbot, viewer, monkeypatch, open_dock):
    def half(order, shelf, pyramid_px, live_px, monitor):
        monitor.show(LiveCanvas(np.full(SHAPE, np.nan, np.float32), (0, 0)))
        while True:
            monitor.step(1, 2, "restoring")

    monkeypatch.setattr(wiring.work, "run", half)
    dock = open_dock(viewer)
    seen = []
    dock.runs.part.connect(lambda _: seen.append(len(viewer.layers)))
    dock.runs.part.connect(lambda _: dock.runs.cancel())
    run(qtbot, dock)
    assert seen == [2]
    assert [layer.name for layer in viewer.layers] == ["stream"]


def test_what_does_not_fit_into_memory_goes_to_zarr(qtbot, viewer, dock, tmp_path, monkeypatch):
    run(qtbot, dock)
    in_memory = viewer.layers["stream · mean"].data
    monkeypatch.setattr(wiring, "fits_in_memory", lambda shape, images: False)
    monkeypatch.setattr(dock, "ask_for_place", lambda order: "")
    dock.view.run.button.click()
    assert "Zarr" in said(dock)
    monkeypatch.setattr(dock, "ask_for_place", lambda order: str(tmp_path / "out"))
    run(qtbot, dock)
    streamed = viewer.layers[-1]
    levels = streamed.data if streamed.multiscale else [streamed.data]
    assert isinstance(levels[0], da.Array)
    np.testing.assert_array_equal(np.asarray(levels[0]), in_memory)
    assert (tmp_path / "out.zarr").is_dir()


def test_a_flat_image_needs_no_alignment(qtbot, scene, open_dock):
    viewer = ViewerModel()
    viewer.add_image(scene[0][0], name="flat", scale=(3, 3), units=("nm", "nm"))
    dock = open_dock(viewer, model="gaussian")
    assert dock.view.input.axes.text() == "Y X, 81 × 98 uint16, 3 nm/px"
    assert dock.view.burst_box.isHidden()
    run(qtbot, dock)
    assert viewer.layers["flat · gaussian"].data.shape == SHAPE
    np.testing.assert_allclose(viewer.layers["flat · gaussian"].scale, (3, 3))


def test_sections_are_restored_one_by_one_and_stay_where_they_are(qtbot, scene, open_dock):
    viewer = ViewerModel()
    layer = viewer.add_image(
        da.from_array(scene[0]),
        name="slices",
        scale=(7, 2, 2),
        contrast_limits=(0, 900),
        axis_labels=("z", "y", "x"),
    )
    dock = open_dock(viewer, model="gaussian")
    assert dock.state.meaning == "z"
    assert dock.view.input.axes.text().startswith("Z Y X")
    run(qtbot, dock)
    result = viewer.layers["slices · gaussian"]
    assert result.data.shape == scene[0].shape
    np.testing.assert_allclose(result.data_to_world((4, 5, 6)), layer.data_to_world((4, 5, 6)))
    viewer.add_image(scene[0], name="film", axis_labels=("t", "y", "x"))
    dock.view.input.layer.pick(viewer.layers["film"])
    assert dock.state.meaning == "time"


def test_an_aligned_burst_is_taken_as_it_is(qtbot, viewer, dock, scene):
    dock.state.meaning, dock.state.frames = "aligned", 6
    assert dock.view.alignment_box.isHidden()
    run(qtbot, dock)
    np.testing.assert_allclose(viewer.layers["stream · mean"].data, scene[0].mean(0), rtol=1e-6)


def test_multiscale_and_deeper_layers_give_their_finest_frames(qtbot, scene, open_dock):
    viewer = ViewerModel()
    deep = np.stack([scene[0], scene[0] + 100])
    viewer.add_image([deep, deep[..., ::2, ::2]], multiscale=True, name="deep", contrast_limits=(0, 900))
    viewer.dims.set_point(0, 1)
    dock = open_dock(viewer, frames=6, meaning="aligned")
    run(qtbot, dock)
    np.testing.assert_allclose(viewer.layers["deep · mean"].data, scene[0].mean(0) + 100, rtol=1e-6)


@pytest.fixture
def trained(monkeypatch, tmp_path):
    """Two cards: one for few electrons, one for many."""
    weights = tmp_path / "weights.safetensors"
    weights.touch()
    cards = [
        ModelCard(
            name,
            "1",
            name,
            "A net.",
            "denoise",
            "tiny",
            weights=weights if name != "bare" else None,
            tiling=TilingRule(),
            trained=TrainedRange((1, 8), dose),
            known_failures=("Fine detail.",),
        )
        for name, dose in (("dim", (1.0, 5.0)), ("bright", (50.0, 500.0)), ("bare", (1.0, 5.0)))
    ]
    monkeypatch.setattr(choices, "list_models", lambda: cards)
    return cards


def test_a_model_out_of_its_range_is_warned_of_and_a_better_one_named(qtbot, viewer, trained, open_dock):
    dock = open_dock(viewer, model="dim")
    model = dock.view.model
    qtbot.waitUntil(lambda: not model.warning.isHidden(), timeout=WAIT_MS)
    assert "100 electrons per pixel" in model.warning.text()
    assert model.better.text() == "Use bright"
    model.better.click()
    assert dock.state.model == "bright"
    assert model.warning.isHidden()
    assert "50 to 500 electrons" in model.facts.text()
    assert model.failures.text() == "• Fine detail."
    dock.state.model = "bare"
    assert "without weights" in said(dock)
    assert not dock.view.run.button.isEnabled()
    dock.state.model, dock.state.frames = "bright", 6
    assert dock.view.run.button.isEnabled()


def test_a_learned_model_runs_and_names_its_weights(qtbot, viewer, open_dock):
    dock = open_dock(viewer, model="naf-denoise", frames=1, device="cpu")
    crop = viewer.layers["stream"].data[0, :33, :47]
    viewer.add_image(crop, name="crop")
    dock.view.input.layer.pick(viewer.layers["crop"])
    assert "naf-denoise: " not in said(dock)
    text = run(qtbot, dock)
    assert text.startswith("crop · naf-denoise: ")
    assert "on cpu" in text
    assert len(provenance_of(viewer.layers["crop · naf-denoise"]).model["weights_sha256"]) == 64


def test_what_was_set_is_there_again(qtbot, viewer, dock):
    dock.state.take(
        RunSettings("x", "gaussian", frames=4, kind="affine", reference=2, tile=64, window="sliding")
    )
    dock.view.input.meaning.setCurrentIndex(dock.view.input.meaning.findData("aligned"))
    record = dock.state.to_record()
    dock.show()
    close(qtbot, dock)
    again = RestoreDock(viewer)
    assert again.state.to_record() == record
    assert again.view.model.menu.currentData() == "gaussian"
    assert again.view.alignment.kind.currentData() == "affine"
    assert again.view.computer.tile.value() == 64
    close(qtbot, again)


def test_a_closed_dock_is_deaf(qtbot, viewer, dock):
    close(qtbot, dock)
    viewer.layers["stream"].scale = (1, 4, 4)
    viewer.layers["stream"].name = "other"
    viewer.add_image(np.zeros((4, 5)))
    viewer.layers.clear()


def test_the_input_is_followed_when_it_changes(qtbot, viewer, dock):
    click(qtbot, dock.view.burst.check, dock.checks)
    layer = viewer.layers["stream"]
    layer.scale = (30, 5, 5)
    assert dock.view.input.axes.text().endswith("5 nm/px")
    layer.data = layer.data[:4]
    assert dock.view.input.axes.text().startswith("T Y X, 4 × ")
    assert dock.view.burst.table.rowCount() == 0


def test_the_settings_of_an_earlier_run_come_back(qtbot, viewer, dock):
    told = RunSettings("stream", "median", frames=2, kind=None, use=(1,), skip=(3,))
    dock.apply_settings(told, viewer.layers["stream"])
    assert dock.state.settings("stream") == told
    run(qtbot, dock)
    told_again = provenance_of(viewer.layers["stream · median"]).settings["run"]
    assert RunSettings.from_json(json.dumps(told_again)) == told


def test_devices_are_looked_for_when_the_menu_opens(qtbot, dock):
    menu = dock.view.computer.device
    assert [menu.itemData(i) for i in range(menu.count())] == ["auto"]
    with qtbot.waitSignal(dock.listing.ended, timeout=WAIT_MS):
        menu.showPopup()
    menu.hidePopup()
    assert "cpu" in [menu.itemData(i) for i in range(menu.count())]
    assert "GiB free" in menu.itemText(menu.findData("cpu"))


def test_the_dock_works_in_a_real_window(qtbot, make_napari_viewer_proxy, scene):
    PluginManager.instance().discover()
    viewer = make_napari_viewer_proxy()
    viewer.add_image(scene[0], **image_options(KNOWN, stack=True))
    dock = RestoreDock.offer(viewer, "gaussian", viewer.layers["stream"])
    assert RestoreDock.offer(viewer, "mean") is dock
    assert dock.state.model == "mean"
    dock.state.frames = 6
    click(qtbot, dock.view.preview, dock.previews)
    run(qtbot, dock)
    assert [layer.name for layer in viewer.layers] == ["stream", "stream · mean"]
    assert read_frames(viewer.layers["stream · mean"]).acquisition.pixel_size_nm == (2.0, 2.0)
    assert (
        metadata(KNOWN)["emrestore"]["acquisition"] == viewer.layers[-1].metadata["emrestore"]["acquisition"]
    )
    dock.resize(300, 900)
    assert dock.view.minimumSizeHint().width() <= 300


def test_a_finished_run_is_saved_at_once_where_that_is_wanted(qtbot, viewer, dock, tmp_path, monkeypatch):
    wanted = Preferences(autosave=True, autosave_folder=str(tmp_path))
    monkeypatch.setattr(wiring, "read_preferences", lambda: wanted)
    for name in ("stream_mean.ome.tif", "stream_mean_2.ome.tif"):
        assert str(tmp_path / name) in run(qtbot, dock)
        with open_frames(tmp_path / name) as stack:
            np.testing.assert_array_equal(np.asarray(stack.data), viewer.layers[-1].data)
    assert read_provenance(tmp_path / "stream_mean.ome.tif").settings["run"]["model"] == "mean"


def test_a_preview_follows_the_cursor(qtbot, viewer, dock, monkeypatch):
    raw = viewer.layers["stream"]
    monkeypatch.setattr("napari_emrestore.pipeline.previewing._SIDE_PX", 20)
    for y, x in ((40, 50), (30, 60)):
        viewer.cursor.position = raw.data_to_world((0, y, x))
        with qtbot.waitSignal(dock.previews.ended, timeout=WAIT_MS):
            dock.preview_at_cursor()
        shown = viewer.layers["stream · mean · preview"]
        middle = shown.data_to_world(((shown.data.shape[0]) / 2, shown.data.shape[1] / 2))
        assert shown.data.shape == (20, 20)
        np.testing.assert_allclose(raw.world_to_data((0, *middle))[1:], (y, x), atol=1)
