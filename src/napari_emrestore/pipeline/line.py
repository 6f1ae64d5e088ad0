"""One run from file to file: open, cut into windows, register, restore, measure, write."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.core import SILENT, ModelError, Provenance, Restoration
from napari_emrestore.pipeline.canvas import canvas_for, check_output, on_frame_grid, reopened, streams
from napari_emrestore.pipeline.plain_json import plain
from napari_emrestore.pipeline.settings import USUAL_BURST
from napari_emrestore.pipeline.windows import Job, restore_window

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_emrestore.core import ModelCard, Monitor, Restorer
    from napari_emrestore.pipeline.settings import RunSettings
    from napari_emrestore.pipeline.windows import Views, WindowReport

_UNHASHED = ("input", "output", "truth")


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
        The file written.
    seconds : float
        Wall time from opening to the last byte written.
    """

    settings: RunSettings
    restoration: Restoration
    windows: tuple[WindowReport, ...]
    views: Views
    output: Path | None
    seconds: float

    def to_record(self) -> dict[str, Any]:
        """Return everything but the pixels as plain JSON values."""
        return {
            "settings": plain(self.settings),
            "output": plain(self.output),
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
    restorer = load(settings, model_of(settings))
    return execute(settings, restorer, run_key(settings, restorer), monitor)


def execute(settings: RunSettings, restorer: Restorer, key: Mapping[str, Any], monitor: Monitor) -> Result:
    """Do what `run` promises, with a restorer that is loaded and a key (`run_key`) that is known."""
    from napari_emrestore.io import open_frames, write_image

    started = time.perf_counter()
    with open_frames(settings.input) as stack:
        job = Job.of(stack, restorer, settings)
        with canvas_for(job) as canvas:
            restored, reports, views = _restore_all(job, canvas, monitor)
            seconds = time.perf_counter() - started
            made_by = _provenance(restored.provenance, job, key, reports, seconds)
            if streams(job):
                canvas.attrs["provenance"] = made_by.to_json()
        restored = replace(restored, provenance=made_by)
        output = None if settings.output is None else Path(settings.output)
        if streams(job):
            restored = replace(restored, image=reopened(settings.output))
        elif output is not None:
            write_image(output, restored.image, restored.acquisition, made_by, monitor=monitor)
    return Result(settings, restored, tuple(reports), views, output, time.perf_counter() - started)


def model_of(settings: RunSettings) -> str:
    """Return the model to load; ``"auto"`` becomes the one of the catalogue that fits the input best.

    A burst of several frames gets a model trained on bursts; a single frame gets one trained on single
    frames, or else a burst model that also knows single frames. Of several, the one trained on the widest
    range of doses.

    Raises
    ------
    ModelError
        If the catalogue holds no such model with weights.
    """
    if settings.model != "auto":
        return settings.model
    from napari_emrestore.io import open_frames
    from napari_emrestore.models import list_models

    with open_frames(settings.input) as stack:
        wanted = settings.frames or min(len(stack), USUAL_BURST)
    fitting = [card for card in list_models() if card.weights is not None and _fits(card, wanted)]
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


def load(settings: RunSettings, model: str) -> Restorer:
    """Return the restorer of a model on the device that `settings` name."""
    from napari_emrestore.restoration import load_restorer

    return load_restorer(model, device=settings.device, precision=settings.precision)


def _restore_all(job: Job, canvas: Any, monitor: Monitor) -> tuple[Restoration, list[WindowReport], Views]:
    """Return the image of the only burst, or the stack of all of them on the frame grid."""
    several = len(job.ranges) > 1
    reports: list[WindowReport] = []
    views: Views = {}
    for position, frames in enumerate(job.ranges):
        restored, report, seen = restore_window(job, frames, out=None if several else canvas, monitor=monitor)
        if several:
            canvas[position] = on_frame_grid(
                np.asarray(restored.image), report.origin_px, job.stack.frame_shape
            )
        if not views or (report.scores and not any(earlier.scores for earlier in reports)):
            views = seen
        reports.append(report)
        monitor.step(position + 1, len(job.ranges), "restoring bursts")
    return (replace(restored, image=canvas, origin_px=(0, 0)) if several else restored), reports, views


def run_key(settings: RunSettings, restorer: Restorer) -> dict[str, Any]:
    """Return what identifies the outcome of a run: input bytes, settings, model and our version.

    Two runs with equal keys give the same pixels, so the second may be skipped.
    """
    from napari_emrestore import __version__
    from napari_emrestore.io import file_sha256

    facts = restorer.describe()
    key = {
        "version": __version__,
        "input_sha256": file_sha256(settings.input),
        "truth_sha256": settings.truth and file_sha256(settings.truth),
        "model": {name: facts.get(name) for name in ("id", "version", "weights_sha256")},
        "settings": {name: value for name, value in asdict(settings).items() if name not in _UNHASHED},
    }
    return {name: plain(value) for name, value in key.items()}


def _provenance(
    made_by: Provenance,
    job: Job,
    key: Mapping[str, Any],
    reports: list[WindowReport],
    seconds: float,
) -> Provenance:
    """Return the restorer's record widened to the whole run."""
    source = Path(job.settings.input)
    notes = dict.fromkeys([*job.notes, *(note for report in reports for note in report.notes)])
    return replace(
        made_by,
        tool="run",
        inputs=({"name": source.name, "path": str(source), "sha256": key["input_sha256"]},),
        settings={
            **made_by.settings,
            "run": plain(job.settings),
            "run_key": dict(key),
            "windows": plain(reports),
        },
        seconds=seconds,
        notes=tuple(notes),
    )
