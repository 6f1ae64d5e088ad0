"""From a card to a network that is ready to run."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from napari_emrestore.core import ModelCard, ModelError
from napari_emrestore.models.architectures import ARCHITECTURES
from napari_emrestore.models.weight_files import read_weights

if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch

_NAMED = 3
_SCRIPT = "torchscript"


def build_network(architecture: str, parameters: Mapping[str, Any]) -> torch.nn.Module:
    """Return an untrained network.

    Parameters
    ----------
    architecture : str
        A name in `architectures.ARCHITECTURES`.
    parameters : mapping
        Arguments of its ``build``.

    Raises
    ------
    ModelError
        If there is no such architecture or it does not take these parameters.
    """
    if architecture not in ARCHITECTURES:
        raise ModelError(
            f"An architecture is one of {', '.join(ARCHITECTURES)}", came=f"{architecture!r} came"
        )
    module, _, name = ARCHITECTURES[architecture].partition(":")
    try:
        return cast("torch.nn.Module", getattr(import_module(module), name)(**parameters))
    except (TypeError, ValueError, KeyError) as error:
        raise ModelError(
            f"The architecture {architecture!r} must be built from its own parameters",
            came=f"{dict(parameters)!r} gave: {error}",
        ) from error


def load_network(card: ModelCard) -> torch.nn.Module:
    """Return a card's network with its trained weights: float32, on the CPU, in evaluation mode.

    Weights stored in half precision are widened. Torch's random state is left as it was. A TorchScript file
    brings its own network.

    Raises
    ------
    ModelError
        If the weights are missing, changed, damaged, hold other objects than tensors, or do not fit the
        network.
    """
    import torch

    if card.architecture == _SCRIPT:
        from napari_emrestore.models.foreign.torchscript import load_torchscript

        return load_torchscript(card)
    weights = read_weights(card)
    with torch.random.fork_rng(devices=[]):  # the first, random weights are thrown away
        network = build_network(card.architecture, card.parameters)
    _refuse_misfit(card, network.state_dict(), weights)
    network.load_state_dict(weights)
    return network.float().eval().requires_grad_(False)


def _refuse_misfit(
    card: ModelCard, wanted: Mapping[str, torch.Tensor], weights: Mapping[str, torch.Tensor]
) -> None:
    reasons = [f"lacks {key}" for key in wanted if key not in weights]
    reasons += [f"has {key}, which the network does not" for key in weights if key not in wanted]
    reasons += [
        f"{key} is {tuple(weights[key].shape)} for {tuple(tensor.shape)}"
        for key, tensor in wanted.items()
        if key in weights and weights[key].shape != tensor.shape
    ]
    reasons += [
        f"{key} is not finite"
        for key, tensor in weights.items()
        if tensor.is_floating_point() and not tensor.isfinite().all()
    ]
    if reasons:
        more = f" and {len(reasons) - _NAMED} more" if len(reasons) > _NAMED else ""
        raise ModelError(
            f"The weights must fit the architecture {card.architecture!r} with the card's parameters",
            item=str(card.weights),
            came="; ".join(reasons[:_NAMED]) + more,
            remedy="The card and the weights belong to different models.",
        )
