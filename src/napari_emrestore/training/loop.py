"""The training loop: seeded, resumable, watched, with a running average of the weights."""

from __future__ import annotations

import copy
import json
import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from napari_emrestore.training.data import Batch
from napari_emrestore.training.losses import ssim
from napari_emrestore.training.objective import Objective, apply

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import torch
    from numpy.typing import NDArray
    from torch import nn

    from napari_emrestore.core import Monitor
    from napari_emrestore.training.objective import BatchMaker, Samples
    from napari_emrestore.training.recipe import OptimiserRecipe

VALIDATION_SAMPLES = 24
_MOMENTUM = 0.9


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a training run stands.

    Attributes
    ----------
    step : int
        Steps done.
    seconds : float
        Wall time spent, over all sessions of the run.
    history : tuple of dict
        One record per validation: step, training loss, PSNR and SSIM of the network and of the frame mean.
    """

    step: int
    seconds: float
    history: tuple[dict[str, float], ...]


class Watch(Protocol):
    """Someone who looks on while a network learns."""

    def learnt(self, step: int, loss: float) -> None:
        """Take the training loss of a step."""

    def validated(self, record: Mapping[str, float], shown: Batch, restored: NDArray[np.float32]) -> None:
        """Take the figures of a validation, its samples and what the network made of them, (B, Y, X)."""


def learning_rate(recipe: OptimiserRecipe, step: int) -> float:
    """Return the rate at `step`: linear warm-up, constant, cosine decay over the last share."""
    warm = min(1.0, (step + 1) / max(recipe.warmup_steps, 1))
    start = recipe.steps * (1 - recipe.decay_share)
    late = max(0.0, (step - start) / max(recipe.steps - start, 1))
    return recipe.rate * warm * 0.5 * (1 + math.cos(math.pi * min(late, 1.0)))


def train(
    network: nn.Module,
    samples: Samples,
    validation: BatchMaker,
    recipe: OptimiserRecipe,
    batch: int,
    frames_for_validation: int,
    folder: Path,
    monitor: Monitor,
    device: str = "cpu",
    *,
    objective: Objective | None = None,
    frozen: nn.Module | None = None,
    watch: Watch | None = None,
) -> tuple[nn.Module, Progress]:
    """Train `network` and return the average of its weights over the run.

    Takes up the checkpoint in `folder` if there is one, and leaves one every
    ``recipe.validate_every`` steps and when the monitor stops the run.

    Parameters
    ----------
    network : torch.nn.Module
        Maps ``(B, N, Y, X)`` to ``(B, Y, X)``.
    samples : Samples
        To learn from, for example a `SampleMaker`.
    validation : BatchMaker
        Samples of scenes kept out of training.
    recipe : OptimiserRecipe
        How to learn.
    batch : int
        Samples per step.
    frames_for_validation : int
        Burst length of the validation samples.
    folder : Path
        Holds ``checkpoint.pt`` and ``history.jsonl``.
    monitor : Monitor
        Reports steps; asking to stop leaves a checkpoint first.
    device : str
        A torch device.
    objective : Objective, optional
        What to make small; by default the distance to the ground truth that `recipe` names.
    frozen : torch.nn.Module, optional
        Part of the network that stays as it is for the first ``recipe.frozen_steps`` steps.
    watch : Watch, optional
        Told every loss and shown every validation.

    Returns
    -------
    network : torch.nn.Module
        The averaged network, in evaluation mode, on the CPU; that of the highest validation SSIM if the
        recipe keeps the best.
    progress : Progress
        Steps, seconds and the validation history.
    """
    import torch

    from napari_emrestore.core import Cancelled

    network.to(device)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    objective = objective or Objective(recipe, device)
    run = _Run(network, recipe, objective, folder)
    run.resume()
    held_out = validation.batch(range(VALIDATION_SAMPLES), frames_for_validation)
    while run.step < recipe.steps:
        if frozen is not None:
            frozen.requires_grad_(run.step >= recipe.frozen_steps)
        indices = range(run.step * batch, (run.step + 1) * batch)
        run.learn(samples.batch(indices, samples.draw_frames(run.step)))
        if watch is not None:
            watch.learnt(run.step, run.last_loss)
        if run.step % recipe.validate_every == 0 or run.step == recipe.steps:
            run.refresh(samples, batch)
            restored = run.validate(held_out)
            if watch is not None:
                watch.validated(run.history[-1], held_out, restored)
        try:
            monitor.step(run.step, recipe.steps, "training")
        except Cancelled:
            run.save()
            raise
    return run.result().cpu().eval(), Progress(run.step, run.seconds, tuple(run.history))


class _Run:
    """The moving parts of one run: network, its average, optimiser, objective, step, clock."""

    def __init__(
        self, network: nn.Module, recipe: OptimiserRecipe, objective: Objective, folder: Path
    ) -> None:
        self.network = network
        self.averaged = copy.deepcopy(network).requires_grad_(False)
        self.recipe = recipe
        self.objective = objective
        self.folder = folder
        self.optimiser = build_optimiser(network, recipe)
        self.step = 0
        self.history: list[dict[str, float]] = []
        self._best: dict[str, torch.Tensor] = {}
        self._losses: list[float] = []
        self._seconds_before = 0.0
        self._started = time.perf_counter()
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def seconds(self) -> float:
        return self._seconds_before + time.perf_counter() - self._started

    @property
    def last_loss(self) -> float:
        return self._losses[-1]

    def learn(self, shown: Batch) -> None:
        """Take one optimiser step and move the average."""
        import torch

        rate = learning_rate(self.recipe, self.step)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        loss = self.objective.loss(self.network, shown, self.step, rate / self.recipe.rate)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.recipe.clip)
        self.optimiser.step()
        self.step += 1
        self._losses.append(loss.item())
        keep = min(self.recipe.average, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            live = self.network.state_dict()
            for name, mean in self.averaged.state_dict().items():
                if mean.is_floating_point():
                    mean.lerp_(live[name], 1 - keep)
                else:
                    mean.copy_(live[name])

    def refresh(self, samples: Samples, batch: int) -> None:
        """Gather the averaged network's batch statistics anew: an average of them belongs to no network."""
        from napari_emrestore.models.recalibration import statistics_over, use_statistics

        passes = self.recipe.refresh_passes
        if passes == 0:
            return
        first = max(self.step - passes, 0)
        shown = (
            samples.batch(range(step * batch, (step + 1) * batch), samples.draw_frames(step)).bursts
            for step in range(first, first + passes)
        )
        use_statistics(self.averaged, statistics_over(self.averaged, shown))

    def validate(self, held_out: Batch) -> NDArray[np.float32]:
        """Score the averaged network on held-out samples, record it, leave a checkpoint; return its work."""
        import torch

        self.averaged.eval()
        with torch.inference_mode():
            parts = (
                Batch(held_out.bursts[i], held_out.noise[i], held_out.truths[i])
                for i in np.array_split(np.arange(len(held_out.truths)), len(held_out.truths) // 4)
            )
            outputs = [apply(self.averaged, part, self.objective.device)[0].cpu().numpy() for part in parts]
        restored, means = np.concatenate(outputs), held_out.bursts.mean(1)
        record = {
            "step": self.step,
            "seconds": round(self.seconds, 1),
            "loss": round(float(np.mean(self._losses)), 5),
            "psnr_db": round(_psnr(restored, held_out.truths), 3),
            "psnr_of_mean_db": round(_psnr(means, held_out.truths), 3),
            "ssim": round(_ssim(restored, held_out.truths), 4),
            "ssim_of_mean": round(_ssim(means, held_out.truths), 4),
        }
        self._losses.clear()
        if self.recipe.keep == "best" and all(record["ssim"] > old["ssim"] for old in self.history):
            self._best = {name: tensor.clone() for name, tensor in self.averaged.state_dict().items()}
        self.history.append(record)
        with (self.folder / "history.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")
        self.save()
        return restored

    def result(self) -> nn.Module:
        """Return the averaged network, with the weights of the best validation if these are to be kept."""
        if self._best:
            self.averaged.load_state_dict(self._best)
        return self.averaged

    def save(self) -> None:
        """Leave a checkpoint, written beside and renamed."""
        import torch

        beside = self.folder / "checkpoint.pt.part"
        state: dict[str, Any] = {
            "step": self.step,
            "seconds": self.seconds,
            "history": self.history,
            "network": self.network.state_dict(),
            "averaged": self.averaged.state_dict(),
            "best": self._best,
            "optimiser": self.optimiser.state_dict(),
            "objective": self.objective.state_dict(),
        }
        torch.save(state, beside)
        beside.replace(self.folder / "checkpoint.pt")

    def resume(self) -> None:
        """Take up the checkpoint in the folder, if there is one."""
        import torch

        path = self.folder / "checkpoint.pt"
        if not path.exists():
            return
        state = torch.load(path, map_location=self.objective.device, weights_only=True)
        self.network.load_state_dict(state["network"])
        self.averaged.load_state_dict(state["averaged"])
        self.optimiser.load_state_dict(state["optimiser"])
        # runs that began before these were kept had neither
        self.objective.load_state_dict(state.get("objective", {}))
        self._best = state.get("best", {})
        self.step, self._seconds_before, self.history = state["step"], state["seconds"], state["history"]


def build_optimiser(network: nn.Module, recipe: OptimiserRecipe) -> torch.optim.Optimizer:
    """Return the optimiser of a recipe; biases and norms are not drawn to zero."""
    import torch

    decayed = [p for p in network.parameters() if p.ndim > 1]
    plain = [p for p in network.parameters() if p.ndim <= 1]
    groups: list[dict[str, Any]] = [
        {"params": decayed, "weight_decay": recipe.weight_decay},
        {"params": plain, "weight_decay": 0.0},
    ]
    if recipe.method == "sgd":
        return torch.optim.SGD(groups, recipe.rate, momentum=_MOMENTUM)
    return torch.optim.AdamW(groups, recipe.rate, betas=recipe.betas)


def sentence(record: Mapping[str, float]) -> str:
    """Return a validation in words."""
    return (
        f"step {record['step']:g}: loss {record['loss']:.4f}, "
        f"held-out PSNR {record['psnr_db']:.2f} dB, frame mean {record['psnr_of_mean_db']:.2f} dB, "
        f"SSIM {record['ssim']:.3f}, frame mean {record['ssim_of_mean']:.3f}"
    )


def _psnr(outputs: np.ndarray, truths: np.ndarray) -> float:
    """Return the mean PSNR over samples (B, Y, X), data range 1, in dB."""
    errors = ((outputs - truths) ** 2).mean((1, 2))
    return float((-10 * np.log10(errors)).mean())


def _ssim(outputs: np.ndarray, truths: np.ndarray) -> float:
    """Return the mean SSIM over samples (B, Y, X), data range 1."""
    import torch

    return 1 - float(ssim(torch.from_numpy(outputs), torch.from_numpy(truths)).mean())
