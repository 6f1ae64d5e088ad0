"""Adapt a trained model to a person's own frames, without ground truth; keep it only if it has gained."""

from __future__ import annotations

import copy
import platform
import time
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from napari_emrestore.core import SILENT, InputError, ModelCard, ModelError
from napari_emrestore.training.adapting.fields import gather_fields
from napari_emrestore.training.adapting.held_out import (
    Gain,
    compare,
    frame_errors,
    neighbour_correlation,
    pixel_errors,
    refuse_correlated,
    require_blocks,
)
from napari_emrestore.training.adapting.keeping import keep, model_id, refuse_taken
from napari_emrestore.training.adapting.samples import FrameSamples, PixelSamples
from napari_emrestore.training.adapting.sharpness import Blurs, measure_blurs
from napari_emrestore.training.adapting.tuning import Check, TuningPlan, tune

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import nn

    from napari_emrestore.core import Monitor, WarpKind
    from napari_emrestore.metrics import NoiseModel
    from napari_emrestore.training.adapting.fields import Field

Method = Literal["auto", "frames", "pixels", "statistics"]
METHODS: dict[str, str] = {
    "auto": "frames where there are several, else pixels",
    "frames": "frames of one scene predict each other (noise2noise)",
    "pixels": "hidden pixels of single images are predicted (noise2void)",
    "statistics": "fresh statistics for batch normalisation, no training",
}
_CROP_PX = 64
_BATCH = 4
_PASSES = 20


@dataclass(frozen=True, slots=True)
class AdaptSettings:
    """How a model is adapted.

    Attributes
    ----------
    method : {"auto", "frames", "pixels", "statistics"}
        See `METHODS`.
    burst : int, optional
        Frames that show one scene; ``None`` for 8 or as many as there are.
    kind : str, optional
        Family of warps between them; ``None`` for frames that lie on each other.
    plan : TuningPlan
        How much and how fast it learns.
    """

    method: Method = "auto"
    burst: int | None = None
    kind: WarpKind | None = "euclidean"
    plan: TuningPlan = field(default_factory=TuningPlan)

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise InputError(f"A method is one of {', '.join(METHODS)}", came=f"{self.method!r} came")


_USUAL = AdaptSettings()


@dataclass(frozen=True, slots=True, eq=False)
class Adaptation:
    """What came of adapting.

    Attributes
    ----------
    card : ModelCard, optional
        Of the new model; ``None`` where there was no gain and the old weights stay.
    gain : Gain
        On held-out pixels.
    method : str
        What was done.
    checks : tuple of Check
        Errors on the way; empty for fresh statistics.
    seconds : float
        Wall time.
    notes : tuple of str
        What a person must know to judge it.
    """

    card: ModelCard | None
    gain: Gain
    method: str
    checks: tuple[Check, ...]
    seconds: float
    notes: tuple[str, ...] = field(default=())


def adapt(
    model: str | Path | ModelCard,
    frames: Any,
    name: str,
    *,
    settings: AdaptSettings = _USUAL,
    noise: NoiseModel | None = None,
    source: Mapping[str, Any] | None = None,
    folder: Path | None = None,
    device: str = "auto",
    monitor: Monitor = SILENT,
    watch: Callable[[Check, nn.Module, Sequence[Field]], None] | None = None,
) -> Adaptation:
    """Return what adapting a model to frames has gained; if it has, the new model is in the models folder.

    Parameters
    ----------
    model : str, Path or ModelCard
        A trained network of ours; see `find_card`. It stays as it is.
    frames : array, shape (N, Y, X) or (Y, X)
        As the detector gave them: one burst, a longer series (cut into bursts), or single images.
    name : str
        The new model is called ``<model>-<name>``.
    settings : AdaptSettings
        How.
    noise : NoiseModel, optional
        Of one frame in input units; ``None`` measures it.
    source : mapping, optional
        Name, path and hash of the frames, for the card.
    folder : Path, optional
        The models folder; ``None`` for the user's. The checkpoint of a run that was stopped lies in it, below
        ``.adapting``, until the run is finished.
    device : str
        As for `load_restorer`.
    monitor : Monitor
        Told after each frame, each step.
    watch : callable, optional
        Told after each check, with the network as it is then and the fields.

    Returns
    -------
    Adaptation
        Its `card` is ``None`` if nothing was gained.

    Raises
    ------
    ModelError
        If the model is no trained network of ours, or has no batch normalisation where that was asked for.
    InputError
        If the name is taken or the frames do not suffice.
    Cancelled
        If the monitor asked to stop.
    """
    from napari_emrestore.models import find_card, models_folder
    from napari_emrestore.restoration import pick_device

    started = time.perf_counter()
    card = model if isinstance(model, ModelCard) else find_card(model)
    home = models_folder() if folder is None else folder
    refuse_taken(model_id(card.id, name), home)
    place = pick_device(device).name
    network = _own_network(card).to(place)
    stack = np.asarray(frames)[None] if np.ndim(frames) == 2 else frames
    fields = gather_fields(
        stack, card, burst=settings.burst, kind=settings.kind, noise=noise, monitor=monitor
    )
    work = _Work(card, network, fields, place, settings, monitor)
    before = require_blocks(work.errors(network, work.blurs))
    adapted, checks = work.adapted(home / ".adapting" / model_id(card.id, name), watch)
    gain = compare(before, work.errors(adapted, work.blurs_of(adapted)))
    notes = _notes(work, gain)
    seconds = time.perf_counter() - started
    if not gain.is_real:
        return Adaptation(None, gain, work.method, checks, seconds, notes)
    training = _record(work, settings, source or {}, seconds, noise is not None)
    kept = keep(adapted.cpu(), card, name, home, training, _validation(gain, work.method))
    return Adaptation(kept, gain, work.method, checks, time.perf_counter() - started, notes)


class _Work:
    """A model, the frames, and how the one learns from the other."""

    def __init__(
        self,
        card: ModelCard,
        network: nn.Module,
        fields: list[Field],
        device: str,
        settings: AdaptSettings,
        monitor: Monitor,
    ) -> None:
        self.card, self.network, self.fields, self.device = card, network, fields, device
        self.settings, self.monitor = settings, monitor
        fewest = min(len(field.frames) for field in fields)
        self.several = fewest > 1
        self.method = settings.method
        if settings.method == "auto":
            self.method = "frames" if self.several else "pixels"
        self._refuse_few(fewest)
        self.sharpens = self.several and card.task != "denoise"
        self.blurs = self.blurs_of(network)

    def adapted(
        self, folder: Path, watch: Callable[[Check, nn.Module, Sequence[Field]], None] | None
    ) -> tuple[nn.Module, tuple[Check, ...]]:
        """Return the network as it became, and the errors on the way."""
        if self.method == "statistics":
            return self._recalibrated(), ()
        if not self.several:
            refuse_correlated(neighbour_correlation(self.network, self.fields, self.card, self.device))
        told = None if watch is None else lambda check, network: watch(check, network, self.fields)
        tuned = tune(
            self.network,
            self._samples(),
            lambda network: float(self.errors(network, self.blurs, chosen=True).mean()),
            self.settings.plan,
            device=self.device,
            monitor=self.monitor,
            watch=told,
            folder=folder,
        )
        return tuned.network, tuned.checks

    def errors(self, network: nn.Module, blurs: Blurs | None, *, chosen: bool = False) -> NDArray[np.float64]:
        """Return the squared errors of held-out blocks."""
        if self.several:
            return frame_errors(network, self.fields, self.card, self.device, chosen=chosen, blurs=blurs)
        return pixel_errors(network, self.fields, self.card, self.device, chosen=chosen)

    def blurs_of(self, network: nn.Module) -> Blurs | None:
        """Return how blurred frames are against a network's restorations, if it is one that sharpens."""
        if not self.sharpens:
            return None
        return measure_blurs(network, self.fields, self.card.trained.frames, self.device, self.monitor)

    def _samples(self) -> FrameSamples | PixelSamples:
        stride, seed = self.card.tiling.stride, self.settings.plan.seed
        crop = max(2 * stride, _CROP_PX // stride * stride)
        if self.method == "pixels":
            return PixelSamples(self.fields, crop, _BATCH, seed)
        return FrameSamples(self.fields, self.card.trained.frames, crop, _BATCH, seed, self.blurs)

    def _recalibrated(self) -> nn.Module:
        from napari_emrestore.models import recalibrated, use_statistics

        field = self.fields[0]
        low, high = self.card.trained.frames
        seen = field.frames[(slice(0, max(low, min(high, len(field.frames)))), *field.learn)]
        fresh = recalibrated(
            self.network,
            seen,
            rng=np.random.default_rng(self.settings.plan.seed),
            passes=_PASSES,
            stride_px=self.card.tiling.stride,
        )
        made = copy.deepcopy(self.network)
        use_statistics(made, fresh)
        return made

    def _refuse_few(self, fewest: int) -> None:
        needed = self.card.trained.frames[0] + 1 if self.method == "frames" else self.card.trained.frames[0]
        if fewest < needed:
            raise InputError(
                f"Adapting {self.card.id} by {METHODS[self.method].split(' (')[0]} takes "
                f"{needed} frames of one scene",
                came=f"{fewest} came",
                remedy="Take a longer burst, or a model of single frames.",
            )
        if (self.method == "pixels" or not self.several) and self.card.task != "denoise":
            raise InputError(
                "Single images teach only models that do not sharpen: blurred pixels would teach blur",
                item=self.card.id,
                came="sharpens",
                remedy="Take several frames of the scene, or a model that only denoises.",
            )


def _own_network(card: ModelCard) -> nn.Module:
    from napari_emrestore.models import load_network
    from napari_emrestore.models.architectures import ARCHITECTURES

    if card.architecture not in ARCHITECTURES:
        raise ModelError(
            "Only networks of this package can be adapted",
            item=card.id,
            came=f"is of another kind ({card.architecture})",
            remedy="Adapt one of the bundled models.",
        )
    return load_network(card)


def _notes(work: _Work, gain: Gain) -> tuple[str, ...]:
    notes = [gain.text()]
    if work.sharpens:
        notes.append("Frames were predicted after blurring: what their blur hides was left as it was.")
    if not work.several:
        notes.append("From single images, which holds for noise that is independent from pixel to pixel.")
    if not gain.is_real:
        notes.append(f"The weights of {work.card.id} stay.")
    return tuple(notes)


def _record(
    work: _Work, settings: AdaptSettings, source: Mapping[str, Any], seconds: float, calibrated: bool
) -> dict[str, Any]:
    return {
        "method": work.method,
        "data": [dict(source)] if source else [],
        "bursts": len(work.fields),
        "frames_per_burst": len(work.fields[0].frames),
        "motion": settings.kind or "none",
        "noise": "calibrated" if calibrated else "measured",
        "noise_line": [float(value) for value in work.fields[0].noise],
        "seconds": round(seconds, 1),
        "machine": f"{platform.machine()}, {work.device}",
        **({} if work.method == "statistics" else asdict(settings.plan)),
    }


def _validation(gain: Gain, method: str) -> dict[str, Any]:
    share, spread = gain.share
    told = {} if np.isnan(share) else {"gained": round(share, 4), "gained_two_errors": round(spread, 4)}
    return {
        "data": "held-out quarter of the field, other frames of the same burst",
        "protocol": f"adapt, {method}",
        "mse_before": gain.before,
        "mse_after": gain.after,
        "blocks": gain.blocks,
        **told,
    }
