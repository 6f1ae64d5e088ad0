"""From a recipe and a data folder to a model card with weights."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING, Any

from napari_emrestore.core import SILENT, InputError, ModelCard, TilingRule, TrainedRange
from napari_emrestore.training.data import SampleMaker, load_scenes
from napari_emrestore.training.halo import measure_halo
from napari_emrestore.training.objective import JudgedObjective, Objective
from napari_emrestore.training.unlabelled import build_bank, split_labelled

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from torch import nn

    from napari_emrestore.core import Monitor
    from napari_emrestore.training.data import Scene
    from napari_emrestore.training.loop import Progress, Watch
    from napari_emrestore.training.recipe import Recipe

_VALIDATION_SEED = 10_000
_VALIDATION_FRAMES = 5


def fit(
    recipe: Recipe,
    data: Path,
    *,
    folder: Path,
    device: str = "cpu",
    monitor: Monitor = SILENT,
    backbone: Path | None = None,
    vgg: Path | None = None,
    watch: Watch | None = None,
) -> ModelCard:
    """Train the network of a recipe and return its card, written with the weights into `folder`.

    A run that was stopped goes on from its checkpoint in `folder`; the result does not depend on where
    it was stopped.

    Parameters
    ----------
    recipe : Recipe
        What to train, on what and how.
    data : Path
        Folder that the recipe's image patterns start from.
    folder : Path
        Receives ``<id>.toml``, ``<id>.safetensors``, ``checkpoint.pt`` and ``history.jsonl``.
    device : str
        A torch device.
    monitor : Monitor
        Reports every step; asking to stop leaves a checkpoint.
    backbone : Path, optional
        Starting weights of an ImageNet backbone, see `load_backbone`; its first ``frozen_steps`` steps
        leave it as it is.
    vgg : Path, optional
        Weights of VGG-19 for a recipe with a perceptual term; without it the term is zero, and said so.
    watch : Watch, optional
        Told every loss and shown every validation.

    Raises
    ------
    InputError
        If a source of the recipe has no image, none is kept for validation, or the images are too small.
    ModelError
        If `backbone` or `vgg` is damaged, unsafe or of another network.
    Cancelled
        If the monitor asked to stop.
    """
    import torch

    from napari_emrestore.models import build_network
    from napari_emrestore.training.loop import train

    seed = recipe.optimiser.seed
    training, held_out = load_scenes(recipe.data, data, seed)
    if not held_out:
        raise InputError(
            "A recipe keeps images out of training to score the network on",
            item=recipe.id,
            came="names no validation images",
            remedy="Give one of its sources a `validation` pattern.",
        )
    torch.manual_seed(seed)
    network = build_network(recipe.architecture, recipe.parameters)
    start = _start_from(backbone, network, recipe)
    labelled, left_out = split_labelled(training, _labelled_share(recipe), seed)
    objective = _build_objective(recipe, data, left_out, vgg, device)
    trained, progress = train(
        network,
        SampleMaker(labelled, recipe.data, seed),
        SampleMaker(held_out, recipe.data, _VALIDATION_SEED + seed),
        recipe.optimiser,
        recipe.data.batch,
        min(recipe.data.frames[1], _VALIDATION_FRAMES),
        folder,
        monitor,
        device,
        objective=objective,
        frozen=network.get_submodule(_backbone_part(network)) if backbone else None,
        watch=watch,
    )
    return export(trained, recipe, progress, folder, device, start | objective.record)


def _start_from(backbone: Path | None, network: nn.Module, recipe: Recipe) -> dict[str, str]:
    """Fill the backbone from a file, if one is given or the recipe counts on one; return what to record."""
    from napari_emrestore.models import load_backbone

    if backbone is None and recipe.optimiser.frozen_steps == 0:
        return {}
    return load_backbone(network, backbone) or {"backbone_file": "none: it started from random weights"}


def _backbone_part(network: nn.Module) -> str:
    part: str = network.backbone_file.part  # type: ignore[union-attr, assignment]
    return part


def _labelled_share(recipe: Recipe) -> float:
    return 1.0 if recipe.semi_supervised is None else recipe.semi_supervised.labelled_share


def _build_objective(
    recipe: Recipe, data: Path, left_out: Sequence[Scene], vgg: Path | None, device: str
) -> Objective:
    if recipe.adversary is None and recipe.perceptual is None:
        return Objective(recipe.optimiser, device)
    bank = None
    if recipe.semi_supervised is not None:
        bank = build_bank(recipe.semi_supervised, recipe.data, left_out, data, recipe.optimiser.seed)
    return JudgedObjective(recipe, bank, vgg, device)


def export(
    network: nn.Module,
    recipe: Recipe,
    progress: Progress,
    folder: Path,
    device: str = "cpu",
    learnt_from: Mapping[str, str] | None = None,
) -> ModelCard:
    """Write weights (safetensors) and card of a trained network into `folder`; return the card.

    The halo on the card is measured with the rounded weights where tiles can equal the whole.
    `learnt_from` joins the card's training record.
    """
    from napari_emrestore.models import file_sha256, write_card

    weights = folder / f"{recipe.id}.safetensors"
    write_rounded(network, weights)
    card = ModelCard(
        id=recipe.id,
        version=recipe.version,
        name=recipe.name,
        summary=recipe.summary,
        task=recipe.task,
        architecture=recipe.architecture,
        parameters=recipe.parameters,
        weights=weights,
        sha256=file_sha256(weights),
        tiling=_tiling(network, recipe),
        trained=TrainedRange(recipe.data.frames, recipe.dose_e, recipe.pixel_size_nm),
        training=_training_record(recipe, progress, device) | dict(learnt_from or {}),
        known_failures=recipe.known_failures,
        license=recipe.license,
        credit="; ".join(dict.fromkeys(s.credit for s in recipe.data.sources if s.credit)),
    )
    write_card(card, folder / f"{recipe.id}.toml")
    return card


def write_rounded(network: nn.Module, weights: Path) -> None:
    """Write the weights of a network and leave it with them, in evaluation mode.

    Kernels are rounded to float16; vectors stay float32, a small variance of batch normalisation needs it.
    """
    import torch
    from safetensors.torch import save_file

    state = {
        name: (tensor.half() if tensor.dtype is torch.float32 and tensor.ndim > 1 else tensor).contiguous()
        for name, tensor in network.state_dict().items()
    }
    save_file(state, weights)
    network.load_state_dict({name: tensor.float() for name, tensor in state.items()})
    network.eval()


def _tiling(network: nn.Module, recipe: Recipe) -> TilingRule:
    if recipe.tiling_mode != "exact":
        return TilingRule(recipe.stride_px, recipe.halo_px, recipe.tiling_mode)
    fewest, most = recipe.data.frames
    frames = max(fewest, min(most, 2))
    return TilingRule(
        recipe.stride_px, measure_halo(network, recipe.stride_px, recipe.halo_px, frames=frames)
    )


def _training_record(recipe: Recipe, progress: Progress, device: str) -> dict[str, Any]:
    record = {
        "recipe": f"{recipe.id}.toml",
        "steps": progress.step,
        "samples": progress.step * recipe.data.batch,
        "crop_px": recipe.data.crop_px,
        "seconds": round(progress.seconds),
        "machine": f"{platform.machine()}, {device}",
        "data": [source.pattern for source in recipe.data.sources],
        "procedural_share": recipe.data.procedural_share,
    }
    if recipe.full_recipe:
        record["full_recipe"] = f"{recipe.full_recipe}.toml"
    chosen = _chosen(recipe, progress)
    if recipe.optimiser.keep == "best":
        record["best_step"] = chosen["step"]
    return record | {
        f"held_out_{key}": value for key, value in chosen.items() if key.startswith(("psnr", "ssim"))
    }


def _chosen(recipe: Recipe, progress: Progress) -> dict[str, float]:
    """Return the validation of the network that is exported."""
    if not progress.history:
        return {}
    if recipe.optimiser.keep == "best":
        return max(progress.history, key=lambda record: record["ssim"])
    return progress.history[-1]
