"""Run an experiment: train each arm, score it on the sequence it has not seen."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.core import SILENT, InputError
from napari_emrestore.metrics import psnr, ssim
from napari_emrestore.pipeline.experiments.domains import DOMAINS, SEQUENCES, draw_sequence
from napari_emrestore.pipeline.plain_json import plain
from napari_emrestore.training.data import SampleMaker
from napari_emrestore.training.objective import JudgedObjective, apply
from napari_emrestore.training.recipe import bundled_recipes, read_recipe
from napari_emrestore.training.unlabelled import build_bank, split_labelled

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import nn

    from napari_emrestore.core import Monitor
    from napari_emrestore.pipeline.experiments.tables import Arm, Experiment
    from napari_emrestore.training.data import Batch
    from napari_emrestore.training.recipe import DataRecipe, Recipe

_TEST_SEED = 30_000
_VALIDATION_SEED = 10_000
_TEST_FRAMES = 5
_PARTS = 4


@dataclass(frozen=True, slots=True)
class Plan:
    """How large an experiment is run.

    Attributes
    ----------
    steps : int, optional
        Training steps of every arm; ``None`` for those of its recipe.
    full : bool
        Take the papers' networks and crops instead of the reduced ones.
    scenes : int
        Scenes of each kind in each of the four sequences of a domain.
    scene_px : int
        Their side.
    tiles : int
        Test tiles per domain.
    seed : int
        Of scenes, weights and samples.
    device : str
        A torch device.
    vgg : Path, optional
        VGG-19 weights for the perceptual term.
    """

    steps: int | None = None
    full: bool = False
    scenes: int = 4
    scene_px: int = 384
    tiles: int = 32
    seed: int = 0
    device: str = "cpu"
    vgg: Path | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: a method on a test domain.

    Attributes
    ----------
    label, test : str
        The arm, or what was not trained, and the domain.
    psnr_db, psnr_sd, ssim, ssim_sd : float
        Mean and standard deviation over tiles.
    tiles : int
        How many.
    paper : tuple of float, optional
        PSNR in dB and SSIM in the paper.
    facts : mapping
        Recipe, steps, parameters, seconds, and what was said of the training.
    """

    label: str
    test: str
    psnr_db: float
    psnr_sd: float
    ssim: float
    ssim_sd: float
    tiles: int
    paper: tuple[float, float] | None
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    """A finished experiment.

    Attributes
    ----------
    name : str
        In `EXPERIMENTS`.
    experiment : Experiment
        What was run.
    plan : Plan
        How large.
    rows : tuple of Row
        By arm and test; unrestored rows of each domain first.
    seconds : float
        Wall time.
    """

    name: str
    experiment: Experiment
    plan: Plan
    rows: tuple[Row, ...]
    seconds: float


def run_experiment(
    name: str, experiment: Experiment, plan: Plan, folder: Path, monitor: Monitor = SILENT
) -> Outcome:
    """Train and score all arms; an arm that was stopped goes on from its checkpoint in `folder`.

    Parameters
    ----------
    name : str
        For the report.
    experiment : Experiment
        One of `EXPERIMENTS`, or one of your own.
    plan : Plan
        How large to run it.
    folder : Path
        Holds a folder with checkpoints for each arm.
    monitor : Monitor
        Told the training steps of each arm.

    Raises
    ------
    InputError
        If the plan asks for nothing to train or to test on.
    Cancelled
        If the monitor asked to stop.
    """
    if min(plan.scenes, plan.tiles) < 1 or (plan.steps is not None and plan.steps < 1):
        raise InputError(
            "An experiment has at least one step, scene and tile",
            came=f"{plan.steps} steps, {plan.scenes} scenes and {plan.tiles} tiles came",
        )
    started = time.perf_counter()
    rows: list[Row] = []
    for arm in experiment.arms:
        recipe = _recipe(arm, plan)
        rows += [row for row in _unrestored(arm, recipe, plan) if not _holds(rows, row)]
        place = folder / f"{recipe.id}-{_fingerprint(arm, recipe, plan)}"
        rows += _run_arm(arm, recipe, plan, experiment.recalibrates, place, monitor)
    return Outcome(name, experiment, plan, tuple(rows), time.perf_counter() - started)


def _fingerprint(arm: Arm, recipe: Recipe, plan: Plan) -> str:
    """Return what tells one training from every other, lest it go on from another one's checkpoint."""
    facts = (arm.label, arm.train, arm.held_out, arm.share, plain(recipe), plain(plan))
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:10]


def _holds(rows: list[Row], row: Row) -> bool:
    return any((other.label, other.test) == (row.label, row.test) for other in rows)


def _recipe(arm: Arm, plan: Plan) -> Recipe:
    """Return the recipe of an arm on its own scenes, as long as the plan asks for."""
    paths = bundled_recipes()
    recipe = read_recipe(paths[arm.recipe])
    if plan.full:
        recipe = read_recipe(paths[recipe.full_recipe])
    learning, steps = recipe.optimiser, plan.steps or recipe.optimiser.steps
    short = steps / learning.steps
    optimiser = replace(
        learning,
        steps=steps,
        warmup_steps=max(1, round(learning.warmup_steps * min(1.0, short))),
        validate_every=min(learning.validate_every, max(1, steps // _PARTS)),
        seed=plan.seed,
    )
    judge = recipe.adversary
    changed = replace(
        recipe,
        optimiser=optimiser,
        adversary=None if judge is None else replace(judge, from_step=round(judge.from_step * short)),
        semi_supervised=None
        if recipe.semi_supervised is None
        else replace(recipe.semi_supervised, labelled_share=arm.share),
        data=_data(recipe.data, arm.train),
    )
    return arm.change(changed)


def _data(data: DataRecipe, domains: tuple[str, ...]) -> DataRecipe:
    presets = {name: share for domain in domains for name, share in DOMAINS[domain].presets.items()}
    return replace(data, presets=presets, sources=(), procedural_share=1.0)


def _run_arm(
    arm: Arm, recipe: Recipe, plan: Plan, recalibrates: bool, folder: Path, monitor: Monitor
) -> Iterator[Row]:
    started = time.perf_counter()
    network, objective = _train(arm, recipe, plan, folder, monitor)
    facts = {
        "recipe": recipe.id,
        "steps": recipe.optimiser.steps,
        "parameters": sum(p.numel() for p in network.parameters()),
        "seconds": round(time.perf_counter() - started),
        **objective.record,
    }
    for domain in arm.test:
        shown = _tests(arm, recipe, plan, domain)
        row = _row(arm.label, domain, _restore(network, shown), shown, arm.paper.get(domain), facts)
        yield row
        if recalibrates and domain not in arm.train:
            restored = _restore_recalibrated(network, recipe, shown, plan)
            yield _row(f"{arm.label}, recalibrated", domain, restored, shown, None, facts)


def _train(
    arm: Arm, recipe: Recipe, plan: Plan, folder: Path, monitor: Monitor
) -> tuple[nn.Module, JudgedObjective]:
    import torch

    from napari_emrestore.models import build_network
    from napari_emrestore.training.loop import train

    sequences = [n for n in SEQUENCES if n != arm.held_out]
    scenes = [
        scene
        for domain in arm.train
        for n in sequences
        for scene in draw_sequence(domain, n, plan.scenes, plan.scene_px, plan.seed)
    ]
    # one scene of each kind, of the first sequence that is trained on, is kept for validation
    kept = [n for n, scene in enumerate(scenes) if scene.name not in {s.name for s in scenes[:n]}]
    held_out = [scenes[n] for n in kept]
    training = [scene for n, scene in enumerate(scenes) if n not in kept]
    labelled, left_out = split_labelled(training, arm.share, plan.seed)
    bank = None
    if recipe.semi_supervised is not None:
        bank = build_bank(recipe.semi_supervised, recipe.data, left_out, folder, plan.seed)
    # the network first: its start is the same in arms with and without a judge
    torch.manual_seed(plan.seed)
    untrained = build_network(recipe.architecture, recipe.parameters)
    objective = JudgedObjective(recipe, bank, plan.vgg, plan.device)
    network, _ = train(
        untrained,
        SampleMaker(labelled, recipe.data, plan.seed),
        SampleMaker(held_out, recipe.data, _VALIDATION_SEED + plan.seed),
        recipe.optimiser,
        recipe.data.batch,
        min(recipe.data.frames[1], _TEST_FRAMES),
        folder,
        monitor,
        plan.device,
        objective=objective,
    )
    return network, objective


def _tests(arm: Arm, recipe: Recipe, plan: Plan, domain: str) -> Batch:
    """Return the test tiles of a domain; the same ones for every arm that holds out the same sequence."""
    scenes = draw_sequence(domain, arm.held_out, plan.scenes, plan.scene_px, plan.seed)
    maker = SampleMaker(scenes, _data(recipe.data, (domain,)), _TEST_SEED + plan.seed)
    return maker.batch(range(plan.tiles), min(recipe.data.frames[1], _TEST_FRAMES))


def _unrestored(arm: Arm, recipe: Recipe, plan: Plan) -> Iterator[Row]:
    for domain in arm.test:
        shown = _tests(arm, recipe, plan, domain)
        where = f", sequence {arm.held_out}"
        yield _row(f"one frame{where}", domain, shown.bursts[:, 0], shown, None, {})
        if shown.bursts.shape[1] > 1:
            yield _row(f"mean of frames{where}", domain, shown.bursts.mean(1), shown, None, {})


def _restore(network: nn.Module, shown: Batch) -> NDArray[np.float32]:
    import torch

    from napari_emrestore.training.data import Batch

    parts = np.array_split(np.arange(len(shown.truths)), -(-len(shown.truths) // _PARTS))
    with torch.inference_mode():
        made = [
            apply(network, Batch(shown.bursts[i], shown.noise[i], shown.truths[i]), "cpu")[-1].numpy()
            for i in parts
        ]
    return np.concatenate(made)


def _restore_recalibrated(
    network: nn.Module, recipe: Recipe, shown: Batch, plan: Plan
) -> NDArray[np.float32]:
    """Restore with batch statistics of the test frames, whose truths are not looked at; then undo it."""
    from napari_emrestore.models import statistics_over, use_statistics

    size = recipe.data.batch
    batches = (shown.bursts[i : i + size] for i in range(0, len(shown.bursts), size))
    former = use_statistics(network, statistics_over(network, batches))
    try:
        return _restore(network, shown)
    finally:
        use_statistics(network, former)


def _row(
    label: str,
    test: str,
    made: NDArray[np.float32],
    shown: Batch,
    paper: tuple[float, float] | None,
    facts: dict[str, Any],
) -> Row:
    """Score images cut to the range 0 to 1, as both papers do."""
    pairs = list(zip(np.clip(made, 0, 1), np.clip(shown.truths, 0, 1), strict=True))
    ratios = [psnr(image, truth, data_range=1.0) for image, truth in pairs]
    likenesses = [ssim(image, truth, data_range=1.0) for image, truth in pairs]
    return Row(
        label,
        test,
        float(np.mean(ratios)),
        float(np.std(ratios)),
        float(np.mean(likenesses)),
        float(np.std(likenesses)),
        len(pairs),
        paper,
        facts,
    )
