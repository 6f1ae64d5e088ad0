"""What the dock's longest jobs do in their thread: adapt, teach, run a recipe; no Qt, no layer is touched."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.core import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray
    from torch import nn

    from napari_emrestore.core import ModelCard
    from napari_emrestore.io import FrameStack
    from napari_emrestore.training.adapting import AdaptSettings, Check
    from napari_emrestore.training.adapting.fields import Field
    from napari_emrestore.training.data import Batch
    from napari_emrestore.training.teaching import CleanLessons, PairLessons
    from napari_emrestore.widgets.train.pausing import PausingMonitor
    from napari_emrestore.widgets.train.state import TrainState

    Lessons = tuple[PairLessons, PairLessons] | tuple[CleanLessons, CleanLessons]

_CROP_PX = 96
_CHECKS = 10
_LOSS_POINTS = 100


@dataclass(frozen=True, slots=True)
class Loss:
    """The mean training loss up to a step."""

    step: int
    value: float


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """Where learning stands.

    Attributes
    ----------
    step : int
        Steps done; 0 is the model as it was.
    value : float
        What the curve of held-out pixels shows.
    images : mapping of str to ndarray, shape (Y, X)
        A held-out crop: a frame, and what the model makes of it.
    """

    step: int
    value: float
    images: Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Made:
    """What came of an order.

    Attributes
    ----------
    card : ModelCard, optional
        Of the new model; ``None`` where nothing was gained and the old weights stay.
    text : str
        How good it is, in words.
    seconds : float
        Wall time.
    """

    card: ModelCard | None
    text: str
    seconds: float


@dataclass(frozen=True, slots=True, eq=False)
class AdaptOrder:
    """Adapting as it was asked for; see `training.adapting.adapt`."""

    stack: FrameStack
    model: str
    name: str
    settings: AdaptSettings
    noise: str
    device: str

    def run(self, monitor: PausingMonitor) -> Made:
        """Adapt, and show every check with a crop of a held-out area."""
        from napari_emrestore.pipeline.identity import of_stack
        from napari_emrestore.restoration.calibration import find_calibration
        from napari_emrestore.training.adapting import adapt

        with _spare_a_core():
            made = adapt(
                self.model,
                self.stack.data,
                self.name,
                settings=self.settings,
                noise=find_calibration(self.noise).noise if self.noise else None,
                source=of_stack(self.stack),
                device=self.device,
                monitor=monitor,
                watch=_Looking(monitor, self.model, self.device),
            )
        return Made(made.card, " ".join(made.notes), made.seconds)


class _Looking:
    """Shows what the network makes of one held-out crop, now and at the start."""

    def __init__(self, monitor: PausingMonitor, model: str, device: str) -> None:
        self._monitor, self._model, self._device = monitor, model, device
        self._before: NDArray[np.float32] | None = None

    def __call__(self, check: Check, network: nn.Module, fields: Sequence[Field]) -> None:
        from napari_emrestore.models import find_card, load_network
        from napari_emrestore.restoration import pick_device
        from napari_emrestore.training.adapting.fields import shown_to
        from napari_emrestore.training.adapting.sharpness import restored

        field, card, place = fields[0], find_card(self._model), pick_device(self._device).name
        area = _crop(field, card.tiling.stride)
        count = max(1, min(card.trained.frames[1], len(field.frames)))
        shown = shown_to(field, np.arange(count), area, merge=False)
        if self._before is None:  # a run that goes on starts from later weights
            self._before = restored(load_network(card).to(place), *shown, place)
        now = restored(network, *shown, place)
        images = {"Frame": shown[0][0], "Before": self._before, "Now": now}
        if np.isfinite(check.loss):
            self._monitor.show(Loss(check.step, check.loss))
        self._monitor.show(Look(check.step, check.error, images))


@dataclass(frozen=True, slots=True, eq=False)
class TeachOrder:
    """Teaching as it was asked for; see `training.teaching.teach`.

    Attributes
    ----------
    frames, clean : FrameStack or str
        Pixels of a layer, or the path of a folder; files of two folders are pairs in their order.
    """

    frames: FrameStack | str
    clean: FrameStack | str
    teaching: str
    model: str
    name: str
    steps: int
    noise: str
    device: str

    def run(self, monitor: PausingMonitor) -> Made:
        """Bring frames and clean images together, teach, and show every check with a held-out sample."""
        from napari_emrestore.models import find_card
        from napari_emrestore.training.teaching import teach

        card = find_card(self.model)
        make = self._pair_lessons if self.teaching == "pairs" else self._clean_lessons
        with _spare_a_core():
            training, validation = make(card, monitor)
            made = teach(
                card,
                training,
                validation,
                self.name,
                steps=self.steps,
                source=self._source(),
                device=self.device,
                monitor=monitor,
                watch=_Showing(monitor, self.steps),
            )
        return Made(made.card, made.text(), made.seconds)

    def _pair_lessons(self, card: ModelCard, monitor: PausingMonitor) -> Lessons:
        from napari_emrestore.pipeline import lessons

        if isinstance(self.frames, str) or isinstance(self.clean, str):
            return lessons.pair_lessons(lessons.read_pairs(str(self.frames), str(self.clean), monitor), card)
        return lessons.pair_lessons([lessons.pair_of(self.frames, self.clean, monitor)], card)

    def _clean_lessons(self, card: ModelCard, monitor: PausingMonitor) -> Lessons:
        from napari_emrestore.pipeline import lessons
        from napari_emrestore.restoration.calibration import find_calibration

        if isinstance(self.frames, str):
            raise InputError("A microscope is read off the frames of a layer", came="a folder came")
        if isinstance(self.clean, str):
            images = lessons.read_clean_images(self.clean, monitor)
        else:
            images = lessons.clean_images_of(self.clean)
        note = "reading the microscope off its frames"
        monitor.step(0, 1, note)
        noise = find_calibration(self.noise).noise if self.noise else None
        made = lessons.clean_lessons(images, np.asarray(self.frames.data), card, noise=noise)
        monitor.step(1, 1, note)
        return made

    def _source(self) -> dict[str, Any]:
        from napari_emrestore.pipeline.identity import of_stack

        folders = [place for place in (self.frames, self.clean) if isinstance(place, str)]
        told: dict[str, Any] = {} if isinstance(self.frames, str) else dict(of_stack(self.frames))
        return {**told, "paths": folders} if folders else told


@dataclass(frozen=True, slots=True)
class RecipeOrder:
    """A recipe as it was asked for; see `training.run_recipe`."""

    recipe: str
    data: str
    name: str
    steps: int
    device: str

    def run(self, monitor: PausingMonitor) -> Made:
        """Train from random weights, and show every check with a held-out sample."""
        from napari_emrestore.training import bundled_recipes, read_recipe, run_recipe

        monitor.step(0, self.steps, "reading images")
        with _spare_a_core():
            card = run_recipe(
                read_recipe(bundled_recipes()[self.recipe]),
                Path(self.data),
                self.name,
                steps=self.steps,
                device=self.device,
                monitor=monitor,
                watch=_Showing(monitor, self.steps),
            )
        told = card.training
        text = (
            f"SSIM on held-out images {told['held_out_ssim']:.3f}, of the frames' mean "
            f"{told['held_out_ssim_of_mean']:.3f}. Kept: step {told['best_step']}, the best check."
        )
        return Made(card, text, float(told["seconds"]))


class _Showing:
    """Shows the loss, a hundred times in all, and the first held-out sample at every check."""

    def __init__(self, monitor: PausingMonitor, steps: int) -> None:
        self._monitor, self._every = monitor, max(1, steps // _LOSS_POINTS)
        self._losses: list[float] = []

    def learnt(self, step: int, loss: float) -> None:
        """Gather losses, which jump with the sample, and show their mean."""
        self._losses.append(loss)
        if len(self._losses) == self._every:
            self._monitor.show(Loss(step, float(np.mean(self._losses))))
            self._losses.clear()

    def validated(self, record: Mapping[str, float], shown: Batch, restored: NDArray[np.float32]) -> None:
        """Show a check."""
        images = {"Frame": shown.bursts[0, 0], "Now": restored[0], "Clean": shown.truths[0]}
        self._monitor.show(Look(int(record["step"]), record["ssim"], images))


def adapt_settings(state: TrainState, count: int) -> AdaptSettings:
    """Return how to adapt, as the dock has it."""
    from napari_emrestore.training.adapting import AdaptSettings, TuningPlan

    alone = state.meaning == "single" or count == 1
    return AdaptSettings(
        state.method,  # type: ignore[arg-type]
        1 if alone else min(state.burst, count),
        "euclidean" if state.meaning == "time" else None,
        TuningPlan(state.steps, check_every=max(1, state.steps // _CHECKS)),
    )


@contextmanager
def _spare_a_core() -> Iterator[None]:
    """Leave one core to the window: torch's threads would take them all while it learns."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(max(1, min(before, (os.cpu_count() or 2) - 1)))
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _crop(field: Field, stride: int) -> tuple[slice, slice]:
    """Return a crop in the middle of the area a field is judged on, on the network's grid."""

    def part(along: slice) -> slice:
        length = min(_CROP_PX, along.stop - along.start) // stride * stride
        start = along.start + (along.stop - along.start - length) // 2
        return slice(start, start + max(length, stride))

    rows, columns = field.judge
    return part(rows), part(columns)
