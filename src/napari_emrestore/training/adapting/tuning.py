"""The loop that adapts: few careful steps, a running average of the weights, the best of them kept."""

from __future__ import annotations

import copy
import hashlib
import json
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.core import Cancelled, InputError
from napari_emrestore.training.adapting.sharpness import RADIUS_PX, blurred
from napari_emrestore.training.loop import learning_rate
from napari_emrestore.training.recipe import OptimiserRecipe

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from torch import Tensor, nn

    from napari_emrestore.core import Monitor
    from napari_emrestore.training.adapting.samples import Samples, Shown

    Referee = Callable[[nn.Module], float]

_ANCHOR = 1.0


@dataclass(frozen=True, slots=True)
class TuningPlan:
    """How much and how fast a network learns.

    Attributes
    ----------
    steps : int
        Training steps.
    rate : float
        Highest learning rate.
    check_every : int
        Steps between checks, each of which may become the one that is kept.
    average : float
        Decay of the running average of weights.
    seed : int
        Of all draws.
    """

    steps: int = 400
    rate: float = 2e-4
    check_every: int = 40
    average: float = 0.98
    seed: int = 0

    def schedule(self) -> OptimiserRecipe:
        """Return the optimiser's settings: warm-up over the first tenth, decay over the second half."""
        return OptimiserRecipe(
            steps=self.steps,
            warmup_steps=max(1, self.steps // 10),
            decay_share=0.5,
            rate=self.rate,
            weight_decay=0.0,
        )


@dataclass(frozen=True, slots=True)
class Check:
    """How far learning has come.

    Attributes
    ----------
    step : int
        Steps done; 0 is the network as it was.
    loss : float
        Mean training loss since the last check; nan at step 0.
    error : float
        Squared error where weights are chosen; the smallest is kept.
    """

    step: int
    loss: float
    error: float


@dataclass(frozen=True, slots=True, eq=False)
class Tuned:
    """What came of it.

    Attributes
    ----------
    network : Module
        With the best weights, in evaluation mode.
    best_step : int
        When they were found; 0 if the network became no better.
    checks : tuple of Check
        In order.
    seconds : float
        Wall time over all sessions.
    """

    network: nn.Module
    best_step: int
    checks: tuple[Check, ...]
    seconds: float


def tune(
    network: nn.Module,
    samples: Samples,
    referee: Referee,
    plan: TuningPlan,
    *,
    device: str,
    monitor: Monitor,
    watch: Callable[[Check, nn.Module], None] | None = None,
    folder: Path | None = None,
) -> Tuned:
    """Return the network with the weights that the referee likes best, the former ones among them.

    Parameters
    ----------
    network : Module
        On `device`; is not changed. Its batch normalisation keeps its statistics.
    samples : Samples
        What it learns from.
    referee : callable
        Squared error of a network, on what it does not learn from.
    plan : TuningPlan
        How much and how fast.
    device : str
        A torch device.
    monitor : Monitor
        Told after each step.
    watch : callable, optional
        Told after each check, with the averaged network.
    folder : Path, optional
        Of this run alone; holds its checkpoint, from which it goes on after a stop, and is removed at the
        end. ``None`` keeps none.

    Raises
    ------
    InputError
        If the checkpoint belongs to other frames or another plan.
    Cancelled
        If the monitor asked to stop; the checkpoint is left first.
    """
    run = _Run(network, referee, plan, device, watch, folder)
    run.resume(_key(plan, samples.draw(0)))
    if not run.checks:
        run.check(float("nan"))
    while run.step < plan.steps:
        run.learn(samples.draw(run.step))
        if run.step % plan.check_every == 0 or run.step == plan.steps:
            run.check(run.mean_loss())
        try:
            monitor.step(run.step, plan.steps, "adapting")
        except Cancelled:
            run.save()
            raise
    return run.outcome()


class _Run:
    """The moving parts: the learner, its average, the best weights so far."""

    def __init__(
        self,
        network: nn.Module,
        referee: Referee,
        plan: TuningPlan,
        device: str,
        watch: Callable[[Check, nn.Module], None] | None,
        folder: Path | None,
    ) -> None:
        import torch

        self.start = network
        self.learner = copy.deepcopy(network).requires_grad_(True)
        self.averaged = copy.deepcopy(network)
        self.best = copy.deepcopy(network.state_dict())
        self.optimiser = torch.optim.AdamW(self.learner.parameters(), plan.rate, weight_decay=0.0)
        self.plan, self.schedule = plan, plan.schedule()
        self.referee, self.device, self.watch, self.folder = referee, device, watch, folder
        self.step, self.best_step = 0, 0
        self.checks: list[Check] = []
        self._key = ""
        self._losses: list[float] = []
        self._before, self._started = 0.0, time.perf_counter()

    @property
    def seconds(self) -> float:
        return self._before + time.perf_counter() - self._started

    def learn(self, shown: Shown) -> None:
        """Take one step on a batch and move the average."""
        import torch

        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate(self.schedule, self.step)
        loss = self._loss(shown)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.learner.parameters(), self.schedule.clip)
        self.optimiser.step()
        self.step += 1
        self._losses.append(loss.item())
        keep = min(self.plan.average, self.step / (self.step + 1))
        with torch.no_grad():
            for mean, live in zip(self.averaged.parameters(), self.learner.parameters(), strict=True):
                mean.lerp_(live, 1 - keep)

    def mean_loss(self) -> float:
        """Return the mean loss since the last call."""
        mean = float(np.mean(self._losses))
        self._losses.clear()
        return mean

    def check(self, loss: float) -> None:
        """Ask the referee about the averaged network and keep it if it is the best."""
        found = Check(self.step, loss, self.referee(self.averaged))
        if not self.checks or found.error < min(check.error for check in self.checks):
            self.best, self.best_step = copy.deepcopy(self.averaged.state_dict()), self.step
        self.checks.append(found)
        self.save()
        if self.watch is not None:
            self.watch(found, self.averaged)

    def outcome(self) -> Tuned:
        """Return what came of it; a finished run leaves no checkpoint."""
        self.averaged.load_state_dict(self.best)
        if self.folder is not None:
            (self.folder / "checkpoint.pt").unlink()
            self.folder.rmdir()
        return Tuned(self.averaged, self.best_step, tuple(self.checks), self.seconds)

    def save(self) -> None:
        """Leave a checkpoint, written beside and renamed."""
        import torch

        if self.folder is None:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        state: dict[str, Any] = {
            "key": self._key,
            "step": self.step,
            "seconds": self.seconds,
            "learner": self.learner.state_dict(),
            "averaged": self.averaged.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "best": self.best,
            "best_step": self.best_step,
            "checks": [asdict(check) for check in self.checks],
            "losses": self._losses,
        }
        beside = self.folder / "checkpoint.pt.part"
        torch.save(state, beside)
        beside.replace(self.folder / "checkpoint.pt")

    def resume(self, key: str) -> None:
        """Take up the checkpoint in the folder, if there is one."""
        import torch

        self._key = key
        path = None if self.folder is None else self.folder / "checkpoint.pt"
        if path is None or not path.exists():
            return
        state = torch.load(path, map_location=self.device, weights_only=True)
        if state["key"] != key:
            raise InputError(
                "A run that was stopped goes on with the same frames and settings",
                item=str(path),
                came="belongs to others",
                remedy="Choose another name, or delete this file to begin anew.",
            )
        self.learner.load_state_dict(state["learner"])
        self.averaged.load_state_dict(state["averaged"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step, self.best, self.best_step = state["step"], state["best"], state["best_step"]
        self.checks = [Check(**check) for check in state["checks"]]
        self._losses, self._before = state["losses"], state["seconds"]

    def _loss(self, shown: Shown) -> Tensor:
        """Return the mean squared miss of the targets."""
        import torch

        given = [torch.from_numpy(shown.bursts).to(self.device)]
        if getattr(self.learner, "noise_input", False):
            given.append(torch.from_numpy(shown.noise).to(self.device))
        made = self.learner(*given)
        wanted = torch.from_numpy(shown.targets).to(self.device)
        if shown.counted is not None:
            counted = torch.from_numpy(shown.counted).to(self.device)
            squares: Tensor = ((made - wanted) ** 2)[counted]
            return squares.sum() / max(1, squares.numel())
        if shown.blur is None:
            loss: Tensor = ((made - wanted) ** 2).mean()
            return loss
        return self._blurred_loss(made, wanted, given, torch.from_numpy(shown.blur).to(self.device))

    def _blurred_loss(self, made: Tensor, wanted: Tensor, given: list[Tensor], blur: Tensor) -> Tensor:
        """Return the miss after blurring, and the change of what blurring hides, which is not wanted."""
        import torch

        inner = (slice(None), slice(RADIUS_PX, -RADIUS_PX), slice(RADIUS_PX, -RADIUS_PX))
        with torch.no_grad():
            before = self.start(*given)
        change = made - before
        hidden = change[inner] - blurred(change, blur)
        loss: Tensor = ((blurred(made, blur) - wanted[inner]) ** 2).mean() + _ANCHOR * (hidden**2).mean()
        return loss


def _key(plan: TuningPlan, first: Shown) -> str:
    """Return what tells a run from others: its plan and the first thing it is shown."""
    text = json.dumps(asdict(plan), sort_keys=True).encode()
    return hashlib.sha256(text + first.bursts.tobytes() + first.targets.tobytes()).hexdigest()
