"""The judge of adversarial training: discriminators, how they learn, and what their word costs a restorer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.core import InputError
from napari_emrestore.training import adversarial
from napari_emrestore.training.diff_augment import diff_augment

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor, nn

    from napari_emrestore.training.recipe import AdversaryRecipe

    Rating = Callable[[Tensor, Tensor], Tensor]

_BETAS = (0.5, 0.999)
_CLIP = 10.0


@dataclass(frozen=True, slots=True)
class Game:
    """Two losses that pull at each other.

    Attributes
    ----------
    judge, maker : callable
        Ratings of real and of restored images to one value per sample: for the judge, for the restorer.
    """

    judge: Rating
    maker: Rating


GAMES: dict[str, Game] = {
    "least_squares": Game(adversarial.lsgan_judge, lambda _, made: adversarial.lsgan_maker(made)),
    "relativistic": Game(adversarial.relativistic_judge, adversarial.relativistic_maker),
}
DISCRIMINATORS = ("deblurgan_v2", "sgpn")


def build_judges(name: str, width: int) -> list[nn.Module]:
    """Return the untrained discriminators of a network; their losses are averaged.

    Parameters
    ----------
    name : str
        One of `DISCRIMINATORS`: DeblurGAN-v2 has one of patches and one of nearly the whole image, SGPN one.
    width : int
        Channels of the first layer.

    Raises
    ------
    InputError
        If there is none of that name.
    """
    if name == "deblurgan_v2":
        from napari_emrestore.models.architectures.deblurgan_v2.discriminators import build_discriminators

        return list(build_discriminators(width))
    if name == "sgpn":
        from napari_emrestore.models.architectures.sgpn.discriminator import build_discriminator

        return [build_discriminator(width)]
    raise InputError(f"A recipe's judges are one of {', '.join(DISCRIMINATORS)}", came=f"{name!r} came")


class Judge:
    """Learns to tell ground truths from restorations and rates the latter.

    Parameters
    ----------
    recipe : AdversaryRecipe
        Which discriminators, which losses.
    seed : int
        Of the draws before the discriminators.
    device : str
        A torch device.
    """

    def __init__(self, recipe: AdversaryRecipe, seed: int, device: str = "cpu") -> None:
        import torch

        self.networks = torch.nn.ModuleList(build_judges(recipe.judges, recipe.width)).to(device)
        self.optimiser = torch.optim.Adam(self.networks.parameters(), recipe.rate, betas=_BETAS)
        self._recipe = recipe
        self._game = GAMES[recipe.loss]
        self._seed = seed

    def learn(self, truths: Tensor, made: Tensor, step: int, rate_share: float) -> None:
        """Take one optimiser step on ground truths and restorations ``(B, Y, X)`` in model range.

        Parameters
        ----------
        truths, made : Tensor
            No gradient reaches what made them.
        step : int
            Training step; decides the draws.
        rate_share : float
            What the schedule leaves of the learning rate, 0 to 1.
        """
        import torch

        for group in self.optimiser.param_groups:
            group["lr"] = self._recipe.rate * rate_share
        self.networks.requires_grad_(True)
        self.optimiser.zero_grad(set_to_none=True)
        real, fake = self._shown(truths, step, 0), self._shown(made.detach(), step, 1)
        loss = self._mean(self._game.judge, real, fake)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.networks.parameters(), _CLIP)
        self.optimiser.step()

    def rate(self, truths: Tensor, made: Tensor, step: int) -> Tensor:
        """Return what the restorations cost their maker; gradients reach `made` alone."""
        self.networks.requires_grad_(False)
        return self._mean(self._game.maker, self._shown(truths, step, 2), self._shown(made, step, 3))

    def compare(self, supervised: Tensor, unsupervised: Tensor, step: int) -> Tensor:
        """Return how differently two restorations are rated; gradients reach `unsupervised` alone."""
        self.networks.requires_grad_(False)
        given, other = self._shown(supervised.detach(), step, 4), self._shown(unsupervised, step, 5)
        return self._mean(adversarial.unsupervised_maker, given, other)

    def state_dict(self) -> dict[str, Any]:
        """Return discriminators and optimiser for a checkpoint."""
        return {"judges": self.networks.state_dict(), "optimiser": self.optimiser.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up a checkpoint."""
        self.networks.load_state_dict(state["judges"])
        self.optimiser.load_state_dict(state["optimiser"])

    def _mean(self, loss: Rating, one: Tensor, other: Tensor) -> Tensor:
        values = [loss(judge(one), judge(other)).mean() for judge in self.networks]
        total = values[0]
        for value in values[1:]:
            total = total + value
        return total / len(values)

    def _shown(self, images: Tensor, step: int, draw: int) -> Tensor:
        """Return images from -1 to 1 as a discriminator sees them; each call draws for itself."""
        spread = 2 * images - 1
        if not self._recipe.diff_augment:
            return spread
        return diff_augment(spread, np.random.default_rng([self._seed, 4, step, draw]))
