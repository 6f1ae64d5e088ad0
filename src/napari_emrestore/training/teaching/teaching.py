"""Teach a model on samples with ground truth, from where it stands; keep it only if it has become better."""

from __future__ import annotations

import json
import platform
import shutil
import time
from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.core import SILENT, ModelCard, ModelError
from napari_emrestore.training.adapting.keeping import keep, model_id, refuse_taken
from napari_emrestore.training.recipe import OptimiserRecipe
from napari_emrestore.training.stopped import claim

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import nn

    from napari_emrestore.core import Monitor
    from napari_emrestore.training.loop import Progress, Watch
    from napari_emrestore.training.teaching.lessons import CleanLessons, PairLessons

_BATCH = 4
_CHECKS, _LEAST_BETWEEN = 20, 10
_RATE, _RATE_FROM_NOTHING = 3e-4, 1e-3
_ERRORS = 2.0


@dataclass(frozen=True, slots=True, eq=False)
class Taught:
    """What came of teaching.

    Attributes
    ----------
    card : ModelCard, optional
        Of the new model; ``None`` where it became no better and the old weights stay.
    ssim_before, ssim_after, error : float
        Mean SSIM on held-out samples of the model as it was (of the frames' mean for one without weights) and
        as it became, and the standard error of the difference.
    history : tuple of dict
        One record per check; the one of the highest SSIM was kept.
    seconds : float
        Wall time over all sessions.
    """

    card: ModelCard | None
    ssim_before: float
    ssim_after: float
    error: float
    history: tuple[Mapping[str, float], ...]
    seconds: float

    @property
    def best_step(self) -> int:
        """Step of the check whose weights were kept, if any were."""
        return int(max(self.history, key=lambda record: record["ssim"])["step"]) if self.history else 0

    def text(self) -> str:
        """Return it in words."""
        change = self.ssim_after - self.ssim_before
        told = f"SSIM on held-out samples {self.ssim_before:.3f} before, {self.ssim_after:.3f} after"
        spread = f"(difference {change:+.3f} ± {_ERRORS * self.error:.3f})"
        if self.card is None:
            return f"{told} {spread}: no gain, the old weights stay."
        kept = f"Kept: step {self.best_step}, the best of {len(self.history)} checks."
        return f"{told} {spread}. {kept}"


def teach(
    model: str | Path | ModelCard,
    training: PairLessons | CleanLessons,
    validation: PairLessons | CleanLessons,
    name: str,
    *,
    steps: int = 1000,
    source: Mapping[str, Any] | None = None,
    folder: Path | None = None,
    device: str = "auto",
    seed: int = 0,
    monitor: Monitor = SILENT,
    watch: Watch | None = None,
) -> Taught:
    """Return what teaching has gained; if it has, the new model is in the models folder.

    Parameters
    ----------
    model : str, Path or ModelCard
        A network of ours; one without weights starts from random ones.
    training, validation : PairLessons or CleanLessons
        Samples to learn from, and others that it is judged on. The check with the highest SSIM on the latter
        is kept.
    name : str
        The new model is called ``<model>-<name>``.
    steps : int
        Training steps.
    source : mapping
        What the samples were made from, for the card.
    folder : Path, optional
        The models folder; ``None`` for the user's. The checkpoint of a run that was stopped lies in it, below
        ``.teaching``, and is taken up again.
    device : str
        As for `load_restorer`.
    seed : int
        Of random weights.
    monitor : Monitor
        Told after each step.
    watch : Watch, optional
        Told every loss and shown every check.

    Raises
    ------
    InputError
        If the name is taken, or the checkpoint belongs to another run.
    ModelError
        If the model is no network of ours.
    Cancelled
        If the monitor asked to stop; the checkpoint is left first.
    """
    from napari_emrestore.models import find_card, models_folder
    from napari_emrestore.restoration import pick_device
    from napari_emrestore.training.loop import VALIDATION_SAMPLES, train

    started = time.perf_counter()
    card = model if isinstance(model, ModelCard) else find_card(model)
    home = models_folder() if folder is None else folder
    new_id = model_id(card.id, name)
    refuse_taken(new_id, home)
    place = pick_device(device).name
    frames = card.trained.frames[0] if card.trained.frames[1] == 1 else validation.draw_frames(0)
    held_out = validation.batch(range(VALIDATION_SAMPLES), frames)
    plan = _plan(card, steps, seed)
    work = home / ".teaching" / new_id
    told = json.dumps([plan.steps, plan.rate, plan.seed]).encode()
    claim(work, told + held_out.bursts.tobytes())
    network = _start(card, seed)
    untrained = card.weights is None
    before = _ssim(held_out.bursts.mean(1), held_out) if untrained else _ssim_each(network, held_out, place)
    taught, progress = train(
        network.requires_grad_(True),
        training,
        validation,
        plan,
        _BATCH,
        frames,
        work,
        monitor,
        place,
        watch=watch,
    )
    after = _ssim_each(taught.requires_grad_(False), held_out, "cpu")
    error = float((after - before).std(ddof=1)) / sqrt(len(after))
    shutil.rmtree(work)
    figures = float(before.mean()), float(after.mean()), error
    kept = None
    if figures[1] - figures[0] > _ERRORS * error:
        record = {
            "method": type(training).__name__,
            "data": [dict(source)] if source else [],
            **_effort(progress, place),
        }
        kept = keep(taught, card, name, home, record, _validation(figures, frames))
    return Taught(kept, *figures, progress.history, time.perf_counter() - started)


def _effort(progress: Progress, place: str) -> dict[str, Any]:
    return {
        "steps": progress.step,
        "samples": progress.step * _BATCH,
        "seconds": round(progress.seconds, 1),
        "machine": f"{platform.machine()}, {place}",
    }


def _plan(card: ModelCard, steps: int, seed: int) -> OptimiserRecipe:
    return OptimiserRecipe(
        steps=steps,
        warmup_steps=max(1, steps // 20),
        decay_share=0.5,
        rate=_RATE if card.weights is not None else _RATE_FROM_NOTHING,
        average=0.99,
        keep="best",
        validate_every=max(min(steps, _LEAST_BETWEEN), steps // _CHECKS),
        seed=seed,
    )


def _start(card: ModelCard, seed: int) -> nn.Module:
    import torch

    from napari_emrestore.models import build_network, load_network
    from napari_emrestore.models.architectures import ARCHITECTURES

    if card.architecture not in ARCHITECTURES:
        raise ModelError(
            "Only networks of this package can be taught",
            item=card.id,
            came=f"is of another kind ({card.architecture})",
            remedy="Start from one of the bundled models.",
        )
    if card.weights is not None:
        return load_network(card)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build_network(card.architecture, card.parameters)


def _ssim_each(network: nn.Module, held_out: Any, device: str) -> NDArray[np.float64]:
    """Return the SSIM of each held-out sample."""
    import torch

    from napari_emrestore.training.objective import apply

    network.to(device).eval()
    with torch.inference_mode():
        made = apply(network, held_out, device)[0].cpu().numpy()
    return _ssim(made, held_out)


def _ssim(images: NDArray[np.float32], held_out: Any) -> NDArray[np.float64]:
    """Return the SSIM of each image (B, Y, X) against its truth."""
    import torch

    from napari_emrestore.training.losses import ssim

    losses = ssim(torch.from_numpy(images), torch.from_numpy(held_out.truths))
    return np.asarray(1 - losses.numpy(), np.float64)


def _validation(figures: tuple[float, float, float], frames: int) -> dict[str, Any]:
    before, after, error = figures
    return {
        "data": "a held-out part of the images it was taught on",
        "protocol": f"teach, {frames} frame(s)",
        "ssim_before": round(before, 4),
        "ssim_after": round(after, 4),
        "ssim_difference_error": round(error, 4),
    }
