"""What the dock's jobs do in their thread: load, align, preview, run; no Qt, no layer is touched."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.pipeline.burst_lengths import MeanQuality, mean_quality
from napari_emrestore.pipeline.previewing import (
    Part,
    Prepared,
    burst_at,
    first_frames,
    prepare,
    restore_part,
    warm_up,
    warm_up_alignment,
)

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_emrestore.core import Monitor, Restorer
    from napari_emrestore.pipeline import Result, RunSettings
    from napari_emrestore.pipeline.previewing import Field
    from napari_emrestore.pipeline.windows import Job
    from napari_emrestore.widgets.jobs import JobMonitor
    from napari_emrestore.widgets.restore.orders import Order

_LOOKED_AT = 12


@dataclass(slots=True)
class Shelf:
    """Models that are loaded, and the burst that was aligned last."""

    restorers: dict[tuple[str, str, str], Restorer] = field(default_factory=dict)
    aligned: tuple[Any, Prepared] | None = None
    is_warm: bool = False

    def restorer(self, settings: RunSettings, monitor: Monitor) -> Restorer:
        """Return the model of some settings, loaded once."""
        place = settings.model, settings.device, settings.precision
        if place not in self.restorers:
            from napari_emrestore.restoration import load_restorer

            monitor.step(0, 1, f"loading {settings.model}")
            self.restorers[place] = load_restorer(
                settings.model, device=settings.device, precision=settings.precision, monitor=monitor
            )
            warm_up(self.restorers[place], settings.frames or 1)
            monitor.step(1, 1, f"loading {settings.model}")
        return self.restorers[place]

    def prepared(self, job: Job, frames: range, version: int, monitor: Monitor) -> Prepared:
        """Return a burst of a job, aligned; the last one is kept."""
        told = job.settings
        key = (
            version,
            frames,
            told.kind,
            told.reference,
            told.use,
            told.skip,
            told.truth_frame,
            job.truth is None,
        )
        if self.aligned is None or self.aligned[0] != key:
            self.aligned = None
            if not self.is_warm:
                warm_up_alignment(job, frames)
                self.is_warm = len(frames) > 1
            self.aligned = key, prepare(job, frames, monitor)
        return self.aligned[1]


@dataclass(frozen=True, slots=True, eq=False)
class Checked:
    """What a look at a burst found.

    Attributes
    ----------
    prepared : Prepared
        The burst, aligned.
    lengths : tuple of MeanQuality
        What the mean of its first frames is worth.
    """

    prepared: Prepared
    lengths: tuple[MeanQuality, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Finished:
    """A run with what the viewer needs to show it.

    Attributes
    ----------
    result : Result
        Of the line.
    image : array or list of array
        The restored image, or the levels of its pyramid.
    limits : tuple of float
        Contrast limits.
    truth_range : float, optional
        Data range of the ground truth.
    error : array or list of array, optional
        The expected error, as `image` is; ``None`` if it was not asked for.
    """

    result: Result
    image: Any
    limits: tuple[float, float]
    truth_range: float | None
    error: Any | None = None


@dataclass(frozen=True, slots=True, eq=False)
class LiveCanvas:
    """An array that is being filled, and where its first pixel lies in a frame."""

    array: NDArray[np.float32]
    origin_px: tuple[int, int]


def check_frames(order: Order, shelf: Shelf, monitor: JobMonitor) -> Checked:
    """Align a burst of up to 12 frames around the one shown, judge each, and compare burst lengths."""
    from napari_emrestore.core import InputError

    count = min(len(order.stack), max(_LOOKED_AT, order.settings.frames or 1))
    job = _job_of_mean(order, count)
    begin = min(burst_at(plan(order), order.current).start, len(order.stack) - count)
    prepared = shelf.prepared(job, range(begin, begin + count), order.version, monitor)
    try:
        lengths = () if prepared.ready is None else mean_quality(prepared.ready, monitor=monitor)
    except InputError:
        lengths = ()  # too few frames are left to compare; the table of frames says why
    return Checked(prepared, lengths)


def preview(
    order: Order, shelf: Shelf, field: Field, monitor: JobMonitor, checked: Checked | None = None
) -> Part:
    """Restore a part of the field as the run would, of checked frames if there are any."""
    from napari_emrestore.pipeline.windows import Job

    restorer = shelf.restorer(order.settings, monitor)
    job = Job.of(order.stack, restorer, order.settings, order.truth)
    if checked is None:
        prepared = shelf.prepared(job, burst_at(job.ranges, order.current), order.version, monitor)
    else:
        prepared = first_frames(checked.prepared, order.settings.frames or 1)
    return restore_part(job, prepared, field, monitor)


def run(order: Order, shelf: Shelf, pyramid_px: int, live_px: int, monitor: JobMonitor) -> Finished:
    """Follow the line; a result of more than `live_px` pixels is shown while it fills."""
    from napari_emrestore.pipeline import run_frames
    from napari_emrestore.widgets.layers import contrast_limits

    def room(shape: tuple[int, ...], origin_px: tuple[int, int]) -> NDArray[np.float32]:
        array = np.full(shape, np.nan, np.float32)
        if array.size > live_px:
            monitor.show(LiveCanvas(array, origin_px))
        return array

    restorer = shelf.restorer(order.settings, monitor)
    result = run_frames(
        order.stack, order.settings, truth=order.truth, restorer=restorer, room=room, monitor=monitor
    )
    made = result.restoration
    image = _levels(made.image, result.output, pyramid_px, monitor)
    error = None
    if made.expected_error is not None:
        error = _levels(made.expected_error, result.error_output, pyramid_px, monitor)
    coarse = image[-1] if isinstance(image, list) else image
    truth = result.views.get("ground truth")
    span = None if truth is None else float(np.ptp(truth))
    return Finished(result, image, contrast_limits(coarse), span, error)


def result_shape(order: Order) -> tuple[int, ...]:
    """Return the largest shape the result of a run can have."""
    count = len(plan(order))
    return (count, *order.stack.frame_shape) if count > 1 else order.stack.frame_shape


def quick_levels(array: NDArray[np.float32], pyramid_px: int) -> Any:
    """Return an array that is being filled; of a large one also views of every second, fourth, … pixel."""
    from napari_emrestore.io.pyramid import level_shapes

    count = len(level_shapes(array.shape[-2], array.shape[-1]))
    if max(array.shape[-2:]) <= pyramid_px or count == 1:
        return array
    return [array[..., :: 2**level, :: 2**level] for level in range(count)]


def _levels(image: Any, output: Path | None, pyramid_px: int, monitor: Monitor) -> Any:
    """Return an image, or the levels of a pyramid of a large one; those of `output` if it went there."""
    from napari_emrestore.io import open_frames
    from napari_emrestore.io.pyramid import halve, level_shapes

    if not isinstance(image, np.ndarray):
        stack = open_frames(str(output))
        levels = [level if image.ndim == 3 else level[0] for level in stack.levels]
        return levels if len(levels) > 1 else levels[0]
    shapes = level_shapes(image.shape[-2], image.shape[-1])
    if max(image.shape[-2:]) <= pyramid_px or len(shapes) == 1:
        return image
    levels = [image]
    for done, _ in enumerate(shapes[1:], start=1):
        last = levels[-1]
        levels.append(halve(last) if last.ndim == 2 else np.stack([halve(frame) for frame in last]))
        monitor.step(done, len(shapes) - 1, "making smaller copies for the viewer")
    return levels


def plan(order: Order) -> list[range]:
    """Return the frames of each burst of a run."""
    from napari_emrestore.pipeline.windows import plan_windows

    return plan_windows(len(order.stack), (1, 32), order.settings)


def _job_of_mean(order: Order, count: int) -> Job:
    """Return a job that aligns like the order's and needs no model."""
    from napari_emrestore.pipeline.windows import Job
    from napari_emrestore.restoration.classical import load_classical

    settings = replace(order.settings, frames=count, model="mean")
    return Job.of(order.stack, load_classical("mean"), settings, order.truth)
