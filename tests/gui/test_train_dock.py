"""The train dock: a model adapted from frames, watched, held, stopped, and found in every menu."""

import threading
from dataclasses import replace

import numpy as np
import pytest
from napari.components import ViewerModel
from tifffile import imwrite

from napari_emrestore.core import Cancelled, InputError
from napari_emrestore.models import catalogue, find_card, write_card
from napari_emrestore.restoration import calibration
from napari_emrestore.training.adapting.keeping import keep
from napari_emrestore.training.teaching import Taught
from napari_emrestore.widgets import model_news
from napari_emrestore.widgets.train import TrainDock, orders
from napari_emrestore.widgets.train.curve import Curve
from napari_emrestore.widgets.train.state import TrainState

WAIT_MS = 300_000


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
    dock.state.model, dock.state.meaning, dock.state.steps = "naf-denoise", "aligned", 20
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

    for kind in (orders.AdaptOrder, orders.TeachOrder, orders.RecipeOrder):
        monkeypatch.setattr(kind, "run", run)


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
    assert "naf-denoise-mine is made" in dock.view.outcome.text.text()
    assert str(own_folders) in dock.view.outcome.text.text()
    assert "lower on" in dock.view.outcome.text.text()
    assert told == [True]
    assert dock.view.model.model.findData("naf-denoise-mine") >= 0
    assert dock.view.curve.points[0][0] == 0
    assert len(dock.view.loss.points) > 5
    assert dock.view.crops.names == ["Frame", "Before", "Now"]
    assert dock.view.model.name.text() == dock.state.name == "mine-2"
    assert dock.view.run.button.isEnabled()
    assert dock.view.run.label.isHidden(), "nothing is left to complain of"
    dock.view.outcome.remove.click()
    assert not list(own_folders.glob("*.toml"))
    assert "was removed" in dock.view.outcome.text.text()
    assert dock.view.model.model.findData("naf-denoise-mine") < 0


def test_without_a_gain_nothing_new_is_offered(qtbot, dock, monkeypatch):
    note = "No gain that can be told. The weights of naf-denoise stay."
    made_up(monkeypatch, orders.Made(None, note, 3.0))
    start(qtbot, dock)
    assert dock.view.outcome.text.text() == f"{note} It took 3 s."
    assert dock.view.outcome.use.isHidden()
    assert dock.view.outcome.remove.isHidden()


def test_other_docks_list_the_new_model_at_once(qtbot, viewer, dock, own_folders):
    from napari_emrestore.widgets.compare import CompareDock
    from napari_emrestore.widgets.live import LiveDock
    from napari_emrestore.widgets.overview import OverviewDock
    from napari_emrestore.widgets.probe import ProbeDock
    from napari_emrestore.widgets.restore import RestoreDock

    kinds = (RestoreDock, ProbeDock, CompareDock, LiveDock, OverviewDock)
    restore, probe, compare, live, overview = (kind(viewer) for kind in kinds)
    for widget in (restore, probe, compare, live, overview):
        qtbot.addWidget(widget)
    before = restore.state.model
    kept_card(own_folders)
    model_news.tell()
    assert restore.view.model.menu.findData("naf-denoise-mine") >= 0
    assert restore.state.model == before
    assert live.view.restore.model.menu.findData("naf-denoise-mine") >= 0
    assert overview.view.model.findData("naf-denoise-mine") >= 0
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

    monkeypatch.setattr(orders.AdaptOrder, "run", run)
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
    looks = [orders.Look(step, 0.5 + step / 100, {"Frame": image, "Now": image}) for step in (10, 20)]
    losses = [orders.Loss(step, 1 / step) for step in (5, 10, 20)]
    made_up(monkeypatch, orders.Made(None, "no gain, the old weights stay.", 1.0), [*losses, *looks])
    start(qtbot, dock)
    assert dock.view.curve.points == [(10.0, 0.6), (20.0, 0.7)]
    assert dock.view.curve.best == 1
    assert [step for step, _ in dock.view.loss.points] == [5, 10, 20]
    assert dock.view.loss.best is None
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
    assert orders.adapt_settings(state, 5).burst == 5
    assert orders.adapt_settings(state, 5).kind == "euclidean"
    state.meaning = "aligned"
    assert orders.adapt_settings(state, 5).kind is None
    state.meaning = "single"
    assert orders.adapt_settings(state, 5).burst == 1


def test_a_curve_knows_its_best_and_draws_what_it_is_given(qtbot):
    curve = Curve()
    qtbot.addWidget(curve)
    for points, higher, best in (
        ([(0, 3.0), (1, 1.0), (2, 2.0)], False, 1),
        ([(0, 3.0), (1, 1.0)], True, 0),
        ([(5, 2.0)], True, 0),
        ([(0, 1.0), (1, 1.0)], False, 0),
        ([(0, 1.0), (1, 2.0)], None, None),
    ):
        curve.show_points(points, "error", higher_is_better=higher)
        assert curve.best == best
        assert not curve.grab().isNull()
    curve.show_points([], "")
    assert curve.isHidden()


def test_a_broken_card_leaves_the_menu_as_it_is(qtbot, dock, own_folders):
    own_folders.mkdir(parents=True)
    write_card(replace(find_card("sgpn"), id="no-weights"), own_folders / "no-weights.toml")
    model_news.tell()
    assert dock.view.model.model.findData("no-weights") < 0


def test_a_stopped_run_is_offered_to_go_on_or_begin_anew_and_others_can_be_made_meanwhile(
    qtbot, dock, own_folders, monkeypatch
):
    left = own_folders / ".adapting/naf-denoise-mine/checkpoint.pt"

    def stopped(order, monitor):
        left.parent.mkdir(parents=True)
        left.touch()
        raise Cancelled("adapting")

    monkeypatch.setattr(orders.AdaptOrder, "run", stopped)
    start(qtbot, dock)
    assert "goes on where it was" in dock.view.run.label.text()
    assert not dock.view.anew.isHidden()
    dock.view.model.name.setText("other")
    assert dock.view.anew.isHidden()
    assert dock.view.run.label.isHidden()
    made_up(monkeypatch, orders.Made(None, "no gain", 1.0))
    start(qtbot, dock)
    dock.view.model.name.setText("mine")
    assert "goes on where it was" in dock.view.run.label.text()
    dock.view.anew.click()
    assert not left.exists()
    assert dock.view.anew.isHidden()
    assert dock.view.run.button.isEnabled()


def test_the_next_free_name_is_proposed(qtbot, viewer, dock, own_folders):
    kept_card(own_folders)
    model_news.tell()
    assert "for example mine-2" in dock.view.run.button.toolTip()
    dock.hideEvent(None)
    other = TrainDock(viewer)
    qtbot.addWidget(other)
    assert other.state.name == "mine-2"
    state = TrainState(model="m", name="a-2", taken=("m-a-2", "m-a-3"))
    assert state.free_name() == "a-4"
    assert replace(state, name="b").free_name() == "b"


def test_a_model_made_here_can_be_removed_later_and_no_other(qtbot, dock, own_folders):
    rows, removal = dock.view.model._rows, dock.view.model.remove
    assert not rows.isRowVisible(removal)
    kept_card(own_folders)
    model_news.tell()
    dock.state.model = "naf-denoise-mine"
    assert rows.isRowVisible(removal)
    removal.click()
    assert not list(own_folders.glob("naf-denoise-mine*"))
    assert "naf-denoise is as it always was" in dock.view.outcome.text.text()
    assert dock.state.model != "naf-denoise-mine"


def pick(line, path):
    line.line.setText(str(path))
    line.line.editingFinished.emit()


def test_pairs_come_from_two_folders(qtbot, viewer, dock, tmp_path, monkeypatch):
    from napari_emrestore.training.teaching import teaching

    places = [tmp_path / name for name in ("fast", "slow")]
    for folder, image in zip(
        places, (viewer.layers["stream"].data, viewer.layers["slow scan"].data), strict=True
    ):
        folder.mkdir()
        for name in ("a.tif", "b.tif"):
            imwrite(folder / name, image, photometric="minisblack")
    viewer.layers.clear()
    dock.state.task = "teach"
    pick(dock.view.frames.folder, places[0])
    assert "two layers or from two folders" in dock.view.run.button.toolTip()
    assert not dock.view.frames.layer.isEnabled()
    pick(dock.view.truth.folder, places[1])
    assert dock.view.run.button.isEnabled()
    given = []

    def teach(card, training, validation, name, **told):
        given.append((training.batch([0, 1], 1).bursts.shape[:2], told["source"]))
        return Taught(None, 0.5, 0.49, 0.01, (), 1.0)

    monkeypatch.setattr(teaching, "teach", teach)
    start(qtbot, dock)
    assert given == [((2, 1), {"paths": [str(place) for place in places]})]
    assert "no gain" in dock.view.outcome.text.text()
    dock.view.truth.folder.line.clear()
    assert dock.state.clean_folder == ""
    pick(dock.view.frames.folder, tmp_path / "gone")
    assert "There is no folder" in dock.view.run.button.toolTip()


def test_clean_images_come_from_a_folder_and_the_microscope_from_a_layer(
    qtbot, viewer, dock, tmp_path, monkeypatch
):
    from napari_emrestore.training.teaching import teaching

    imwrite(
        tmp_path / "clean.tif", np.tile(viewer.layers["slow scan"].data, (2, 2)), photometric="minisblack"
    )
    dock.state.task, dock.state.teaching = "teach", "clean"
    assert "folder of them" in dock.view.run.button.toolTip()
    pick(dock.view.truth.folder, tmp_path)
    assert not dock.view.frames._rows.isRowVisible(dock.view.frames.folder)
    given = []

    def teach(card, training, validation, name, **told):
        given.append(np.isfinite(training.batch([0], 1).bursts).all())
        return Taught(None, 0.5, 0.49, 0.01, (), 1.0)

    monkeypatch.setattr(teaching, "teach", teach)
    start(qtbot, dock)
    assert given == [True]


def test_a_recipe_is_run_on_the_folder_of_its_images(qtbot, viewer, dock, own_folders, tmp_path, monkeypatch):
    from napari_emrestore.training import bundled_recipes, read_recipe, recipe_runs

    viewer.layers.clear()
    dock.state.task, dock.state.recipe = "recipe", "katsuno-quarter"
    recipe = read_recipe(bundled_recipes()["katsuno-quarter"])
    assert dock.state.recipe_steps == recipe.optimiser.steps
    assert recipe.summary in dock.view.model.about.text()
    assert "folder with the images" in dock.view.run.button.toolTip()
    pick(dock.view.model.data, tmp_path)
    assert f"learns from {recipe.data.sources[0].pattern}" in dock.view.run.button.toolTip()
    for source in recipe.data.sources:
        path = tmp_path / source.pattern.replace("*", "x")
        path.parent.mkdir(exist_ok=True)
        path.touch()
    pick(dock.view.model.data, tmp_path)
    assert dock.view.run.button.isEnabled()
    assert dock.view.frames_box.isHidden()
    figures = {
        "held_out_ssim": 0.8,
        "held_out_ssim_of_mean": 0.6,
        "best_step": 5,
        "seconds": 3,
        "trained_on": "x",
    }

    def run_recipe(recipe, data, name, *, steps, watch, **told):
        watch.learnt(1, 0.5)
        kept = kept_card(own_folders)
        return replace(kept, training={**figures, "asked": [recipe.id, str(data), name, steps]})

    monkeypatch.setattr(recipe_runs, "run_recipe", run_recipe)
    dock.state.recipe_steps = 5
    start(qtbot, dock)
    text = dock.view.outcome.text.text()
    assert "SSIM on held-out images 0.800, of the frames' mean 0.600. Kept: step 5" in text
    assert dock.view.loss.points == [(1.0, 0.5)]
