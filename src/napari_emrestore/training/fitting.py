"""From a recipe and a data folder to a model card with weights."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING, Any

from napari_emrestore.core import SILENT, InputError, ModelCard, TilingRule, TrainedRange
from napari_emrestore.training.data import SampleMaker, load_scenes
from napari_emrestore.training.halo import measure_halo

if TYPE_CHECKING:
    from pathlib import Path

    from torch import nn

    from napari_emrestore.core import Monitor
    from napari_emrestore.training.loop import Progress
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

    Raises
    ------
    InputError
        If a source of the recipe has no image, none is kept for validation, or the images are too small.
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
    network, progress = train(
        build_network(recipe.architecture, recipe.parameters),
        SampleMaker(training, recipe.data, seed),
        SampleMaker(held_out, recipe.data, _VALIDATION_SEED + seed),
        recipe.optimiser,
        recipe.data.batch,
        min(recipe.data.frames[1], _VALIDATION_FRAMES),
        folder,
        monitor,
        device,
    )
    return export(network, recipe, progress, folder, device)


def export(
    network: nn.Module, recipe: Recipe, progress: Progress, folder: Path, device: str = "cpu"
) -> ModelCard:
    """Write weights (float16 safetensors) and card of a trained network into `folder`; return the card.

    The halo on the card is measured with the rounded weights where tiles can equal the whole.
    """
    import torch
    from safetensors.torch import save_file

    from napari_emrestore.models import file_sha256, write_card

    weights = folder / f"{recipe.id}.safetensors"
    state = {
        name: (tensor.half() if tensor.dtype is torch.float32 else tensor).contiguous()
        for name, tensor in network.state_dict().items()
    }
    save_file(state, weights)
    network.load_state_dict({name: tensor.float() for name, tensor in state.items()})
    network.eval()
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
        training=_training_record(recipe, progress, device),
        known_failures=recipe.known_failures,
        license=recipe.license,
        credit="; ".join(dict.fromkeys(s.credit for s in recipe.data.sources if s.credit)),
    )
    write_card(card, folder / f"{recipe.id}.toml")
    return card


def _tiling(network: nn.Module, recipe: Recipe) -> TilingRule:
    if recipe.tiling_mode != "exact":
        return TilingRule(recipe.stride_px, recipe.halo_px, recipe.tiling_mode)
    fewest, most = recipe.data.frames
    frames = max(fewest, min(most, 2))
    return TilingRule(
        recipe.stride_px, measure_halo(network, recipe.stride_px, recipe.halo_px, frames=frames)
    )


def _training_record(recipe: Recipe, progress: Progress, device: str) -> dict[str, Any]:
    last = progress.history[-1] if progress.history else {}
    return {
        "recipe": f"{recipe.id}.toml",
        "steps": progress.step,
        "samples": progress.step * recipe.data.batch,
        "seconds": round(progress.seconds),
        "machine": f"{platform.machine()}, {device}",
        "data": [source.pattern for source in recipe.data.sources],
        "procedural_share": recipe.data.procedural_share,
    } | {f"held_out_{key}": value for key, value in last.items() if key.startswith("psnr")}
