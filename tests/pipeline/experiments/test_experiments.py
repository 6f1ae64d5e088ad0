"""The papers' experiments: their tables are whole, a tiny one runs, and its report says what it is."""

import json
from dataclasses import replace

import numpy as np
import pytest

from napari_emrestore.core import Cancelled, InputError
from napari_emrestore.pipeline.experiments import (
    EXPERIMENTS,
    Arm,
    Experiment,
    Plan,
    run_experiment,
    write_outcome,
)
from napari_emrestore.pipeline.experiments.domains import DOMAINS, SEQUENCES, Mixture, draw_sequence
from napari_emrestore.training import PRESETS, bundled_recipes, read_recipe
from napari_emrestore.training.data import SampleMaker

TINY = Plan(steps=2, scenes=1, scene_px=96, tiles=2)


def narrow(recipe):
    """The recipe with a network and crops that a test has time for."""
    parameters = {"burst_unet": {"width": 4}, "sgpn": {"width": "tiny"}}[recipe.architecture]
    judge = None if recipe.adversary is None else replace(recipe.adversary, width=4)
    optimiser = replace(recipe.optimiser, refresh_passes=min(2, recipe.optimiser.refresh_passes))
    data = replace(recipe.data, crop_px=48, batch=2)
    return replace(recipe, parameters=parameters, adversary=judge, data=data, optimiser=optimiser)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_an_experiment_names_what_exists_and_what_its_paper_found(name):
    recipes = bundled_recipes()
    for arm in EXPERIMENTS[name].arms:
        recipe = read_recipe(recipes[arm.recipe])
        assert recipe.full_recipe in recipes
        assert set(arm.train) | set(arm.test) <= set(DOMAINS)
        assert arm.held_out in SEQUENCES
        assert set(arm.paper) == set(arm.test)
        assert arm.change(recipe).architecture == recipe.architecture
        full = read_recipe(recipes[recipe.full_recipe])
        assert arm.change(full).parameters == full.parameters


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_an_experiment_compares_rows_that_it_has(name):
    experiment = EXPERIMENTS[name]
    labels = {arm.label for arm in experiment.arms}
    labels |= {f"mean of frames, sequence {n}" for n in SEQUENCES}
    if experiment.recalibrates:
        labels |= {f"{arm.label}, recalibrated" for arm in experiment.arms}
    assert {label for pair in experiment.comparisons for label in pair} <= labels


def test_reduced_burst_networks_start_alike():
    recipes = bundled_recipes()
    for arm in EXPERIMENTS["ablation"].arms:
        assert arm.change(read_recipe(recipes[arm.recipe])).parameters["adds_frame_mean"]


def test_the_tables_have_the_rows_of_the_papers():
    counts = {name: len(experiment.arms) for name, experiment in EXPERIMENTS.items()}
    assert counts == {"ablation": 8, "cross": 3, "splits": 8, "shares": 16, "terms": 8}
    first, *_, last = (
        arm.change(read_recipe(bundled_recipes()["sgpn-small"])) for arm in EXPERIMENTS["terms"].arms
    )
    assert first.perceptual is None
    assert first.semi_supervised is None
    assert not first.adversary.diff_augment
    assert first.adversary.from_step == 0
    assert last.perceptual is not None
    assert last.semi_supervised is not None
    assert last.adversary.diff_augment


@pytest.mark.parametrize("name", DOMAINS)
def test_sequences_share_no_scene(name):
    assert set(DOMAINS[name].presets) <= set(PRESETS)
    drawn = [draw_sequence(name, n, 1, 48, 0) for n in SEQUENCES]
    images = [scene.image for scenes in drawn for scene in scenes]
    assert len({image.tobytes() for image in images}) == len(images)
    draw_sequence.cache_clear()
    again = draw_sequence(name, 1, 1, 48, 0)
    np.testing.assert_array_equal(again[0].image, drawn[0][0].image)


def test_a_mixture_takes_its_makers_in_turn():
    data = replace(read_recipe(bundled_recipes()["bu-quarter"]).data, crop_px=32, sources=())
    makers = [SampleMaker(draw_sequence(name, 1, 1, 96, 0), data, 0) for name in ("kidney", "grid")]
    mixed = Mixture(makers)
    assert mixed.draw_frames(7) == makers[0].draw_frames(7)
    made = mixed.batch([4, 5], 3)
    np.testing.assert_array_equal(made.bursts[:1], makers[0].batch([4], 3).bursts)
    np.testing.assert_array_equal(made.bursts[1:], makers[1].batch([5], 3).bursts)


@pytest.fixture(scope="module")
def crossed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cross")
    arm = Arm(
        "trained on grid",
        "bu-quarter",
        ("grid",),
        ("grid", "kidney"),
        change=narrow,
        paper={"grid": (29.1, 0.9)},
    )
    outcome = run_experiment(
        "cross",
        Experiment(
            "Title",
            "Table 3",
            (arm, replace(arm, label="once more")),
            (("trained on grid", "one frame, sequence 3"),),
            recalibrates=True,
        ),
        TINY,
        folder,
    )
    return outcome, folder


def test_each_test_has_its_baselines_once_and_foreign_ones_a_recalibrated_row(crossed):
    outcome, _ = crossed
    assert [(row.label, row.test) for row in outcome.rows][:7] == [
        ("one frame, sequence 3", "grid"),
        ("mean of frames, sequence 3", "grid"),
        ("one frame, sequence 3", "kidney"),
        ("mean of frames, sequence 3", "kidney"),
        ("trained on grid", "grid"),
        ("trained on grid", "kidney"),
        ("trained on grid, recalibrated", "kidney"),
    ]
    assert all(np.isfinite([row.psnrs_db, row.ssims]).all() for row in outcome.rows)
    assert all(len(row.psnrs_db) == TINY.tiles for row in outcome.rows)
    assert [row.paper for row in outcome.rows[:2]] == [(21.58, 0.56), None]
    trained, recalibrated = outcome.rows[5:7]
    assert trained.psnrs_db != recalibrated.psnrs_db
    # the second, equal arm went on from the first one's checkpoint, whose statistics were put back
    assert outcome.rows[8].psnrs_db == trained.psnrs_db
    assert outcome.rows[8].facts == trained.facts


def test_the_report_holds_figures_the_papers_and_the_command(crossed):
    outcome, folder = crossed
    page, data = write_outcome(outcome, folder)
    text = page.read_text()
    assert "29.10 | 0.9" in text
    assert "compare orderings" in text
    assert "napari-emrestore experiment cross -o FOLDER --steps 2 --scenes 1" in text
    record = json.loads(data.read_text())
    assert record["plan"]["steps"] == 2
    assert len(record["rows"]) == len(outcome.rows)
    assert "1 trainings" in text
    (of_grid, *_) = record["orderings"]
    assert of_grid["order"] == "within the spread"  # tiles of a single scene tell no spread


class Stop:
    """A user who stops at once."""

    def step(self, done, total, note=""):
        raise Cancelled(note)


def test_terms_run_with_a_bank_and_say_that_features_are_missing(tmp_path):
    arm = EXPERIMENTS["terms"].arms[3]
    arm = replace(arm, change=lambda recipe, change=arm.change: narrow(change(recipe)))
    experiment = Experiment("Terms", "Table 6", (arm,))
    with pytest.raises(Cancelled), pytest.warns(UserWarning, match="perceptual"):
        run_experiment("terms", experiment, TINY, tmp_path, Stop())
    with pytest.warns(UserWarning, match="perceptual"):
        outcome = run_experiment("terms", experiment, TINY, tmp_path)
    assert len(list(tmp_path.iterdir())) == 1  # the stopped run was taken up
    page, _ = write_outcome(outcome, tmp_path)
    assert "no VGG-19 file was given" in page.read_text()
    assert outcome.rows[-1].facts["steps"] == 2


@pytest.mark.filterwarnings("ignore:No VGG-19 file was given:UserWarning")
def test_a_term_that_is_zero_changes_nothing(tmp_path):
    arms = [
        replace(arm, change=lambda recipe, change=arm.change: narrow(change(recipe)))
        for arm in EXPERIMENTS["terms"].arms[:2]
    ]
    outcome = run_experiment("terms", Experiment("Terms", "Table 6", tuple(arms)), TINY, tmp_path)
    without, with_zero = (row for row in outcome.rows if "steps" in row.facts)
    assert without.psnrs_db == with_zero.psnrs_db
    assert without.facts["training"] == with_zero.facts["training"]  # it was not trained again


@pytest.mark.parametrize("change", [{"steps": 0}, {"scenes": 0}, {"tiles": 0}])
def test_nothing_to_do_is_refused(tmp_path, change):
    with pytest.raises(InputError, match="at least one"):
        run_experiment("cross", EXPERIMENTS["cross"], replace(TINY, **change), tmp_path)
