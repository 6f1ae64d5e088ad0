"""The train dock: a model adapted from frames, watched, held, stopped, and found in every menu."""

import threading
from dataclasses import replace

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_emrestore.core import InputError
from napari_emrestore.models import catalogue, find_card, write_card
from napari_emrestore.restoration import calibration
from napari_emrestore.training.adapting import Adaptation, Gain
from napari_emrestore.training.adapting.keeping import keep
from napari_emrestore.training.teaching import Taught
from napari_emrestore.widgets import model_news
from napari_emrestore.widgets.train import TrainDock, work
from napari_emrestore.widgets.train.curve import Curve
from napari_emrestore.widgets.train.state import TrainState

WAIT_MS = 120_000
GAIN = Gain(2e-3, 1e-3, 1e-4, 1e-4, 40)


@pytest.fixture(autouse=True)
def own_folders(tmp_path, monkeypatch):
    home = tmp_path / "models"
    for place in (
        "napari_emrestore.models.catalogue",
        "napari_emrestore.models",
        "napari_emrestore.widgets.train.wiring",
    ):
        monkeypatch.setattr(f"{place}.models_folder", lambda: home, raising=False)
    monkeypatch.setattr(calibration, "calibrations_folder", lambda: tmp_path / "cameras")
    assert catalogue.models_folder() == home
    return home


@pytest.fixture
def viewer():
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:64, :160]
    clean = 40 + 25 * np.sin(x / 5) * np.cos(y / 7)
    frames = rng.poisson(clean, (4, 64, 160)) * 20.0 + rng.normal(0, 250, (4, 64, 1)) + 100
    viewer = ViewerModel()
    viewer.add_image((clean * 20 + 100).astype(np.float32), name="slow scan")
    viewer.add_image(np.clip(frames, 0, None).astype(np.uint16), name="stream", axis_labels=("t", "y", "x"))
    return viewer


@pytest.fixture
def dock(qtbot, viewer):
    dock = TrainDock(viewer)
    qtbot.addWidget(dock)
    dock.view.frames.layer.pick(viewer.layers["stream"])
    dock.state.model, dock.state.meaning, dock.state.steps = "naf-denoise", "aligned", 30
    dock.view.model.name.setText("mine")
    return dock


def made_up(monkeypatch, outcome, looks=()):
    """Let a made-up result take the place of the work."""

    def run(order, monitor):
        for look in looks:
            monitor.show(look)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    monkeypatch.setattr(work.AdaptOrder, "run", run)
    monkeypatch.setattr(work.TeachOrder, "run", run)


def start(qtbot, dock):
    with qtbot.waitSignal(dock.runs.ended, timeout=WAIT_MS):
        dock.view.run.button.click()


def kept_card(home):
    from napari_emrestore.models import load_network

    base = replace(find_card("naf-denoise"), tiling=replace(find_card("naf-denoise").tiling, mode="whole"))
    return keep(load_network(base), base, "mine", home, {}, {"mse_after": 1.0})


def test_frames_become_a_model_that_every_menu_shows(qtbot, dock, own_folders):
    told = []
    model_news.NEWS.changed.connect(lambda: told.append(True))
    start(qtbot, dock)
    assert (own_folders / "naf-denoise-mine.toml").is_file()
    assert "is in every model menu" in dock.view.outcome.text.text()
    assert "lower on" in dock.view.outcome.text.text()
    assert told == [True]
    assert dock.view.model.model.findData("naf-denoise-mine") >= 0
    assert dock.view.curve.points[0][0] == 0
    assert dock.view.crops.names == ["Frame", "Before", "Now"]
    assert "exists already" in dock.view.run.button.toolTip()
    dock.view.outcome.remove.click()
    assert not list(own_folders.glob("*.toml"))
    assert "was removed" in dock.view.outcome.text.text()
    assert dock.view.model.model.findData("naf-denoise-mine") < 0
    assert dock.view.run.button.isEnabled()


def test_without_a_gain_nothing_new_is_offered(qtbot, dock, monkeypatch):
    note = "No gain that can be told"
    none = Adaptation(None, replace(GAIN, after=2e-3), "frames", (), 3.0, (note,))
    made_up(monkeypatch, none)
    start(qtbot, dock)
    assert "The weights of naf-denoise stay" in dock.view.outcome.text.text()
    assert note in dock.view.outcome.text.text()
    assert dock.view.outcome.use.isHidden()
    assert dock.view.outcome.remove.isHidden()


def test_other_docks_list_the_new_model_at_once(qtbot, viewer, dock, own_folders):
    from napari_emrestore.widgets.compare import CompareDock
    from napari_emrestore.widgets.live import LiveDock
    from napari_emrestore.widgets.probe import ProbeDock
    from napari_emrestore.widgets.restore import RestoreDock

    restore, probe, compare, live = (kind(viewer) for kind in (RestoreDock, ProbeDock, CompareDock, LiveDock))
    for widget in (restore, probe, compare, live):
        qtbot.addWidget(widget)
    before = restore.state.model
    kept_card(own_folders)
    model_news.tell()
    assert restore.view.model.menu.findData("naf-denoise-mine") >= 0
    assert restore.state.model == before
    assert live.view.restore.model.menu.findData("naf-denoise-mine") >= 0
    restore.choose("naf-denoise-mine")
    offered = compare.view.bake.models
    assert "naf-denoise-mine" in {offered.item(row).text() for row in range(offered.count())}
    assert probe.view.injection.model.findData("naf-denoise-mine") >= 0
    assert probe.view.patterns.models.item_of("naf-denoise-mine") is not None
    for path in own_folders.iterdir():
        path.unlink()
    model_news.tell()
    assert restore.view.model.menu.findData("naf-denoise-mine") < 0
    assert restore.state.model != "naf-denoise-mine"
    assert probe.view.injection.model.findData("naf-denoise-mine") < 0


def test_work_waits_while_it_is_held_and_can_be_stopped(qtbot, dock, monkeypatch):
    steps, reached = [], threading.Event()

    def run(order, monitor):
        for step in range(100_000):
            steps.append(step)
            reached.set()
            monitor.step(step, 100_000, "adapting")

    monkeypatch.setattr(work.AdaptOrder, "run", run)
    dock.view.run.button.click()
    qtbot.waitUntil(reached.is_set)
    assert not dock.view.pause.isHidden()
    dock.view.pause.click()
    assert dock.view.pause.text() == "Go on"
    qtbot.wait(200)
    held = len(steps)
    qtbot.wait(200)
    assert len(steps) == held, "a held job does nothing"
    dock.view.pause.click()
    qtbot.waitUntil(lambda: len(steps) > held)
    dock.view.pause.click()
    with qtbot.waitSignal(dock.runs.cancelled, timeout=WAIT_MS):
        dock.view.run.button.click()
    qtbot.waitUntil(lambda: not dock.runs.running)
    assert "go on where it was" in dock.view.run.label.text()
    assert dock.view.pause.isHidden()


def test_teaching_shows_its_curve_and_what_came_of_it(qtbot, viewer, dock, monkeypatch):
    dock.state.task = "teach"
    assert not dock.view.truth_box.isHidden()
    assert dock.view.camera_box.isHidden()
    assert dock.view.model.model.itemText(dock.view.model.model.findData("sgpn")) == "sgpn (untrained)"
    rows = dock.view.model._rows
    assert not rows.isRowVisible(dock.view.model.noise)
    dock.state.teaching = "clean"
    assert rows.isRowVisible(dock.view.model.noise)
    assert "read off the frames" in dock.view.truth.told.text()
    dock.state.teaching = "pairs"
    assert "clean image" in dock.view.run.button.toolTip()
    dock.view.truth.layer.pick(viewer.layers["slow scan"])
    image = np.random.default_rng(0).normal(size=(24, 32)).astype(np.float32)
    looks = [work.Look(step, 0.5 + step / 100, {"Frame": image, "Now": image}) for step in (10, 20)]
    made_up(monkeypatch, Taught(None, 0.5, 0.49, 0.01, (), 1.0), looks)
    start(qtbot, dock)
    assert dock.view.curve.points == [(10.0, 0.6), (20.0, 0.7)]
    assert dock.view.curve.best == 1
    assert dock.view.crops.names == ["Frame", "Now"]
    assert "no gain" in dock.view.outcome.text.text()


def test_a_failure_is_one_sentence(qtbot, dock, monkeypatch):
    made_up(monkeypatch, InputError("Something is needed"))
    start(qtbot, dock)
    assert "Something is needed" in dock.view.run.label.text()
    assert dock.view.outcome.isHidden()


def test_a_camera_is_measured_kept_and_chosen_here_and_for_restoring(qtbot, viewer, dock):
    from napari_emrestore.widgets.restore import RestoreDock

    restore = RestoreDock(viewer)
    qtbot.addWidget(restore)
    assert restore.state.settings("stream").noise is None
    dock.view.camera.name.setText("odd-cam")
    with qtbot.waitSignal(dock.measuring.ended, timeout=WAIT_MS):
        dock.view.camera.run.button.click()
    assert dock.state.noise == "odd-cam"
    assert "counts per electron" in dock.view.camera.found.text()
    menu = restore.view.computer.noise
    menu.setCurrentIndex(menu.findData("odd-cam"))
    assert restore.state.settings("stream").noise == "odd-cam"
    dock.view.camera.name.setText("Odd Cam")
    with qtbot.waitSignal(dock.measuring.failed, timeout=WAIT_MS):
        dock.view.camera.run.button.click()
    assert "lower-case" in dock.view.camera.run.label.text()


def test_why_it_cannot_start_is_told_before(qtbot, dock, viewer):
    dock.view.model.name.setText("")
    assert "name" in dock.view.run.button.toolTip()
    dock.view.model.name.setText("My scope")
    assert "lower-case" in dock.view.run.button.toolTip()
    dock.view.model.name.setText("scope")
    assert dock.view.run.button.isEnabled()
    viewer.layers.clear()
    assert "Open your frames" in dock.view.run.button.toolTip()


def test_only_rows_that_matter_are_shown(qtbot, dock, viewer):
    rows = dock.view.frames._rows
    assert rows.isRowVisible(dock.view.frames.burst)
    dock.state.meaning = "single"
    assert not rows.isRowVisible(dock.view.frames.burst)
    dock.view.frames.layer.pick(viewer.layers["slow scan"])
    assert not rows.isRowVisible(dock.view.frames.meaning)


def test_what_is_set_is_found_again(qtbot, viewer, dock):
    dock.state.burst, dock.state.task = 5, "teach"
    dock.hide()
    dock.hideEvent(None)
    other = TrainDock(viewer)
    qtbot.addWidget(other)
    assert (other.state.burst, other.state.task, other.state.name) == (5, "teach", "mine")


def test_settings_follow_what_the_frames_are():
    state = TrainState(meaning="time", burst=8, steps=100)
    assert work.adapt_settings(state, 5).burst == 5
    assert work.adapt_settings(state, 5).kind == "euclidean"
    state.meaning = "aligned"
    assert work.adapt_settings(state, 5).kind is None
    state.meaning = "single"
    assert work.adapt_settings(state, 5).burst == 1


def test_a_curve_knows_its_best_and_draws_what_it_is_given(qtbot):
    curve = Curve()
    qtbot.addWidget(curve)
    for points, higher, best in (
        ([(0, 3.0), (1, 1.0), (2, 2.0)], False, 1),
        ([(0, 3.0), (1, 1.0)], True, 0),
        ([(5, 2.0)], True, 0),
        ([(0, 1.0), (1, 1.0)], False, 0),
    ):
        curve.show_points(points, "error", higher_is_better=higher)
        assert curve.best == best
        assert not curve.grab().isNull()
    curve.show_points([], "", higher_is_better=False)
    assert curve.isHidden()


def test_a_broken_card_leaves_the_menu_as_it_is(qtbot, dock, own_folders):
    own_folders.mkdir(parents=True)
    write_card(replace(find_card("sgpn"), id="no-weights"), own_folders / "no-weights.toml")
    model_news.tell()
    assert dock.view.model.model.findData("no-weights") < 0
