"""What the dock's jobs do in their thread: adapt, teach, calibrate; no Qt, no layer is touched."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray
    from torch import nn

    from napari_emrestore.core import ModelCard
    from napari_emrestore.io import FrameStack
    from napari_emrestore.restoration.calibration import Calibration
    from napari_emrestore.training.adapting import Adaptation, AdaptSettings, Check
    from napari_emrestore.training.adapting.fields import Field
    from napari_emrestore.training.data import Batch
    from napari_emrestore.training.teaching import CleanLessons, PairLessons, Taught
    from napari_emrestore.widgets.jobs import JobMonitor
    from napari_emrestore.widgets.layers import LayerFrames
    from napari_emrestore.widgets.train.pausing import PausingMonitor
    from napari_emrestore.widgets.train.state import TrainState

_CROP_PX = 96
_CHECKS = 10


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """Where learning stands.

    Attributes
    ----------
    step : int
        Steps done; 0 is the model as it was.
    value : float
        What the curve shows.
    images : mapping of str to ndarray, shape (Y, X)
        A held-out crop: a frame, and what the model makes of it.
    """

    step: int
    value: float
    images: Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True, slots=True, eq=False)
class AdaptOrder:
    """Adapting as it was asked for; see `training.adapting.adapt`."""

    stack: FrameStack
    model: str
    name: str
    settings: AdaptSettings
    noise: str
    device: str

    def run(self, monitor: PausingMonitor) -> Adaptation:
        """Adapt, and show every check with a crop of a held-out area."""
        from napari_emrestore.pipeline.identity import of_stack
        from napari_emrestore.restoration.calibration import find_calibration
        from napari_emrestore.training.adapting import adapt

        looking = _Looking(monitor, self.model, self.device)
        with spare_a_core():
            return adapt(
                self.model,
                self.stack.data,
                self.name,
                settings=self.settings,
                noise=find_calibration(self.noise).noise if self.noise else None,
                source=of_stack(self.stack),
                device=self.device,
                monitor=monitor,
                watch=looking,
            )


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
        self._monitor.show(Look(check.step, check.error, images))


@dataclass(frozen=True, slots=True, eq=False)
class TeachOrder:
    """Teaching as it was asked for; see `training.teaching.teach`."""

    stack: FrameStack
    clean: FrameStack
    teaching: str
    burst: int
    model: str
    name: str
    steps: int
    noise: str
    device: str

    def run(self, monitor: PausingMonitor) -> Taught:
        """Bring frames and clean images together, teach, and show every check with a held-out sample."""
        from napari_emrestore.models import find_card
        from napari_emrestore.pipeline.identity import of_stack
        from napari_emrestore.training.teaching import teach

        card = find_card(self.model)
        make = self._pair_lessons if self.teaching == "pairs" else self._clean_lessons
        with spare_a_core():
            training, validation = make(card, monitor)
            return teach(
                card,
                training,
                validation,
                self.name,
                steps=self.steps,
                source=of_stack(self.stack),
                device=self.device,
                monitor=monitor,
                watch=_Showing(monitor),
            )

    def _pair_lessons(self, card: ModelCard, monitor: PausingMonitor) -> tuple[PairLessons, PairLessons]:
        from napari_emrestore.training.teaching import PairLessons, gather_pair

        pair = gather_pair(
            self._frames(),
            np.asarray(self.clean.data[0]),
            acquisitions=(self.stack.acquisition, self.clean.acquisition),
            monitor=monitor,
        )
        told = [pair], card.trained.frames, card.tiling.stride
        return PairLessons(*told, held_out=False), PairLessons(*told, held_out=True)

    def _clean_lessons(self, card: ModelCard, monitor: PausingMonitor) -> tuple[CleanLessons, CleanLessons]:
        from napari_emrestore.pipeline.scenes import scale_to_unit
        from napari_emrestore.restoration.calibration import find_calibration
        from napari_emrestore.training.teaching import CleanLessons, matched_preset

        monitor.step(0, 1, "reading the microscope off its frames")
        images = [scale_to_unit(np.asarray(frame.data)) for frame in self.clean]
        noise = find_calibration(self.noise).noise if self.noise else None
        preset = matched_preset(self._frames(), images, noise=noise)
        monitor.step(1, 1, "reading the microscope off its frames")
        told = images, preset, card.trained.frames, card.tiling.stride
        return CleanLessons(*told, held_out=False), CleanLessons(*told, held_out=True)

    def _frames(self) -> NDArray[Any]:
        return np.asarray(self.stack.data[: max(1, min(self.burst, len(self.stack)))])


class _Showing:
    """Shows the first held-out sample at every check."""

    def __init__(self, monitor: PausingMonitor) -> None:
        self._monitor = monitor

    def learnt(self, step: int, loss: float) -> None:
        """Leave single losses out: they jump with the sample."""

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


def outcome_text(made: Adaptation | Taught) -> str:
    """Return what was gained, in words."""
    from napari_emrestore.training.teaching import Taught

    return made.text() if isinstance(made, Taught) else " ".join(made.notes)


def kept_cameras() -> list[str]:
    """Return the names of the calibrations there are."""
    from napari_emrestore.restoration.calibration import list_calibrations

    return list_calibrations()


def calibrate(frames: LayerFrames, dark: Any | None, camera: str, monitor: JobMonitor) -> Calibration:
    """Measure the noise of a camera and keep it under its name."""
    from napari_emrestore.restoration.calibration import MOST_FRAMES, save_calibration
    from napari_emrestore.restoration.calibration import calibrate as measure

    monitor.step(0, 1, "measuring noise")
    blank = None if dark is None else np.asarray(dark[:MOST_FRAMES])
    pixels = np.asarray(frames.data[:MOST_FRAMES])
    found = measure(pixels, camera=camera, dark=blank, source=frames.acquisition.name)
    save_calibration(found)
    monitor.step(1, 1, "measuring noise")
    return found


def camera_text(found: Calibration) -> str:
    """Return a calibration in words."""
    noise = found.noise
    error = f", known to {100 * found.relative_error:.1f} %" if np.isfinite(found.relative_error) else ""
    head = (
        f"{found.camera}: {noise.gain:.4g} counts per electron, offset {noise.offset:.4g}, read noise "
        f"{noise.read_noise:.4g} counts{error}."
    )
    return " ".join([head, *(f"{note[0].upper()}{note[1:]}." for note in found.notes)])


@contextmanager
def spare_a_core() -> Iterator[None]:
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
