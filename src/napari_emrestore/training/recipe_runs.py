"""A recipe run by a person: on a folder of theirs, under a name of theirs, into the models folder."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

from napari_emrestore.core import SILENT, InputError
from napari_emrestore.training.adapting.keeping import model_id, refuse_taken
from napari_emrestore.training.fitting import fit
from napari_emrestore.training.stopped import claim

if TYPE_CHECKING:
    from pathlib import Path

    from napari_emrestore.core import ModelCard, Monitor
    from napari_emrestore.training.loop import Watch
    from napari_emrestore.training.recipe import DataRecipe, OptimiserRecipe, Recipe


def run_recipe(
    recipe: Recipe,
    data: Path,
    name: str,
    *,
    steps: int | None = None,
    folder: Path | None = None,
    device: str = "auto",
    monitor: Monitor = SILENT,
    watch: Watch | None = None,
    backbone: Path | None = None,
    vgg: Path | None = None,
) -> ModelCard:
    """Train a recipe from random weights; the model ``<recipe>-<name>`` is in the models folder then.

    Of all checks, the weights with the highest SSIM on the recipe's held-out images are kept.

    Parameters
    ----------
    recipe : Recipe
        For example one of `bundled_recipes`.
    data : Path
        Folder that the recipe's image patterns start from; see `missing_sources`.
    name : str
        The new model is called ``<recipe>-<name>``.
    steps : int, optional
        Training steps; ``None`` for the recipe's own.
    folder : Path, optional
        The models folder; ``None`` for the user's. The checkpoint of a run that was stopped lies in it, below
        ``.training``, and is taken up again.
    device : str
        As for `load_restorer`.
    monitor : Monitor
        Told after each step.
    watch : Watch, optional
        Told every loss and shown every validation.
    backbone, vgg : Path, optional
        As for `fit`.

    Raises
    ------
    InputError
        If the name is taken, images are missing, or the checkpoint belongs to another run.
    Cancelled
        If the monitor asked to stop; the checkpoint is left first.
    """
    from napari_emrestore.models import models_folder, read_card, write_card
    from napari_emrestore.restoration import pick_device

    home = models_folder() if folder is None else folder
    new_id = model_id(recipe.id, name)
    refuse_taken(new_id, home)
    missing = missing_sources(recipe.data, data)
    if missing:
        raise InputError(
            "A recipe learns from its own images",
            item=str(data),
            came=f"has none that matches {', '.join(missing)}",
            remedy="Choose the folder that the recipe's patterns start from.",
        )
    named = replace(
        recipe, id=new_id, name=f"{recipe.name}: {name}", optimiser=_optimiser(recipe.optimiser, steps)
    )
    work = home / ".training" / new_id
    claim(work, f"{named!r} {data.resolve()}".encode())
    made = fit(
        named,
        data,
        folder=work,
        device=pick_device(device).name,
        monitor=monitor,
        backbone=backbone,
        vgg=vgg,
        watch=watch,
    )
    record = {**made.training, "recipe": f"{recipe.id}.toml", "trained_on": str(data.resolve())}
    weights = home / f"{new_id}.safetensors"
    (work / weights.name).replace(weights)
    write_card(replace(made, weights=weights, training=record), home / f"{new_id}.toml")
    shutil.rmtree(work)
    return read_card(home / f"{new_id}.toml")


def _optimiser(recipe: OptimiserRecipe, steps: int | None) -> OptimiserRecipe:
    """Return how to learn in a number of steps, keeping the best check."""
    count = steps or recipe.steps
    return replace(recipe, steps=count, validate_every=min(recipe.validate_every, count), keep="best")


def missing_sources(recipe: DataRecipe, data: Path) -> list[str]:
    """Return the image patterns of a recipe that match nothing in a folder."""
    return [source.pattern for source in recipe.sources if next(data.glob(source.pattern), None) is None]
