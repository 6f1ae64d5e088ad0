"""A head that tells how far a trained network is probably off: taught on its errors, which stay as they are.

The network that restores is frozen. The head learns the variance of the error of each pixel by its likelihood
(`losses.gaussian_surprise`), on samples of the network's own recipe that it was not trained on, and is then
multiplied by the one factor that makes it right on images kept out of training.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.core import SILENT, InputError, ModelCard, ModelError
from napari_emrestore.training.data import SampleMaker, load_scenes
from napari_emrestore.training.fitting import write_rounded
from napari_emrestore.training.losses import gaussian_surprise
from napari_emrestore.training.objective import Objective, inputs_of
from napari_emrestore.training.stopped import claim

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import Tensor, nn

    from napari_emrestore.core import Monitor
    from napari_emrestore.training.data import Batch
    from napari_emrestore.training.recipe import Recipe

HEAD = "error_head"
_TRAINING_SEED, _HELD_OUT_SEED = 20_000, 30_000
_HELD_OUT_BATCHES = 60
_LIMITS = (
    "The expected error is inferred: for structures unlike the training images, or more blur than was "
    "trained on, it is too small."
)


class ErrorObjective(Objective):
    """How surprising a network's errors are to its head."""

    def loss(self, network: nn.Module, shown: Batch, step: int, rate_share: float) -> Tensor:
        """Return the mean over the samples of a batch; see `Objective.loss`."""
        errors, log_variance = _errors(network, shown, self.device)
        return gaussian_surprise(errors**2, log_variance).mean()


def fit_error_head(
    card: ModelCard,
    recipe: Recipe,
    data: Path,
    *,
    folder: Path,
    device: str = "cpu",
    monitor: Monitor = SILENT,
) -> ModelCard:
    """Give a trained network a head that tells the expected error; write weights and card into `folder`.

    Restorations stay the same, bit for bit. A head that the network has is replaced. A run that was stopped
    goes on from its checkpoint in `folder`.

    Parameters
    ----------
    card : ModelCard
        Of the trained network; its architecture takes ``error_head``.
    recipe : Recipe
        Of that network; says what it is shown, and in `error_head` how the head learns.
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
        If the recipe says nothing about the head or lacks images, or another run was stopped in `folder`.
    ModelError
        If the network takes no such head or its weights cannot be used.
    Cancelled
        If the monitor asked to stop.
    """
    from napari_emrestore.models import file_sha256, write_card
    from napari_emrestore.training.loop import train

    if recipe.error_head is None:
        raise InputError(
            "A recipe says in [error_head] how the head learns", item=recipe.id, came="it has none"
        )
    # the head needs no smooth scenes first, as the network did
    shown = replace(recipe.data, grain_from_step=0)
    network = with_error_head(card, recipe.error_head.seed)
    claim(folder, f"{card.sha256} {shown} {recipe.error_head}".encode())
    scenes, held_out_scenes = load_scenes(shown, data, recipe.optimiser.seed)
    held_out = SampleMaker(held_out_scenes, shown, _HELD_OUT_SEED)
    trained, progress = train(
        network,
        SampleMaker(scenes, shown, _TRAINING_SEED),
        held_out,
        recipe.error_head,
        shown.batch,
        shown.frames[1],
        folder,
        monitor,
        device,
        objective=ErrorObjective(recipe.error_head, device),
    )
    scaling = scale_head(trained, _held_out(held_out, shown.batch))
    weights = folder / f"{card.id}.safetensors"
    write_rounded(trained, weights)
    sha256 = file_sha256(weights)
    made = replace(
        card,
        parameters={**card.parameters, HEAD: True},
        weights=weights,
        sha256=sha256,
        probes=_still_true(card, sha256),
        known_failures=(*(text for text in card.known_failures if text != _LIMITS), _LIMITS),
        training={
            **card.training,
            "error_head_steps": progress.step,
            "error_head_seconds": round(progress.seconds),
            **{f"error_head_{name}": round(value, 3) for name, value in asdict(scaling).items()},
        },
    )
    write_card(made, folder / f"{card.id}.toml")
    return made


def _still_true(card: ModelCard, sha256: str) -> tuple[Mapping[str, Any], ...]:
    """Return a card's probes under the weights' new hash: what restores is the same, bit for bit."""
    return tuple(
        {**row, "weights_sha256": sha256} if row.get("weights_sha256") == card.sha256 else row
        for row in card.probes
    )


def with_error_head(card: ModelCard, seed: int = 0) -> nn.Module:
    """Return a card's network with an untrained error head, which is all of it that learns.

    Raises
    ------
    ModelError
        If the architecture has no such head, or the weights are missing, changed or of another network.
    """
    import torch

    from napari_emrestore.models import build_network
    from napari_emrestore.models.weight_files import read_weights

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = build_network(card.architecture, {**card.parameters, HEAD: True})
    weights = {name: t for name, t in read_weights(card).items() if not name.startswith(f"{HEAD}.")}
    own = {name for name in network.state_dict() if not name.startswith(f"{HEAD}.")}
    if own != set(weights):
        raise ModelError(
            "The weights must be those of the network", item=card.id, came="lack some or have others"
        )
    network.load_state_dict(weights, strict=False)
    network.float().requires_grad_(False)
    network.get_submodule(HEAD).requires_grad_(True)
    return network


def without_error_head(network: nn.Module, card: ModelCard) -> ModelCard:
    """Take the head off a network that has learnt since, and return its card without it."""
    if not card.tells_error:
        return card
    setattr(network, HEAD, None)
    return replace(
        card,
        parameters={name: value for name, value in card.parameters.items() if name != HEAD},
        known_failures=tuple(text for text in card.known_failures if text != _LIMITS),
    )


@dataclass(frozen=True, slots=True)
class Scaling:
    """What was done to a head on held-out samples, and how right it is there since.

    Attributes
    ----------
    factor : float
        What is told was multiplied by this.
    within_one, within_two : float
        Share of pixels whose error is below one and two of the standard deviations told.
    """

    factor: float
    within_one: float
    within_two: float


def scale_head(network: nn.Module, batches: Iterator[Batch]) -> Scaling:
    """Multiply what a head tells by the factor that makes it right on held-out samples.

    Right means that what is told is a standard deviation: the mean square of the errors in units of it is 1.
    """
    ratios = np.concatenate([_ratios(network, batch) for batch in batches])
    factor = float(np.sqrt((ratios**2).mean(dtype=np.float64)))
    last: Any = network.get_submodule(f"{HEAD}.tell")
    last.bias.data += 2 * math.log(factor)
    return Scaling(factor, float((ratios < factor).mean()), float((ratios < 2 * factor).mean()))


def _held_out(maker: SampleMaker, batch: int) -> Iterator[Batch]:
    for step in range(_HELD_OUT_BATCHES):
        yield maker.batch(range(step * batch, (step + 1) * batch), maker.draw_frames(step))


def _ratios(network: nn.Module, batch: Batch) -> NDArray[np.float32]:
    """Return the size of each pixel's error in units of what was told."""
    import torch

    with torch.inference_mode():
        errors, log_variance = _errors(network, batch, "cpu")
        ratios: NDArray[np.float32] = (errors.abs() * (-0.5 * log_variance).exp()).flatten().numpy()
    return ratios


def _errors(network: nn.Module, batch: Batch, device: str) -> tuple[Tensor, Tensor]:
    """Return the errors of a network and the log variances it tells, both (B, Y, X)."""
    import torch

    restored, log_variance = network.forward_with_error(*inputs_of(network, batch, device))  # type: ignore[operator]
    return restored - torch.from_numpy(batch.truths).to(device), log_variance
