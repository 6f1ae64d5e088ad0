"""One run from file to file: open, cut into windows, register, restore, measure, write."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_emrestore.core import SILENT, Acquisition, ModelError, Provenance, Restoration
from napari_emrestore.pipeline.canvas import (
    canvas_for,
    check_output,
    error_canvas_for,
    error_output,
    reopened,
    streams,
)
from napari_emrestore.pipeline.identity import of_file, of_stack, run_key
from napari_emrestore.pipeline.plain_json import plain
from napari_emrestore.pipeline.settings import USUAL_BURST
from napari_emrestore.pipeline.windows import Job, restore_window

if TYPE_CHECKING:
    from napari_emrestore.core import ModelCard, Monitor, Restorer
    from napari_emrestore.io import FrameStack
    from napari_emrestore.pipeline.canvas import Canvas
    from napari_emrestore.pipeline.settings import RunSettings
    from napari_emrestore.pipeline.windows import Room, Views, WindowReport


EXPECTED_ERROR = (
    "values are the standard deviation that the model expects of each pixel's error, in the units of the "
    "image: inferred, not measured, and worth nothing for structures unlike those it was trained on"
)


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """What a run gave.

    Attributes
    ----------
    settings : RunSettings
        As they came.
    restoration : Restoration
        The restored image ``(Y, X)``, cropped to the area all frames of its burst share; or, for several
        bursts, a stack ``(W, Y, X)`` on the frame grid, not-a-number outside that area.
    windows : tuple of WindowReport
        One per burst, in order.
    views : mapping of str to ndarray, shape (Y, X)
        To look at beside each other: reference frame, mean, restoration and, if given, ground truth of the
        first burst that has one, or else of the first burst. Empty where a single frame went to a Zarr
        image piece by piece.
    output : Path, optional
        The file written; the expected error lies beside it, see `error_output`.
    seconds : float
        Wall time from opening to the last byte written.
    """

    settings: RunSettings
    restoration: Restoration
    windows: tuple[WindowReport, ...]
    views: Views
    output: Path | None
    seconds: float

    @property
    def error_output(self) -> Path | None:
        """The file that the expected error was written to, if one was."""
        told = self.settings.expected_error and self.output is not None
        return error_output(self.output) if told and self.output is not None else None

    def to_record(self) -> dict[str, Any]:
        """Return everything but the pixels as plain JSON values."""
        return {
            "settings": plain(self.settings),
            "output": plain(self.output),
            "error_output": plain(self.error_output),
            "shape": plain(self.restoration.image.shape),
            "windows": plain(self.windows),
            "provenance": plain(self.restoration.provenance),
            "seconds": self.seconds,
        }


def run(settings: RunSettings, *, monitor: Monitor = SILENT) -> Result:
    """Return the restoration of one input with its reports; write it if an output is named.

    Parameters
    ----------
    settings : RunSettings
        What to do.
    monitor : Monitor
        Stepped for every frame aligned and every tile restored; may stop the run, which then leaves no
        output behind.

    Raises
    ------
    InputError, FormatError
        If the input, the ground truth or a setting cannot be used.
    ModelError, DeviceError
        If the model cannot be loaded or does not run.
    RegistrationError
        If frames cannot be aligned.
    WriteError
        If the output cannot be written.
    Cancelled
        If the monitor stopped the run.
    """
    if settings.output is not None:
        check_output(settings.output)
    restorer = load(settings, model_of(settings), monitor)
    return execute(settings, restorer, inputs_of(settings), monitor)


def run_frames(
    stack: FrameStack,
    settings: RunSettings,
    *,
    truth: Any | None = None,
    restorer: Restorer | None = None,
    room: Room | None = None,
    monitor: Monitor = SILENT,
) -> Result:
    """Return what `run` returns, of frames that are open already, for example those of a layer.

    Parameters
    ----------
    stack : FrameStack
        The input; stays open.
    settings : RunSettings
        What to do; its `input` is only noted.
    truth : array, shape (Y, X) or (N, Y, X), optional
        Ground truth, instead of the file that `settings` may name.
    restorer : Restorer, optional
        The model of `settings` where it is loaded already.
    room : callable, optional
        Asked once with the shape of the result and the ``(y, x)`` of its first pixel in a frame; gives the
        float32 array that is filled tile by tile, for example to watch it. Not asked for a result that
        streams to Zarr.
    monitor : Monitor
        As for `run`.

    Raises
    ------
    EmRestoreError
        As for `run`.
    """
    if settings.output is not None:
        check_output(settings.output)
    ready = restorer or load(settings, choose_model(settings, len(stack)), monitor)
    inputs = [of_stack(stack)]
    if truth is not None:
        from napari_emrestore.io import FrameStack

        inputs.append(of_stack(FrameStack.from_array(truth, Acquisition("ground truth"))))
    elif settings.truth is not None:
        inputs.append(of_file(settings.truth))
    return _follow(stack, settings, ready, inputs, monitor, truth, room)


def execute(
    settings: RunSettings, restorer: Restorer, inputs: list[dict[str, Any]], monitor: Monitor
) -> Result:
    """Do what `run` promises, with a restorer that is loaded and inputs (`inputs_of`) that are known."""
    from napari_emrestore.io import open_frames

    with open_frames(settings.input) as stack:
        return _follow(stack, settings, restorer, inputs, monitor)


def inputs_of(settings: RunSettings) -> list[dict[str, Any]]:
    """Return name, path and hash of the input and of the ground truth that settings name."""
    return [of_file(path) for path in (settings.input, settings.truth) if path is not None]


def _follow(
    stack: FrameStack,
    settings: RunSettings,
    restorer: Restorer,
    inputs: list[dict[str, Any]],
    monitor: Monitor,
    truth: Any | None = None,
    room: Room | None = None,
) -> Result:
    """Follow the line from open frames to the file that was asked for."""
    started = time.perf_counter()
    job = Job.of(stack, restorer, settings, truth)
    with canvas_for(job, room) as canvas, error_canvas_for(job) as errors:
        restored, reports, views = _restore_all(job, canvas, errors, monitor)
        seconds = time.perf_counter() - started
        made_by = provenance_of_run(restored.provenance, job, inputs, reports, seconds)
        if streams(job):
            for one, record in ((canvas, made_by), (errors, provenance_of_error(made_by))):
                if one is not None and one.array is not None:
                    one.array.attrs["provenance"] = record.to_json()
    restored = _written(replace(restored, provenance=made_by), job, monitor)
    output = None if settings.output is None else Path(settings.output)
    return Result(settings, restored, tuple(reports), views, output, time.perf_counter() - started)


def _written(restored: Restoration, job: Job, monitor: Monitor) -> Restoration:
    """Return a restoration after it went to the files that were asked for; one that streamed is reopened."""
    from napari_emrestore.io import write_image

    output, errors = job.settings.output, restored.expected_error
    if output is None:
        return restored
    if streams(job):
        told = None if errors is None else reopened(error_output(output))
        return replace(restored, image=reopened(output), expected_error=told)
    about, made_by = restored.acquisition, restored.provenance
    if errors is not None:  # first, so that an image that is there has its error beside it
        write_image(error_output(output), errors, about, provenance_of_error(made_by), monitor=monitor)
    write_image(output, restored.image, about, made_by, monitor=monitor)
    return restored


def provenance_of_error(made_by: Provenance) -> Provenance:
    """Return the record of a restoration for its expected error, with a sentence on what that is."""
    return replace(made_by, notes=(*made_by.notes, EXPECTED_ERROR))


def model_of(settings: RunSettings) -> str:
    """Return the model to load for the input that settings name; see `choose_model`."""
    if settings.model != "auto":
        return settings.model
    from napari_emrestore.io import open_frames

    with open_frames(settings.input) as stack:
        return choose_model(settings, len(stack))


def choose_model(settings: RunSettings, count: int) -> str:
    """Return the model to load; ``"auto"`` becomes the one of the catalogue that fits the input best.

    A burst of several frames gets a model trained on bursts; a single frame gets one trained on single
    frames, or else a burst model that also knows single frames. Of several, the one trained on the widest
    range of doses.

    Parameters
    ----------
    settings : RunSettings
        What to do.
    count : int
        Frames in the input.

    Raises
    ------
    ModelError
        If the catalogue holds no such model with weights.
    """
    if settings.model != "auto":
        return settings.model
    from napari_emrestore.models import list_models

    wanted = settings.frames or min(count, USUAL_BURST)
    ready = [card for card in list_models() if card.is_ready and not card.is_shortened]
    fitting = [card for card in ready if _fits(card, wanted)]
    if fitting:
        return min(fitting, key=_narrowest_frames_widest_dose).id
    raise ModelError(
        f"A model for {wanted} frame(s) is needed",
        came="the catalogue holds none with weights",
        remedy="Name a classical method, for example --model mean.",
    )


def _fits(card: ModelCard, frames: int) -> bool:
    fewest, most = card.trained.frames
    return fewest <= frames and (frames == 1 or most > 1)


def _narrowest_frames_widest_dose(card: ModelCard) -> tuple[int, float]:
    low, high = card.trained.dose_e or (1.0, 1.0)
    return card.trained.frames[1], -high / low


def load(settings: RunSettings, model: str, monitor: Monitor = SILENT) -> Restorer:
    """Return the restorer of a model on the device that `settings` name."""
    from napari_emrestore.restoration import load_restorer

    return load_restorer(model, device=settings.device, precision=settings.precision, monitor=monitor)


def _restore_all(
    job: Job, canvas: Canvas, errors: Canvas | None, monitor: Monitor
) -> tuple[Restoration, list[WindowReport], Views]:
    """Return the image of the only burst, or the stack of all of them on the frame grid."""
    reports: list[WindowReport] = []
    views: Views = {}
    for position, frames in enumerate(job.ranges):
        rooms = [partial((one or canvas).room_for, position) for one in (canvas, errors)]
        restored, report, seen = restore_window(
            job, frames, room=rooms[0], error_room=rooms[1], monitor=monitor
        )
        canvas.lay(position, restored.image, report.origin_px)
        if errors is not None:
            errors.lay(position, restored.expected_error, report.origin_px)
        if not views or (report.scores and not any(earlier.scores for earlier in reports)):
            views = seen
        reports.append(report)
        monitor.step(position + 1, len(job.ranges), "restoring bursts")
    if canvas.several:
        told = None if errors is None else errors.array
        restored = replace(restored, image=canvas.array, origin_px=(0, 0), expected_error=told)
    return restored, reports, views


def provenance_of_run(
    made_by: Provenance,
    job: Job,
    inputs: list[dict[str, Any]],
    reports: list[WindowReport],
    seconds: float,
) -> Provenance:
    """Return a restorer's record widened to the whole run.

    Parameters
    ----------
    made_by : Provenance
        Of the restoration alone.
    job : Job
        What was done.
    inputs : list of dict
        Of `inputs_of`.
    reports : list of WindowReport
        One per burst.
    seconds : float
        Of the whole run.
    """
    notes = dict.fromkeys([*job.notes, *(note for report in reports for note in report.notes)])
    return replace(
        made_by,
        tool="run",
        inputs=tuple(inputs),
        settings={
            **made_by.settings,
            "run": plain(job.settings),
            "run_key": run_key(job.settings, job.restorer, inputs),
            "windows": plain(reports),
        },
        seconds=seconds,
        notes=tuple(notes),
    )
