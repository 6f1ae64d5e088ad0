"""Run an experiment: train each arm, score it on the sequence it has not seen."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from napari_emrestore.core import SILENT, InputError
from napari_emrestore.pipeline.experiments.domains import DOMAINS, SEQUENCES, Mixture, draw_sequence
from napari_emrestore.pipeline.experiments.records import Outcome
from napari_emrestore.pipeline.experiments.scoring import (
    restore,
    restore_recalibrated,
    score,
    test_tiles,
    unrestored,
)
from napari_emrestore.pipeline.experiments.tables import MAIN_SEQUENCE, UNRESTORED
from napari_emrestore.pipeline.plain_json import plain
from napari_emrestore.training.data import SampleMaker
from napari_emrestore.training.objective import JudgedObjective
from napari_emrestore.training.recipe import bundled_recipes, read_recipe
from napari_emrestore.training.unlabelled import build_bank, split_labelled

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from torch import nn

    from napari_emrestore.core import Monitor
    from napari_emrestore.pipeline.experiments.records import Plan, Row
    from napari_emrestore.pipeline.experiments.scoring import Tiles
    from napari_emrestore.pipeline.experiments.tables import Arm, Experiment
    from napari_emrestore.training.data import Scene
    from napari_emrestore.training.recipe import DataRecipe, Recipe

_VALIDATION_SEED = 10_000
_TEST_FRAMES = 5
_VALIDATIONS = 4


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
        If the plan asks for nothing to train or to test on, or for arms that the experiment does not have.
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
    for arm in _chosen(experiment, plan.arms):
        recipe = _recipe(arm, plan)
        tiles = [_tiles(arm, recipe, plan, domain) for domain in arm.test]
        papers = UNRESTORED if arm.held_out == MAIN_SEQUENCE else {}
        before = [row for t in tiles for row in unrestored(t, arm.held_out, papers.get(t.domain))]
        rows += [row for row in before if not _holds(rows, row)]
        place = folder / f"{recipe.id}-{_fingerprint(arm, recipe, plan)}"
        rows += _run_arm(arm, recipe, plan, experiment.recalibrates, tiles, place, monitor)
    return Outcome(name, experiment, plan, tuple(rows), time.perf_counter() - started)


def _chosen(experiment: Experiment, text: str) -> list[Arm]:
    arms = [arm for arm in experiment.arms if text in arm.label]
    if not arms:
        known = ", ".join(dict.fromkeys(arm.label for arm in experiment.arms))
        raise InputError(f"--arms is part of one of {known}", came=f"{text!r} came")
    return arms


def _fingerprint(arm: Arm, recipe: Recipe, plan: Plan) -> str:
    """Return what tells one training from every other: arms that train alike share their checkpoint."""
    if plan.vgg is None:  # the term of features is zero then
        recipe = replace(recipe, perceptual=None)
    sizes = plan.scenes, plan.scene_px, plan.seed
    facts = (arm.train, arm.held_out, arm.share, plain(recipe), sizes, str(plan.vgg), plan.device)
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
        validate_every=min(learning.validate_every, max(1, steps // _VALIDATIONS)),
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


def _tiles(arm: Arm, recipe: Recipe, plan: Plan, domain: str) -> Tiles:
    frames = min(recipe.data.frames[1], _TEST_FRAMES)
    return test_tiles(domain, arm.held_out, _data(recipe.data, (domain,)), frames, plan)


def _run_arm(
    arm: Arm,
    recipe: Recipe,
    plan: Plan,
    recalibrates: bool,
    tests: list[Tiles],
    folder: Path,
    monitor: Monitor,
) -> Iterator[Row]:
    network, facts = _train(arm, recipe, plan, folder, monitor)
    for tiles in tests:
        yield score(arm.label, restore(network, tiles), tiles, arm.paper.get(tiles.domain), facts)
        if recalibrates and tiles.domain not in arm.train:
            restored = restore_recalibrated(network, tiles, recipe.data.batch)
            yield score(f"{arm.label}, recalibrated", restored, tiles, None, facts)


def _train(
    arm: Arm, recipe: Recipe, plan: Plan, folder: Path, monitor: Monitor
) -> tuple[nn.Module, dict[str, Any]]:
    """Return the trained network and what the report says of its training."""
    import torch

    from napari_emrestore.models import build_network
    from napari_emrestore.training.loop import train

    learnt, checked, left_out = [], [], []
    for domain in arm.train:
        training, held_out = _scenes(domain, arm, plan)
        labelled, without_truth = split_labelled(training, arm.share, plan.seed)
        data = _data(recipe.data, (domain,))
        learnt.append(SampleMaker(labelled, data, plan.seed))
        checked.append(SampleMaker(held_out, data, _VALIDATION_SEED + plan.seed))
        left_out += without_truth
    bank = None
    if recipe.semi_supervised is not None:
        bank = build_bank(recipe.semi_supervised, recipe.data, left_out, folder, plan.seed)
    # the network first: its start is the same in arms with and without a judge
    torch.manual_seed(plan.seed)
    untrained = build_network(recipe.architecture, recipe.parameters)
    objective = JudgedObjective(recipe, bank, plan.vgg, plan.device)
    network, progress = train(
        untrained,
        Mixture(learnt),
        Mixture(checked),
        recipe.optimiser,
        recipe.data.batch,
        min(recipe.data.frames[1], _TEST_FRAMES),
        folder,
        monitor,
        plan.device,
        objective=objective,
    )
    facts = {
        "recipe": recipe.id,
        "training": folder.name,
        "steps": recipe.optimiser.steps,
        "parameters": sum(p.numel() for p in network.parameters()),
        "seconds": round(progress.history[-1]["seconds"]),
        **objective.record,
    }
    return network, facts


def _scenes(domain: str, arm: Arm, plan: Plan) -> tuple[list[Scene], list[Scene]]:
    """Return the scenes to learn from, and one of each kind to choose the best epoch by."""
    scenes = [
        scene
        for n in SEQUENCES
        if n != arm.held_out
        for scene in draw_sequence(domain, n, plan.scenes, plan.scene_px, plan.seed)
    ]
    kept = [n for n, scene in enumerate(scenes) if scene.name not in {s.name for s in scenes[:n]}]
    return [s for n, s in enumerate(scenes) if n not in kept], [scenes[n] for n in kept]
