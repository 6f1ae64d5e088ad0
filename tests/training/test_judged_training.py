"""Training with a judge: it learns, it resumes to the same weights, and the card says what took part."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from imageio.v3 import imwrite

from napari_emrestore.core import Cancelled, InputError, ModelError
from napari_emrestore.models import build_network, load_network
from napari_emrestore.training import fit
from napari_emrestore.training.data import Batch
from napari_emrestore.training.judge import Judge, build_judges
from napari_emrestore.training.loop import build_optimiser
from napari_emrestore.training.objective import JudgedObjective, Objective
from napari_emrestore.training.perceptual import build_features
from napari_emrestore.training.recipe import (
    AdversaryRecipe,
    DataRecipe,
    OptimiserRecipe,
    PerceptualRecipe,
    Recipe,
    SemiSupervisedRecipe,
    SourceRecipe,
    read_recipe,
)
from napari_emrestore.training.scenes import draw_scene

JUDGED = Recipe(
    id="judged",
    version="1",
    name="Judged",
    summary="A test.",
    task="deblur+denoise",
    architecture="sgpn",
    parameters={"width": "tiny"},
    stride_px=16,
    halo_px=224,
    tiling_mode="blend",
    data=DataRecipe(
        {"sem_defocus": 1.0},
        sources=(SourceRecipe("*.png", (1,), validation="v_*.png", credit="us"),),
        procedural_scenes=1,
        procedural_size_px=64,
        registration_px=0.0,
        crop_px=48,
        batch=2,
    ),
    optimiser=OptimiserRecipe(steps=4, warmup_steps=2, validate_every=2, loss="l1"),
    adversary=AdversaryRecipe("sgpn", "least_squares", 0.1, width=4, diff_augment=True, from_step=1),
    semi_supervised=SemiSupervisedRecipe(0.01, labelled_share=0.5),
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


class Onlooker:
    """Writes down what it is told."""

    def __init__(self):
        self.losses, self.seen = [], []

    def learnt(self, step, loss):
        self.losses.append((step, loss))

    def validated(self, record, shown, restored):
        self.seen.append((record["step"], shown.truths.shape, restored.shape))


def test_a_stopped_run_takes_up_judge_and_both_optimisers(images, tmp_path):
    whole = fit(JUDGED, images, folder=tmp_path / "whole")
    with pytest.raises(Cancelled):
        fit(JUDGED, images, folder=tmp_path / "parts", monitor=StopAt(3))
    state = torch.load(tmp_path / "parts/checkpoint.pt", weights_only=True)["objective"]
    assert {int(s["step"]) for s in state["optimiser"]["state"].values()} == {2}  # it joined at step 1
    parts = fit(JUDGED, images, folder=tmp_path / "parts")
    assert parts.sha256 == whole.sha256


def test_judge_and_unlabelled_images_change_what_is_learnt(images, tmp_path):
    alone = replace(JUDGED, adversary=None, semi_supervised=None)
    pairs = replace(JUDGED, semi_supervised=SemiSupervisedRecipe(0.0, labelled_share=0.5))
    hashes = {
        fit(recipe, images, folder=tmp_path / str(n)).sha256
        for n, recipe in enumerate((alone, pairs, JUDGED))
    }
    assert len(hashes) == 3


def test_someone_may_look_on(images, tmp_path):
    onlooker = Onlooker()
    fit(JUDGED, images, folder=tmp_path / "run", watch=onlooker)
    assert [step for step, _ in onlooker.losses] == [1, 2, 3, 4]
    assert onlooker.seen == [(2, (24, 48, 48), (24, 48, 48)), (4, (24, 48, 48), (24, 48, 48))]


def test_the_best_validation_is_kept_and_written_down(images, tmp_path):
    # a rate that ruins the network at once: the first validation must be the best
    optimiser = replace(JUDGED.optimiser, rate=30.0, clip=1e3, average=0.0, keep="best", validate_every=1)
    optimiser = replace(optimiser, warmup_steps=1000, decay_share=0.01)
    recipe = replace(JUDGED, adversary=None, semi_supervised=None, optimiser=optimiser)
    card = fit(recipe, images, folder=tmp_path / "best")
    history = torch.load(tmp_path / "best/checkpoint.pt", weights_only=True)["history"]
    best = max(history, key=lambda record: record["ssim"])
    assert best["step"] < 4
    assert card.training["best_step"] == best["step"]
    assert card.training["held_out_ssim"] == best["ssim"]
    last = fit(replace(recipe, optimiser=replace(optimiser, keep="last")), images, folder=tmp_path / "last")
    assert last.sha256 != card.sha256


def test_averaged_batch_statistics_are_gathered_anew(images, tmp_path):
    optimiser = OptimiserRecipe(
        steps=2, warmup_steps=2, validate_every=2, loss="l1", refresh_passes=2, average=0.9
    )
    recipe = Recipe(
        "bu", "1", "BU", "A test.", "denoise", "burst_unet", replace(JUDGED.data, crop_px=32, frames=(2, 2)),
        optimiser, 16, 16, parameters={"width": 4},
    )  # fmt: skip
    card = fit(recipe, images, folder=tmp_path / "run")
    counts = {int(value) for name, value in load_network(card).state_dict().items() if "num_batches" in name}
    assert counts == {2}
    assert card.training["held_out_ssim"] > -1


def test_images_from_a_microscope_may_be_the_unlabelled_ones(images, tmp_path):
    imwrite(images / "raw.tif", np.random.default_rng(1).integers(0, 999, (50, 64)).astype(np.uint16))
    recipe = replace(JUDGED, semi_supervised=SemiSupervisedRecipe(0.01, pattern="*.tif"))
    assert fit(recipe, images, folder=tmp_path / "run").training["steps"] == 4
    with pytest.raises(InputError, match="at least 48 px"):
        fit(
            replace(recipe, semi_supervised=SemiSupervisedRecipe(0.01, pattern="*.none")),
            images,
            folder=tmp_path / "none",
        )
    with pytest.raises(InputError, match="needs images"):
        fit(replace(recipe, semi_supervised=SemiSupervisedRecipe(0.01)), images, folder=tmp_path / "no")


@pytest.mark.parametrize(("name", "count"), [("deblurgan_v2", 2), ("sgpn", 1)])
@pytest.mark.parametrize("loss", ["least_squares", "relativistic"])
def test_a_judge_learns_to_tell_restored_from_real(name, count, loss):
    torch.manual_seed(0)
    judge = Judge(AdversaryRecipe(name, loss, 1.0, width=4, rate=2e-3), seed=0)
    assert len(judge.networks) == count
    real, made = torch.rand(2, 64, 64), torch.full((2, 64, 64), 0.5)
    before = judge.rate(real, made, 0).item()
    for step in range(8):
        judge.learn(real, made, step, 1.0)
    assert judge.rate(real, made, 0).item() > before  # what it sees through costs the maker more


def test_ratings_teach_the_restorer_and_not_the_judge():
    judge = Judge(AdversaryRecipe("sgpn", "least_squares", 1.0, width=4, diff_augment=True), seed=0)
    real, made = torch.rand(1, 48, 48), torch.rand(1, 48, 48, requires_grad=True)
    other = torch.rand(1, 48, 48, requires_grad=True)
    judge.rate(real, made, 0).backward()
    assert made.grad.abs().sum() > 0
    made.grad = None
    judge.compare(made, other, 0).backward()
    assert made.grad is None
    assert other.grad.abs().sum() > 0
    assert all(p.grad is None for p in judge.networks.parameters())


def test_the_full_size_discriminators_are_those_of_the_papers():
    counts = [sum(p.numel() for p in judge.parameters()) for judge in build_judges("deblurgan_v2", 64)]
    assert counts == [2_762_689, 11_152_321]
    (judge,) = build_judges("sgpn", 64)
    assert sum(p.numel() for p in judge.parameters()) == 2_764_609
    with pytest.raises(InputError, match="judges"):
        build_judges("other", 64)


def pair(frames=1):
    rng = np.random.default_rng(0)
    bursts = rng.random((2, frames, 32, 32), np.float32)
    return Batch(bursts, np.zeros((2, 2), np.float32), bursts.mean(1) + np.float32(0.1))


def test_terms_add_up_with_their_weights(tmp_path):
    weights = {f"features.{name}": tensor for name, tensor in build_features().state_dict().items()}
    torch.save(weights, tmp_path / "vgg19.pth")
    recipe = replace(
        JUDGED,
        optimiser=replace(JUDGED.optimiser, loss="mse", loss_weight=0.5, balanced=False),
        adversary=None,
        semi_supervised=None,
        perceptual=PerceptualRecipe(0.006),
    )
    objective = JudgedObjective(recipe, None, tmp_path / "vgg19.pth")
    mean = torch.nn.Module()
    mean.forward = lambda bursts: bursts.mean(1)
    shown = pair()
    total = objective.loss(mean, shown, 0, 1.0).item()
    content = 0.5 * 0.1**2
    features = objective._perceptual(torch.from_numpy(shown.bursts[:, 0]), torch.from_numpy(shown.truths))
    assert total == pytest.approx(content + 0.006 * features.mean().item(), rel=1e-4)
    assert objective.record["perceptual"] == "vgg19.pth"


def test_the_loss_over_scales_sums_three_sizes():
    network = build_network("deep_deblur", {"width": 3, "blocks": 1})
    recipe = OptimiserRecipe(steps=1, loss="l1", balanced=False)
    full = Objective(recipe).loss(network, pair(), 0, 1.0)
    everything = Objective(replace(recipe, over_scales=True)).loss(network, pair(), 0, 1.0)
    assert everything.item() > full.item()


def test_a_backbone_from_a_file_rests_at_first_and_is_written_down(images, tmp_path):
    data = replace(JUDGED.data, crop_px=64, procedural_size_px=80, frames=(3, 3), batch=1)
    optimiser = replace(JUDGED.optimiser, steps=2, frozen_steps=1, validate_every=2)
    parameters = {"pyramid_width": 8, "head_width": 4}
    recipe = replace(
        JUDGED, architecture="deblurgan_v2", parameters=parameters, data=data, optimiser=optimiser,
        stride_px=32, semi_supervised=None,
        adversary=AdversaryRecipe("deblurgan_v2", "relativistic", 0.01, width=4),
    )  # fmt: skip
    for name in ("t_1.png", "v_1.png"):
        imwrite(images / name, np.random.default_rng(0).integers(0, 255, (80, 80)).astype(np.uint8))
    wanted = build_network("deblurgan_v2", parameters)
    weights = wanted.get_submodule(wanted.backbone_file.part).state_dict()
    torch.save(weights, tmp_path / "mobilenet.pth")
    card = fit(recipe, images, folder=tmp_path / "run", backbone=tmp_path / "mobilenet.pth")
    assert card.training["backbone_file"] == "mobilenet.pth"
    with pytest.warns(UserWarning, match="random weights"):
        bare = fit(replace(recipe, optimiser=replace(optimiser, steps=1)), images, folder=tmp_path / "bare")
    assert bare.training["backbone_file"].startswith("none")
    with pytest.raises(ModelError, match="backbone"):
        fit(JUDGED, images, folder=tmp_path / "other", backbone=tmp_path / "mobilenet.pth")


@pytest.mark.parametrize("method", ["adamw", "sgd"])
def test_vectors_do_not_decay(method):
    groups = build_optimiser(
        build_network("burst_unet", {"width": 4}), OptimiserRecipe(steps=1, method=method, weight_decay=0.1)
    ).param_groups
    assert [group["weight_decay"] for group in groups] == [0.1, 0.0]
    assert all(p.ndim == 1 for p in groups[1]["params"])


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("[optimiser]\nsteps = 1\nmethod = 'rms'", "method"),
        ("[optimiser]\nsteps = 1\nkeep = 'first'", "keep"),
        ("[optimiser]\nsteps = 1\nloss = 'none'", "loss"),
        ("[optimiser]\nsteps = 1\n[adversary]\njudges = 'sgpn'\nloss = 'x'\nweight = 1", "adversary.loss"),
        ("[optimiser]\nsteps = 1\n[semi_supervised]\nweight = 1\nlabelled_share = 0", "labelled_share"),
    ],
)
def test_a_recipe_with_a_word_that_is_none_of_ours_is_refused(tmp_path, text, what):
    path = tmp_path / "r.toml"
    path.write_text("[data]\npresets = { poisson = 1.0 }\n" + text)
    with pytest.raises(InputError, match=what):
        read_recipe(path)


def test_no_ground_truth_needs_a_judge():
    with pytest.raises(InputError, match="needs a judge"):
        replace(JUDGED, adversary=None)
