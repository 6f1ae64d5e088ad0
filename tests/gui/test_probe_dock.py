"""The probe dock: patterns and verdicts of the run asked for, faint patterns where they were added."""

from dataclasses import replace

import numpy as np
import pytest
from napari.components import ViewerModel
from qtpy.QtCore import Qt
from scipy.ndimage import gaussian_filter

from napari_emrestore.core import Acquisition, InputError
from napari_emrestore.probes import Degradation, inject, list_probes
from napari_emrestore.restoration import load_restorer
from napari_emrestore.widgets.layers import image_options, provenance_of
from napari_emrestore.widgets.probe import ProbeDock, work
from napari_emrestore.widgets.probe.models import offered_models
from napari_emrestore.widgets.probe.state import ProbeState, numbers

SHAPE = (90, 104)
KNOWN = Acquisition("stream", pixel_size_nm=(2.0, 2.0), frame_axis="time", frame_step=30.0)
WAIT_MS = 60_000


@pytest.fixture(scope="module")
def frames():
    rng = np.random.default_rng(5)
    scene = 400 + 900 * gaussian_filter(rng.normal(size=SHAPE), 6) / 0.05 / 10
    return rng.normal(scene, 12.0, (3, *SHAPE)).astype(np.float32)


@pytest.fixture
def viewer(frames):
    """A viewer with a stream of frames, without a window."""
    viewer = ViewerModel()
    viewer.add_image(frames.copy(), **image_options(KNOWN, stack=True))
    return viewer


@pytest.fixture
def dock(qtbot, viewer):
    return opened(qtbot, viewer)


def opened(qtbot, viewer, **fields):
    dock = ProbeDock(viewer)
    qtbot.addWidget(dock)
    settings = {
        "probes": ("blank", "lines"),
        "models": ("mean",),
        "model": "mean",
        "size_px": 64,
        "frames": 2,
    }
    for name, value in {**settings, **fields}.items():
        setattr(dock.state, name, value)
    return dock


def click(qtbot, bar, jobs):
    """Press a button and wait for the end of its job."""
    with qtbot.waitSignal(jobs.ended, timeout=WAIT_MS):
        bar.button.click()


def probe(qtbot, dock):
    click(qtbot, dock.view.run, dock.probing)
    return [layer.name for layer in dock._viewer.layers]


def close(qtbot, dock):
    gone = []
    dock.destroyed.connect(lambda: gone.append(True))
    dock.deleteLater()
    qtbot.waitUntil(lambda: bool(gone))


def test_a_run_gives_a_row_of_layers_per_pattern_and_a_verdict_per_score(qtbot, viewer, dock):
    names = probe(qtbot, dock)
    assert names[1:5] == [
        "Blank field · pattern",
        "Blank field · degraded · mean of 2",
        "Blank field · mean",
        "Blank field · mean · minus pattern",
    ]
    assert len(names) == 9
    pattern, _, restored, difference = viewer.layers[1:5]
    np.testing.assert_allclose(difference.data, restored.data - pattern.data, atol=1e-6)
    assert difference.contrast_limits[0] == -difference.contrast_limits[1]
    assert {row[:2] for row in dock.view.scores.rows} == {
        ("Blank field", "mean"),
        ("Lines in one direction", "mean"),
    }
    assert all(("passed" in row[4]) or ("FAILED" in row[4]) for row in dock.view.scores.rows)
    told = provenance_of(restored)
    assert told.tool == "probe"
    assert told.settings["degradation"]["frames"] == 2
    assert restored.metadata["emrestore"]["scores"][0]["artefact"] == "checkerboard"
    assert "2 restorations" in dock.view.run.label.text()


def test_the_sheet_lies_beside_what_was_there_and_nothing_overlaps(qtbot, viewer, dock):
    raw = viewer.layers["stream"]
    before, right = raw.data.copy(), raw.extent.world[1, -1]
    probe(qtbot, dock)
    corners = [tuple(layer.extent.world[0, -2:]) for layer in viewer.layers[1:]]
    assert len(set(corners)) == len(corners)
    assert min(x for _, x in corners) > right
    assert {tuple(map(str, layer.units)) for layer in viewer.layers[1:]} == {("nanometer", "nanometer")}
    np.testing.assert_array_equal(raw.data, before)


def test_several_models_share_pattern_and_degraded(qtbot, dock):
    dock.state.models, dock.state.probes = ("mean", "median"), ("edge",)
    names = probe(qtbot, dock)[1:]
    assert names.count("Slanted edge · pattern") == 1
    assert [name for name in names if "degraded" in name] == ["Slanted edge · degraded · mean of 2"]
    assert {"Slanted edge · mean", "Slanted edge · median"} <= set(names)


def test_a_score_shows_where_and_says_why(qtbot, viewer, dock):
    probe(qtbot, dock)
    count = len(viewer.layers)
    dock.view.scores.pick(0)
    assert len(viewer.layers) == count + 1
    where = viewer.layers[-1]
    assert where.name.startswith("where · Checkerboard, Blank field")
    assert tuple(where.translate) == tuple(viewer.layers["Blank field · mean"].translate)
    assert "Passes: at most 2" in dock.view.scores.verdict.text()
    dock.view.scores.pick(1)
    assert len(viewer.layers) == count + 1, "the next map takes the place of the last"
    viewer.layers.remove(viewer.layers[-1])
    dock.view.scores.pick(2)
    assert "Invented lines" in viewer.layers[-1].name


def test_what_is_shown_can_be_saved(qtbot, dock, tmp_path, monkeypatch):
    probe(qtbot, dock)
    monkeypatch.setattr(
        "napari_emrestore.widgets.probe.wiring.QFileDialog.getExistingDirectory", lambda *_: str(tmp_path)
    )
    with qtbot.waitSignal(dock.saving.succeeded, timeout=WAIT_MS):
        dock.view.scores.save.click()
    assert {path.name for path in tmp_path.glob("*.*")} >= {
        "probes.csv",
        "probes.md",
        "mean_blank.png",
        "mean_lines.png",
    }
    assert "4 files" in dock.view.run.label.text()
    (tmp_path / "taken").write_text("no folder")
    with qtbot.waitSignal(dock.saving.failed, timeout=WAIT_MS):
        dock.save_reports(str(tmp_path / "taken"))
    assert "folder" in dock.view.run.label.text()


def test_a_newer_run_shows_its_own_scores_only(qtbot, dock):
    probe(qtbot, dock)
    dock.state.probes, dock.state.models = ("edge",), ("median",)
    names = probe(qtbot, dock)
    assert {row[:2] for row in dock.view.scores.rows} == {("Slanted edge", "median")}
    assert "Blank field · mean" in names, "layers of the earlier run stay"


def test_a_cancelled_run_says_so_and_keeps_what_was_finished(qtbot, dock, monkeypatch):
    def endless(names, restorers, *, monitor, **_):
        while True:
            monitor.step(0, 2, "waiting")
        yield

    monkeypatch.setattr("napari_emrestore.probes.running.run_probes", endless)
    dock.view.run.button.click()
    with qtbot.waitSignal(dock.probing.cancelled, timeout=WAIT_MS):
        dock.view.run.button.click()
    qtbot.waitUntil(lambda: not dock.probing.running)
    assert "What was finished" in dock.view.run.label.text()
    assert dock.view.scores.rows == []


def test_why_nothing_can_run_is_told_before(qtbot, dock):
    dock.state.probes = ()
    assert not dock.view.run.button.isEnabled()
    assert "pattern" in dock.view.run.button.toolTip()
    dock.state.probes, dock.state.models = ("blank",), ()
    assert "model" in dock.view.run.button.toolTip()
    dock.state.models = ("mean",)
    assert dock.view.run.button.isEnabled()


def test_a_model_of_single_frames_gets_one_and_the_dock_says_so(qtbot, dock, monkeypatch):
    single = replace(load_restorer("mean"), frames=(1, 1))
    monkeypatch.setattr(work.Place, "load", lambda place, model, monitor: single)
    assert "Blank field · degraded · 1 frame" in probe(qtbot, dock)
    assert "2 were asked for" in dock.view.scores.verdict.text()


def test_an_error_is_one_sentence(qtbot, dock):
    dock.state.periods_px = "60"
    click(qtbot, dock.view.inject, dock.injecting)
    assert "image of at least" in dock.view.inject.label.text()
    assert dock.view.transfers.rows == []


def test_ticks_set_the_state_and_follow_it(qtbot, dock):
    dock.view.patterns.probes.item_of("dots").setCheckState(Qt.CheckState.Checked)
    assert dock.state.probes == ("lines", "blank", "dots"), "in the order of the list"
    dock.state.models = ("mean", "nlmeans")
    assert set(dock.view.patterns.models.ticked) == {"mean", "nlmeans"}
    assert not dock.view.patterns.probes.item_of("dots").icon().isNull()
    for box, value in ((dock.view.degradation.motion, 4.5), (dock.view.degradation.frames, 7)):
        box.setValue(value)
    dock.view.degradation.same_path.setChecked(True)
    assert dock.state.degradation().motion_px == 4.5
    assert dock.state.degradation().frames == 7
    assert dock.state.degradation().same_path


def test_noise_is_measured_on_a_layer_and_can_be_changed(qtbot, viewer, dock, frames):
    with qtbot.waitSignal(dock.measuring.ended, timeout=WAIT_MS):
        dock.view.degradation.match.click()
    measured = dock.state.degradation()
    assert measured.noise.read_noise == pytest.approx(12, rel=0.1)
    assert sum(measured.levels) / 2 == pytest.approx(frames.mean(), rel=0.05)
    assert "Measured on stream" in dock.view.degradation.facts.text()
    dock.view.degradation.noise.setValue(2 * dock.state.noise)
    assert dock.state.degradation().noise.read_noise == pytest.approx(24, rel=0.1)
    probe(qtbot, dock)
    np.testing.assert_allclose(
        viewer.layers["Blank field · pattern"].data, sum(measured.levels) / 2, rtol=1e-3
    )
    dock.view.degradation.reset.click()
    assert dock.state.degradation().noise == Degradation().noise
    assert not dock.view.degradation.reset.isVisibleTo(dock.view.degradation)


def test_a_layer_that_cannot_be_measured_is_told(qtbot, viewer, dock):
    viewer.add_image(np.full((20, 20), 3.0), name="flat")
    dock.view.degradation.layer.pick(viewer.layers["flat"])
    with qtbot.waitSignal(dock.measuring.failed, timeout=WAIT_MS):
        dock.view.degradation.match.click()
    assert "range" in dock.view.degradation.facts.text()
    assert dock.state.measured is None


def test_patterns_are_added_to_the_frame_in_view_and_the_raw_layer_stays(qtbot, viewer, dock, frames):
    viewer.dims.set_current_step(0, 1)
    dock.state.periods_px, dock.state.contrasts = "4, 8", "0.2"
    click(qtbot, dock.view.inject, dock.injecting)
    expected = inject(
        frames[1], load_restorer("mean"), rng=np.random.default_rng(0), periods_px=(4, 8), contrasts=(0.2,)
    )
    names = [layer.name for layer in viewer.layers[1:]]
    assert names == [
        f"stream · mean · {what}"
        for what in (
            "with patterns",
            "patterns added",
            "patterns that came back",
            "invented or smeared",
            "share kept",
        )
    ]
    came_back = viewer.layers["stream · mean · patterns that came back"]
    np.testing.assert_array_equal(came_back.data, expected.difference)
    np.testing.assert_allclose(
        came_back.data_to_world((0, 0)), viewer.layers["stream"].data_to_world((0, 0, 0))[1:]
    )
    assert provenance_of(came_back).tool == "inject"
    assert [row[:2] for row in dock.view.transfers.rows] == [("4", "0.2"), ("8", "0.2")]
    assert {row[-1] for row in dock.view.transfers.rows} == {"kept"}
    assert "contrast 1 is" in dock.view.transfers.caption.text()
    np.testing.assert_array_equal(viewer.layers["stream"].data, frames)


def test_the_middle_of_a_large_field_is_used(qtbot):
    viewer = ViewerModel()
    large = np.random.default_rng(0).normal(100, 3, (700, 560)).astype(np.float32)
    layer = viewer.add_image(large, name="large", scale=(3.0, 3.0))
    dock = opened(qtbot, viewer, periods_px="16", contrasts="0.5")
    click(qtbot, dock.view.inject, dock.injecting)
    made = viewer.layers["large · mean · with patterns"]
    assert made.data.shape == (512, 512)
    np.testing.assert_allclose(made.data_to_world((0, 0)), layer.data_to_world((94, 24)))


@pytest.mark.parametrize(
    ("fields", "word"),
    [({"periods_px": "4, x"}, "numbers"), ({"contrasts": "a"}, "numbers")],
)
def test_what_was_typed_wrong_is_told_before(qtbot, dock, fields, word):
    for name, value in fields.items():
        setattr(dock.state, name, value)
    assert not dock.view.inject.button.isEnabled()
    assert word in dock.view.inject.button.toolTip()


def test_layers_that_cannot_be_used_are_told(qtbot, viewer, dock):
    colour = viewer.add_image(np.zeros((40, 40, 3), np.uint8), name="colour", rgb=True)
    dock.view.injection.layer.pick(colour)
    assert "colour" in dock.view.inject.button.toolTip()
    empty = opened(qtbot, ViewerModel())
    assert "Open an image" in empty.view.inject.button.toolTip()
    assert not empty.view.degradation.match.isEnabled()


def test_settings_survive_closing(qtbot, viewer):
    first = ProbeDock(viewer)
    first.state.probes, first.state.motion_px, first.state.contrasts = ("dots",), 3.0, "0.3"
    first.state.take_measured(Degradation(), "stream")
    close(qtbot, first)
    second = ProbeDock(viewer)
    qtbot.addWidget(second)
    assert second.state.probes == ("dots",)
    assert second.state.motion_px == 3.0
    assert second.view.injection.contrasts.text() == "0.3"
    assert second.state.measured is None, "what was measured belongs to a layer of then"


def test_unknown_settings_are_left_out(qtbot):
    state = ProbeState()
    state.restore_record({"probes": ["dots", "stripes"], "motion_px": "much", "colour": 1})
    assert state.probes == ("dots",)
    assert state.motion_px == Degradation().motion_px
    assert ProbeState(**{"probes": list_probes()}).to_record()["probes"] == list(list_probes())


def test_numbers_are_read_as_typed():
    assert numbers("4, 8,16 ,") == (4.0, 8.0, 16.0)
    with pytest.raises(InputError, match="commas"):
        numbers("4; 8")


def test_only_models_that_can_run_are_offered():
    offered = offered_models()
    assert "burst-naf" in offered
    assert "mean" in offered
    assert "katsuno-full" not in offered, "it comes without weights"


def test_noise_of_a_stack_is_that_of_its_frames(frames):
    class Monitor:
        def step(self, done, total, note=""):
            pass

    found = work.measure(frames, 2, True, Monitor())
    assert found.noise.read_noise == pytest.approx(12, rel=0.1)


def test_works_in_a_window_with_public_calls_only(qtbot, make_napari_viewer_proxy, frames):
    viewer = make_napari_viewer_proxy()
    viewer.add_image(frames[0], name="image")
    dock = opened(qtbot, viewer, probes=("blank",), contrasts="0.2", periods_px="8")
    viewer.window.add_dock_widget(dock, name="Probe models")
    probe(qtbot, dock)
    dock.view.scores.pick(0)
    click(qtbot, dock.view.inject, dock.injecting)
    assert "image · mean · share kept" in viewer.layers
