"""What a restorer is to make small: distance to the truth, and what a recipe adds to it.

Cheng et al. 2023 (DOI 10.1155/2023/8936903) add a judge, features and images without ground truth; Kupyn et
al. 2019 (DOI 10.1109/ICCV.2019.00897) a double judge and features.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from napari_emrestore.training.judge import Judge
from napari_emrestore.training.losses import LOSSES, over_scales
from napari_emrestore.training.perceptual import Perceptual

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from torch import Tensor, nn

    from napari_emrestore.training.data import Batch
    from napari_emrestore.training.recipe import OptimiserRecipe, Recipe

_SMALLEST_ERROR = 0.01


class BatchMaker(Protocol):
    """Gives batches by the indices of their samples; see `SampleMaker`."""

    def batch(self, indices: Iterable[int], frames: int) -> Batch:
        """Return the samples of some indices, all with the same number of frames."""
        ...


class Samples(BatchMaker, Protocol):
    """Gives batches to learn from, and how long their bursts are."""

    def draw_frames(self, step: int) -> int:
        """Return the burst length of a training step."""
        ...


class Objective:
    """Distance of restorations to their ground truths.

    Parameters
    ----------
    recipe : OptimiserRecipe
        Which distance.
    device : str
        A torch device.

    Attributes
    ----------
    record : dict
        What to write down about the terms on the card.
    """

    def __init__(self, recipe: OptimiserRecipe, device: str = "cpu") -> None:
        self.recipe = recipe
        self.device = device
        self.record: dict[str, str] = {}

    def loss(self, network: nn.Module, shown: Batch, step: int, rate_share: float) -> Tensor:
        """Return the loss of one training step.

        Parameters
        ----------
        network : Module
            Maps ``(B, N, Y, X)`` to ``(B, Y, X)``.
        shown : Batch
            Samples with ground truth.
        step : int
            Steps done before.
        rate_share : float
            What the schedule leaves of the learning rates, 0 to 1.
        """
        made = apply(network, shown, self.device, all_scales=self.recipe.over_scales)
        return self._content(made, shown)

    def state_dict(self) -> dict[str, Any]:
        """Return what learns beside the network, for a checkpoint."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up a checkpoint."""

    def _content(self, made: list[Tensor], shown: Batch) -> Tensor:
        import torch

        losses = over_scales(made, self._truths(shown), LOSSES[self.recipe.loss])
        if self.recipe.balanced:
            losses = losses * torch.from_numpy(_balance(shown)).to(self.device)
        return self.recipe.loss_weight * losses.mean()

    def _truths(self, shown: Batch) -> Tensor:
        import torch

        return torch.from_numpy(shown.truths).to(self.device)


class JudgedObjective(Objective):
    """Distance to the truth, distance in features, a judge's word, and its word on images without truth.

    Parameters
    ----------
    recipe : Recipe
        Which terms, with which weights.
    unlabelled : BatchMaker, optional
        Degraded images whose ground truth is not used; for a recipe with ``semi_supervised``.
    vgg : Path, optional
        Weights of VGG-19; without it the perceptual term is zero, and said so.
    device : str
        A torch device.
    """

    def __init__(
        self, recipe: Recipe, unlabelled: BatchMaker | None, vgg: Path | None, device: str = "cpu"
    ) -> None:
        super().__init__(recipe.optimiser, device)
        seed = recipe.optimiser.seed
        self._terms = recipe
        self._unlabelled = unlabelled
        self._judge = None if recipe.adversary is None else Judge(recipe.adversary, seed, device)
        self._perceptual = None if recipe.perceptual is None else Perceptual(vgg, device)
        if self._perceptual is not None:
            self.record |= self._perceptual.record

    def loss(self, network: nn.Module, shown: Batch, step: int, rate_share: float) -> Tensor:
        """Return the loss of one training step, after a step of the judge."""
        made = apply(network, shown, self.device, all_scales=self.recipe.over_scales)
        truths, terms = self._truths(shown), self._terms
        total = self._content(made, shown)
        if terms.perceptual is not None and self._perceptual is not None:
            total = total + terms.perceptual.weight * self._perceptual(made[-1], truths).mean()
        if self._judge is None or terms.adversary is None or step < terms.adversary.from_step:
            return total
        self._judge.learn(truths, made[-1], step, rate_share)
        total = total + terms.adversary.weight * self._judge.rate(truths, made[-1], step)
        if terms.semi_supervised is not None and self._unlabelled is not None:
            count, frames = shown.bursts.shape[:2]
            others = self._unlabelled.batch(range(step * count, (step + 1) * count), frames)
            (unsupervised,) = apply(network, others, self.device)
            total = total + terms.semi_supervised.weight * self._judge.compare(made[-1], unsupervised, step)
        return total

    def state_dict(self) -> dict[str, Any]:
        """Return judge and optimiser for a checkpoint."""
        return {} if self._judge is None else self._judge.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up a checkpoint."""
        if self._judge is not None:
            self._judge.load_state_dict(state)


def apply(network: nn.Module, batch: Batch, device: str, *, all_scales: bool = False) -> list[Tensor]:
    """Return what a network makes of a batch: the full size last, before it the smaller ones if asked for."""
    given = inputs_of(network, batch, device)
    if all_scales:
        outputs: list[Tensor] = network.forward_scales(*given)  # type: ignore[operator]
        return outputs
    return [network(*given)]


def inputs_of(network: nn.Module, batch: Batch, device: str) -> list[Tensor]:
    """Return what a network is given of a batch: frames (B, N, Y, X), and noise lines (B, 2) if it asks."""
    import torch

    given = [torch.from_numpy(batch.bursts).to(device)]
    if getattr(network, "noise_input", False):
        given.append(torch.from_numpy(batch.noise).to(device))
    return given


def _balance(batch: Batch) -> np.ndarray:
    """Return the weight of each sample: about 1 for a frame mean that is off by 0.1 of the range."""
    errors = np.abs(batch.bursts.mean(1) - batch.truths).mean((1, 2))
    return np.asarray(0.1 / (errors + _SMALLEST_ERROR), np.float32)
