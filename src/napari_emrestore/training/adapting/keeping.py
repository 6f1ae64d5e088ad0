"""Adapted weights in the models folder, with a card that says where they come from; and their removal."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from napari_emrestore.core import InputError, ModelCard, ModelError, TilingRule

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import nn

_HALO_GROWTH = 2
_MADE_HERE = {"adapted_from", "trained_on"}


def model_id(base: str, name: str) -> str:
    """Return the id of a model made from a model or recipe under a name: ``<base>-<name>``.

    Raises
    ------
    InputError
        If the name has other characters than a model's id.
    """
    if re.fullmatch(r"[a-z0-9][a-z0-9._-]*", name) is None:
        raise InputError(
            "The name of a new model has lower-case letters, digits, '.', '_' or '-'",
            came=f"{name!r} came",
            remedy="For example: talos-2026",
        )
    return f"{base}-{name}"


def refuse_taken(model_id: str, folder: Path) -> None:
    """Raise `InputError` if the catalogue or the folder has a model of this id."""
    from napari_emrestore.models import list_models

    if any(card.id == model_id for card in list_models()) or (folder / f"{model_id}.toml").exists():
        raise InputError(
            "A new model gets a name of its own",
            item=model_id,
            came="exists already",
            remedy=f"Choose another name, or remove that one first: napari-emrestore adapt --undo {model_id}",
        )


def keep(
    network: nn.Module,
    base: ModelCard,
    name: str,
    folder: Path,
    training: Mapping[str, Any],
    validation: Mapping[str, Any],
) -> ModelCard:
    """Write weights and card of an adapted network and return the card.

    A head that tells expected errors goes: it learnt those of the weights before.

    Parameters
    ----------
    network : Module
        Adapted, on the CPU, in evaluation mode; is left with rounded weights, see `write_rounded`.
    base : ModelCard
        Of the model it was.
    name : str
        See `model_id`.
    folder : Path
        The models folder; is made if it is not there.
    training, validation : mapping
        What was done, and the held-out gain, for the card.
    """
    from napari_emrestore.models import file_sha256, write_card
    from napari_emrestore.training.error_heads import without_error_head
    from napari_emrestore.training.fitting import write_rounded

    base = without_error_head(network, base)
    folder.mkdir(parents=True, exist_ok=True)
    new_id = model_id(base.id, name)
    weights = folder / f"{new_id}.safetensors"
    beside = weights.with_name(f".{weights.name}.part")
    write_rounded(network, beside)
    beside.replace(weights)
    card = replace(
        base,
        id=new_id,
        name=f"{base.name}, adapted: {name}",
        weights=weights,
        sha256=file_sha256(weights),
        tiling=_tiling(network, base),
        training={"adapted_from": base.id, "adapted_from_sha256": base.sha256, **training},
        validation=(validation,),
        probes=(),
        known_failures=(
            f"Adapted to {name}: on other samples, doses or cameras {base.id} may be better.",
            *base.known_failures,
        ),
    )
    write_card(card, folder / f"{new_id}.toml")
    return card


def is_made_here(card: ModelCard) -> bool:
    """Return whether a model was adapted or trained here, so that `undo` can remove it."""
    return bool(_MADE_HERE & set(card.training))


def undo(model_id: str, folder: Path) -> ModelCard:
    """Remove a model that was made here, card and weights; the one it came from was never touched.

    Raises
    ------
    ModelError
        If there is no such model in the folder, or it was not made by adapting or training.
    """
    from napari_emrestore.models import read_card

    path = folder / f"{model_id}.toml"
    card = read_card(path) if path.is_file() else None
    if card is None or not is_made_here(card):
        raise ModelError(
            "Only models that were adapted or trained here can be taken back",
            item=model_id,
            came="is no such model" if card is None else "was made elsewhere",
            remedy=f"They stand in {folder}.",
        )
    path.unlink()
    if card.weights is not None and card.weights.parent == folder.resolve():
        card.weights.unlink(missing_ok=True)
    return card


def _tiling(network: nn.Module, base: ModelCard) -> TilingRule:
    """Return the rule of the new weights: their halo is measured, at most twice that of the former ones."""
    from napari_emrestore.training.halo import measure_halo

    rule = base.tiling
    if rule.mode != "exact" or rule.halo == 0:
        return rule
    fewest, most = base.trained.frames
    frames = max(fewest, min(most, 2))
    reach = _HALO_GROWTH * rule.halo
    return TilingRule(rule.stride, measure_halo(network, rule.stride, reach, frames=frames))
