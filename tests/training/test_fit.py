"""Training: it learns, it resumes to the same weights, and its result is a card that loads."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from imageio.v3 import imwrite

from napari_emrestore.core import Cancelled, InputError, ModelError
from napari_emrestore.models import load_network, read_card
from napari_emrestore.training import fit, missing_sources, run_recipe
from napari_emrestore.training.adapting import undo
from napari_emrestore.training.halo import measure_halo
from napari_emrestore.training.loop import learning_rate
from napari_emrestore.training.recipe import DataRecipe, OptimiserRecipe, Recipe, SourceRecipe, read_recipe
from napari_emrestore.training.scenes import draw_scene
from napari_emrestore.training.stopped import claim, forget_run, stopped_runs

RECIPE = Recipe(
    id="tiny",
    version="1",
    name="Tiny",
    summary="A test.",
    task="denoise",
    architecture="burst_naf",
    parameters={"width": 4, "encoder_blocks": [1], "middle_blocks": 1, "decoder_blocks": [1]},
    stride_px=4,
    halo_px=32,
    data=DataRecipe(
        {"poisson": 1.0},
        frames=(1, 2),
        sources=(SourceRecipe("*.png", (1,), validation="v_*.png", credit="us"),),
        procedural_scenes=1,
        procedural_size_px=64,
        crop_px=24,
        batch=2,
    ),
    optimiser=OptimiserRecipe(steps=6, warmup_steps=2, validate_every=3),
)


@pytest.fixture
def images(tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for name in ("t_1.png", "v_1.png"):
        imwrite(folder / name, (draw_scene("cells", 64, rng) * 255).astype(np.uint8))
    return folder


class StopAt:
    """A user who stops the run at a step."""

    def __init__(self, step):
        self.stop = step

    def step(self, done, total, note=""):
        if done == self.stop:
            raise Cancelled("training")


@pytest.mark.parametrize("stop", [1, 4])
def test_a_stopped_run_resumes_to_the_same_weights(images, tmp_path, stop):
    whole = fit(RECIPE, images, folder=tmp_path / "whole")
    with pytest.raises(Cancelled):
        fit(RECIPE, images, folder=tmp_path / "parts", monitor=StopAt(stop))
    parts = fit(RECIPE, images, folder=tmp_path / "parts")
    assert parts.sha256 == whole.sha256
    assert parts.training["steps"] == 6


def test_the_result_is_a_card_that_loads_and_says_what_it_saw(images, tmp_path):
    card = fit(RECIPE, images, folder=tmp_path / "run")
    again = read_card(tmp_path / "run" / "tiny.toml")
    assert again.sha256 == card.sha256
    assert again.training["data"] == ["*.png"]
    assert again.training["samples"] == 12
    assert "held_out_psnr_db" in again.training
    output = load_network(again)(torch.zeros(1, 3, 16, 16))
    assert output.shape == (1, 16, 16)


def test_training_beats_doing_nothing_on_held_out_samples(images, tmp_path):
    easy = replace(RECIPE.data, presets={"lde_hde": 1.0}, frames=(1, 1), batch=4)
    optimiser = OptimiserRecipe(steps=120, warmup_steps=10, validate_every=120, rate=5e-3, loss="l1")
    recipe = replace(RECIPE, data=easy, optimiser=optimiser)
    card = fit(recipe, images, folder=tmp_path / "run")
    assert card.training["held_out_psnr_db"] > card.training["held_out_psnr_of_mean_db"] + 0.5


def test_the_rate_warms_up_holds_and_falls_to_zero():
    recipe = OptimiserRecipe(steps=100, warmup_steps=10, decay_share=0.3, rate=1.0)
    assert learning_rate(recipe, 0) == pytest.approx(0.1)
    assert learning_rate(recipe, 50) == 1.0
    assert learning_rate(recipe, 85) == pytest.approx(0.5)
    assert learning_rate(recipe, 100) == pytest.approx(0.0, abs=1e-9)


def test_every_shipped_recipe_is_readable():
    from importlib.resources import files

    recipes = [
        p for p in (files("napari_emrestore.training") / "recipes").iterdir() if p.name.endswith(".toml")
    ]
    assert recipes
    for path in recipes:
        recipe = read_recipe(path)
        assert path.name == f"{recipe.id}.toml"
        assert all(source.credit for source in recipe.data.sources)


@pytest.mark.parametrize(
    ("text", "what"), [("steps = ", "TOML"), ("bogus = 1", "bogus"), ("id = 'x'", "complete")]
)
def test_a_wrong_recipe_says_what_is_wrong(tmp_path, text, what):
    path = tmp_path / "r.toml"
    path.write_text(text)
    with pytest.raises(InputError, match=what):
        read_recipe(path)


def test_the_measured_halo_is_enough_and_no_larger_than_it_must_be():
    class Blur(torch.nn.Module):
        """A five-tap mean along each axis: reaches two pixels."""

        def forward(self, frames):
            return torch.nn.functional.avg_pool2d(frames.mean(1, keepdim=True), 5, 1, 2)[:, 0]

    assert measure_halo(Blur(), 1, 9, frames=2) == 3
    assert measure_halo(Blur(), 4, 12, frames=1) == 8


def test_a_recipe_without_validation_images_is_refused_rather_than_scored_on_training_data(images, tmp_path):
    data = replace(RECIPE.data, sources=(SourceRecipe("t_*.png", (1,), credit="us"),))
    with pytest.raises(InputError, match="out of training"):
        fit(replace(RECIPE, data=data), images, folder=tmp_path / "run")


def test_a_recipe_becomes_a_model_of_the_folder_and_can_be_removed(images, tmp_path):
    home = tmp_path / "models"
    card = run_recipe(RECIPE, images, "mine", steps=4, folder=home, device="cpu")
    assert read_card(home / "tiny-mine.toml").sha256 == card.sha256
    assert (card.id, card.training["steps"], card.training["recipe"]) == ("tiny-mine", 4, "tiny.toml")
    assert card.training["best_step"] in (3, 4)
    assert load_network(card)(torch.zeros(1, 2, 16, 16)).shape == (1, 16, 16)
    assert stopped_runs(home) == {}
    with pytest.raises(InputError, match="exists already"):
        run_recipe(RECIPE, images, "mine", folder=home, device="cpu")
    undo("tiny-mine", home)
    assert not list(home.glob("tiny-mine*"))
    with pytest.raises(ModelError, match="is no such model"):
        undo("tiny-mine", home)


def test_another_model_can_be_made_while_one_rests(images, tmp_path):
    home, told = tmp_path / "models", {"steps": 4, "device": "cpu"}
    whole = run_recipe(RECIPE, images, "whole", folder=tmp_path / "whole", **told)
    with pytest.raises(Cancelled):
        run_recipe(RECIPE, images, "whole", folder=home, monitor=StopAt(2), **told)
    assert list(stopped_runs(home)) == ["tiny-whole"]
    run_recipe(RECIPE, images, "other", folder=home, **told)
    with pytest.raises(InputError, match="belongs to others"):
        run_recipe(RECIPE, images, "whole", folder=home, steps=5, device="cpu")
    resumed = run_recipe(RECIPE, images, "whole", folder=home, **told)
    assert resumed.sha256 == whole.sha256
    assert stopped_runs(home) == {}


def test_images_that_are_missing_are_named_before_anything_starts(images, tmp_path):
    data = replace(RECIPE.data, sources=(*RECIPE.data.sources, SourceRecipe("gold/*.png", (1,), credit="us")))
    assert missing_sources(data, images) == ["gold/*.png"]
    with pytest.raises(InputError, match=r"none that matches gold/\*\.png"):
        run_recipe(replace(RECIPE, data=data), images, "mine", folder=tmp_path / "models")
    assert not (tmp_path / "models").exists()


def test_what_a_stopped_run_left_can_be_thrown_away(tmp_path):
    work = tmp_path / ".teaching" / "net-a"
    claim(work, b"one")
    claim(work, b"other")
    assert stopped_runs(tmp_path) == {}, "nothing was learnt yet"
    (work / "checkpoint.pt").touch()
    with pytest.raises(InputError, match="belongs to others"):
        claim(work, b"one")
    claim(work, b"other")
    forget_run("net-a", tmp_path)
    forget_run("net-a", tmp_path)
    assert stopped_runs(tmp_path) == {}
    claim(work, b"one")
