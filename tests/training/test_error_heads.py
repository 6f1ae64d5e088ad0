"""A head learns how far its network is off: known variances come back, and the network stays as it was."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from imageio.v3 import imwrite
from safetensors.torch import load_file
from tests.small_networks import small_card

from napari_emrestore.core import InputError, ModelError
from napari_emrestore.models import build_network, file_sha256, load_network, read_card
from napari_emrestore.training.adapting.keeping import keep
from napari_emrestore.training.data import Batch
from napari_emrestore.training.error_heads import ErrorObjective, fit_error_head, scale_head
from napari_emrestore.training.loop import train
from napari_emrestore.training.losses import gaussian_surprise
from napari_emrestore.training.recipe import DataRecipe, OptimiserRecipe, Recipe, SourceRecipe
from napari_emrestore.training.scenes import draw_scene

SMALL = {"width": 4, "encoder_blocks": [1], "middle_blocks": 1, "decoder_blocks": [1], "noise_input": True}
SIDE = 24


class Counting:
    """Frames whose noise has the variance of its line, on ramps; nothing that a smoother could use."""

    def batch(self, indices, frames):
        truths, bursts, lines = [], [], []
        for index in indices:
            rng = np.random.default_rng([7, index])
            ramp = np.linspace(0.05, 1.0, SIDE) + np.zeros((SIDE, 1))
            truth = np.rot90(ramp, int(rng.integers(4))).astype(np.float32)
            line = (np.exp(rng.uniform(np.log(1e-3), np.log(0.1))), 1e-4)
            noise = rng.normal(size=(frames, SIDE, SIDE)) * np.sqrt(line[0] * truth + line[1])
            truths.append(truth)
            bursts.append(truth + noise)
            lines.append(line)
        return Batch(*(np.asarray(part, np.float32) for part in (bursts, lines, truths)))

    def draw_frames(self, step):
        return 1 + step % 3


class Silent:
    def step(self, done, total, note=""):
        pass


def mean_of_frames():
    """Return a network that restores by the mean of the frames, with a head; only the head learns."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = build_network("burst_naf", {**SMALL, "error_head": True}).requires_grad_(False)
    network.exit.weight.zero_()
    network.exit.bias.zero_()
    network.error_head.requires_grad_(True)
    return network


def test_a_known_variance_is_learnt(tmp_path):
    network = mean_of_frames()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    recipe = OptimiserRecipe(300, warmup_steps=10, rate=2e-2, average=0.9, validate_every=300)
    learnt, _ = train(
        network, Counting(), Counting(), recipe, 8, 1, tmp_path, Silent(), objective=ErrorObjective(recipe)
    )
    for name, tensor in learnt.state_dict().items():
        assert name.startswith("error_head.") or torch.equal(tensor, before[name])
    scaled = scale_head(learnt, iter([Counting().batch(range(5000, 5064), 2)]))
    assert scaled.factor == pytest.approx(1, abs=0.1)
    assert scaled.within_one == pytest.approx(0.683, abs=0.03)
    assert scaled.within_two == pytest.approx(0.954, abs=0.02)
    for frames in (1, 3):
        shown = Counting().batch(range(9000, 9032), frames)
        with torch.inference_mode():
            told = learnt.forward_with_error(torch.from_numpy(shown.bursts), torch.from_numpy(shown.noise))[1]
        slope, height = shown.noise[:, 0, None, None], shown.noise[:, 1, None, None]
        known = np.sqrt((slope * shown.truths + height) / frames)
        ratio = np.exp(0.5 * told.numpy()) / known
        assert np.median(ratio) == pytest.approx(1, abs=0.15)
        assert np.percentile(ratio, 5) > 0.7
        assert np.percentile(ratio, 95) < 1.4


def test_the_surprise_is_least_at_the_mean_of_the_squares():
    squares = torch.tensor([[[1.0, 4.0, 7.0]]])
    surprises = [
        float(gaussian_surprise(squares, torch.full_like(squares, np.log(v)))) for v in (3.0, 4.0, 5.0)
    ]
    assert min(surprises) == surprises[1]


def test_a_wrong_scale_is_put_right():
    network = mean_of_frames().requires_grad_(False)
    wide = replace(Counting().batch(range(40), 1), noise=np.zeros((40, 2), np.float32))
    rms = float(np.sqrt(((wide.bursts[:, 0] - wide.truths) ** 2).mean()))
    assert scale_head(network, iter([wide])).factor == pytest.approx(rms / 0.05, rel=1e-4)
    assert scale_head(network, iter([wide])).factor == pytest.approx(1, rel=1e-4)


@pytest.fixture
def trained(tmp_path):
    """Return the card of a network with rounded random weights."""
    return small_card(tmp_path, parameters=SMALL)


@pytest.fixture
def recipe():
    data = DataRecipe(
        {"poisson": 1.0},
        sources=(SourceRecipe("*.png", (1,), validation="v_*.png"),),
        procedural_scenes=1,
        procedural_size_px=64,
        crop_px=SIDE,
        batch=2,
    )
    steps = OptimiserRecipe(3, validate_every=3)
    return Recipe(
        "small", "1", "Small", "A test.", "denoise", "burst_naf", data, steps, 4, 32, error_head=steps
    )


@pytest.fixture
def images(tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    for name in ("t_1.png", "v_1.png"):
        scene = draw_scene("cells", 64, np.random.default_rng(0))
        imwrite(folder / name, (scene * 255).astype(np.uint8))
    return folder


def test_a_card_gets_a_head_and_keeps_its_restorations(trained, recipe, images, tmp_path):
    out = tmp_path / "out"
    made = fit_error_head(trained, recipe, images, folder=out)
    assert made == read_card(out / "small.toml")
    assert made.tells_error
    assert not trained.tells_error
    assert made.training["error_head_steps"] == 3
    assert made.sha256 == file_sha256(out / "small.safetensors")
    old, new = load_file(trained.weights), load_file(made.weights)
    assert all(torch.equal(old[name], new[name]) for name in old)
    shown = torch.rand(1, 1, 32, 32)
    noise = torch.tensor([[0.01, 0.0]])
    assert torch.equal(load_network(made)(shown, noise), load_network(trained)(shown, noise))
    assert made.known_failures[-1].startswith("The expected error is inferred")
    again = fit_error_head(made, recipe, images, folder=tmp_path / "again")
    assert load_file(again.weights).keys() == new.keys()
    with pytest.raises(InputError, match="belongs to others"):  # the checkpoint there is of other weights
        fit_error_head(made, recipe, images, folder=out)


def test_weights_that_learnt_on_lose_the_head_of_the_former_ones(trained, recipe, images, tmp_path):
    made = fit_error_head(trained, recipe, images, folder=tmp_path / "out")
    network = load_network(made)
    network.exit.bias += 0.1
    kept = keep(network, made, "ours", tmp_path / "models", {}, {"gain": 0.1})
    assert not kept.tells_error
    assert kept.known_failures[1:] == trained.known_failures
    assert not any(name.startswith("error_head") for name in load_file(kept.weights))
    shown = torch.rand(1, 1, 32, 32)
    assert torch.equal(load_network(kept)(shown), network(shown))


def test_probes_of_the_same_restorations_stay(trained, recipe, images, tmp_path):
    rows = (
        {"probe": "blank", "weights_sha256": trained.sha256},
        {"probe": "old", "weights_sha256": "0" * 64},
    )
    made = fit_error_head(replace(trained, probes=rows), recipe, images, folder=tmp_path / "out")
    assert [row["weights_sha256"] for row in made.probes] == [made.sha256, "0" * 64]


def test_what_cannot_get_a_head_is_refused(trained, recipe, images, tmp_path):
    with pytest.raises(InputError, match="error_head"):
        fit_error_head(trained, replace(recipe, error_head=None), images, folder=tmp_path)
    with pytest.raises(ModelError, match="own parameters"):
        fit_error_head(replace(trained, architecture="burst_unet"), recipe, images, folder=tmp_path)
    other = replace(trained, parameters={**SMALL, "middle_blocks": 2})
    with pytest.raises(ModelError, match="those of the network"):
        fit_error_head(other, recipe, images, folder=tmp_path)
