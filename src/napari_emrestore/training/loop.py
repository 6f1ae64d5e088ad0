"""The training loop: seeded, resumable, watched, with a running average of the weights."""

from __future__ import annotations

import copy
import json
import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.training.data import Batch
from napari_emrestore.training.losses import LOSSES

if TYPE_CHECKING:
    from pathlib import Path

    import torch
    from torch import nn

    from napari_emrestore.core import Monitor
    from napari_emrestore.training.data import SampleMaker
    from napari_emrestore.training.recipe import OptimiserRecipe

VALIDATION_SAMPLES = 24
_SMALLEST_ERROR = 0.01


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
        One record per validation: step, training loss, PSNR of the network and of the frame mean.
    """

    step: int
    seconds: float
    history: tuple[dict[str, float], ...]


def learning_rate(recipe: OptimiserRecipe, step: int) -> float:
    """Return the rate at `step`: linear warm-up, constant, cosine decay over the last share."""
    warm = min(1.0, (step + 1) / max(recipe.warmup_steps, 1))
    start = recipe.steps * (1 - recipe.decay_share)
    late = max(0.0, (step - start) / max(recipe.steps - start, 1))
    return recipe.rate * warm * 0.5 * (1 + math.cos(math.pi * min(late, 1.0)))


def train(
    network: nn.Module,
    samples: SampleMaker,
    validation: SampleMaker,
    recipe: OptimiserRecipe,
    batch: int,
    frames_for_validation: int,
    folder: Path,
    monitor: Monitor,
    device: str = "cpu",
) -> tuple[nn.Module, Progress]:
    """Train `network` and return the average of its weights over the run.

    Takes up the checkpoint in `folder` if there is one, and leaves one every
    ``recipe.validate_every`` steps and when the monitor stops the run.

    Parameters
    ----------
    network : torch.nn.Module
        Maps ``(B, N, Y, X)`` to ``(B, Y, X)``.
    samples, validation : SampleMaker
        Training samples, and samples of scenes kept out of training.
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

    Returns
    -------
    network : torch.nn.Module
        The averaged network, in evaluation mode, on the CPU.
    progress : Progress
        Steps, seconds and the validation history.
    """
    import torch

    from napari_emrestore.core import Cancelled

    network.to(device)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    run = _Run(network, recipe, folder, device)
    run.resume()
    loss_of = LOSSES[recipe.loss]
    held_out = validation.batch(range(VALIDATION_SAMPLES), frames_for_validation)
    while run.step < recipe.steps:
        indices = range(run.step * batch, (run.step + 1) * batch)
        shown = samples.batch(indices, samples.draw_frames(run.step))
        losses = loss_of(run.restore(run.network, shown), torch.from_numpy(shown.truths).to(device))
        if recipe.balanced:
            losses = losses * torch.from_numpy(_balance(shown)).to(device)
        loss = losses.mean()
        run.learn(loss)
        note = f"loss {loss.item():.4f}"
        if run.step % recipe.validate_every == 0 or run.step == recipe.steps:
            note = run.validate(held_out)
        try:
            monitor.step(run.step, recipe.steps, note)
        except Cancelled:
            run.save()
            raise
    return run.averaged.cpu().eval(), Progress(run.step, run.seconds, tuple(run.history))


class _Run:
    """The moving parts of one run: network, its average, optimiser, step, clock."""

    def __init__(self, network: nn.Module, recipe: OptimiserRecipe, folder: Path, device: str) -> None:
        import torch

        self.network = network
        self.averaged = copy.deepcopy(network).requires_grad_(False)
        self.recipe = recipe
        self.folder = folder
        self.device = device
        decayed = [p for p in network.parameters() if p.ndim > 1]
        plain = [p for p in network.parameters() if p.ndim <= 1]
        groups: list[dict[str, Any]] = [{"params": decayed}, {"params": plain, "weight_decay": 0.0}]
        self.optimiser = torch.optim.AdamW(
            groups, recipe.rate, betas=(0.9, 0.95), weight_decay=recipe.weight_decay
        )
        self.step = 0
        self.history: list[dict[str, float]] = []
        self._losses: list[float] = []
        self._seconds_before = 0.0
        self._started = time.perf_counter()
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def seconds(self) -> float:
        return self._seconds_before + time.perf_counter() - self._started

    def learn(self, loss: torch.Tensor) -> None:
        """Take one optimiser step and move the average."""
        import torch

        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate(self.recipe, self.step)
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

    def restore(self, network: nn.Module, batch: Batch) -> torch.Tensor:
        """Return what a network makes of a batch."""
        import torch

        given = [torch.from_numpy(batch.bursts).to(self.device)]
        if getattr(network, "noise_input", False):
            given.append(torch.from_numpy(batch.noise).to(self.device))
        output: torch.Tensor = network(*given)
        return output

    def validate(self, held_out: Batch) -> str:
        """Score the averaged network on held-out samples, record it and leave a checkpoint."""
        import torch

        self.averaged.eval()
        with torch.inference_mode():
            parts = (
                Batch(held_out.bursts[i], held_out.noise[i], held_out.truths[i])
                for i in np.array_split(np.arange(len(held_out.truths)), len(held_out.truths) // 4)
            )
            outputs = [self.restore(self.averaged, part).cpu().numpy() for part in parts]
        record = {
            "step": self.step,
            "seconds": round(self.seconds, 1),
            "loss": round(float(np.mean(self._losses)), 5),
            "psnr_db": round(_psnr(np.concatenate(outputs), held_out.truths), 3),
            "psnr_of_mean_db": round(_psnr(held_out.bursts.mean(1), held_out.truths), 3),
        }
        self._losses.clear()
        self.history.append(record)
        with (self.folder / "history.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")
        self.save()
        return f"held-out PSNR {record['psnr_db']:.2f} dB, frame mean {record['psnr_of_mean_db']:.2f} dB"

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
            "optimiser": self.optimiser.state_dict(),
        }
        torch.save(state, beside)
        beside.replace(self.folder / "checkpoint.pt")

    def resume(self) -> None:
        """Take up the checkpoint in the folder, if there is one."""
        import torch

        path = self.folder / "checkpoint.pt"
        if not path.exists():
            return
        state = torch.load(path, map_location=self.device, weights_only=True)
        self.network.load_state_dict(state["network"])
        self.averaged.load_state_dict(state["averaged"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step, self._seconds_before, self.history = state["step"], state["seconds"], state["history"]


def _balance(batch: Batch) -> np.ndarray:
    """Return the weight of each sample: about 1 for a frame mean that is off by 0.1 of the range."""
    errors = np.abs(batch.bursts.mean(1) - batch.truths).mean((1, 2))
    return np.asarray(0.1 / (errors + _SMALLEST_ERROR), np.float32)


def _psnr(outputs: np.ndarray, truths: np.ndarray) -> float:
    """Return the mean PSNR over samples (B, Y, X), data range 1, in dB."""
    errors = ((outputs - truths) ** 2).mean((1, 2))
    return float((-10 * np.log10(errors)).mean())
