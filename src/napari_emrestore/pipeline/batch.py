"""Many runs in a row: what cannot be read is skipped and reported, what is done is not done again."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from napari_emrestore.core import SILENT, InputError, RegistrationError, WriteError
from napari_emrestore.pipeline.canvas import check_output, error_output
from napari_emrestore.pipeline.identity import run_key
from napari_emrestore.pipeline.line import execute, inputs_of, load, model_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from napari_emrestore.core import Monitor, Restorer
    from napari_emrestore.pipeline.settings import RunSettings

_SUFFIX = "_restored.ome.tif"


@dataclass(frozen=True, slots=True)
class BatchRow:
    """What became of one run of a batch.

    Attributes
    ----------
    settings : RunSettings
        As they came.
    outcome : {"restored", "already there", "failed"}
        ``"already there"``: the output was made by an earlier run with the same input and settings.
    reason : str
        Why it failed; empty otherwise.
    seconds : float
        Wall time spent on it.
    """

    settings: RunSettings
    outcome: Literal["restored", "already there", "failed"]
    reason: str
    seconds: float


def list_inputs(named: Sequence[str], *, each: bool) -> list[Path]:
    """Return the inputs of a batch in order.

    Parameters
    ----------
    named : sequence of str
        Files and folders.
    each : bool
        Whether a folder stands for what lies in it, one input each (see `io.find_inputs`), instead of
        being one stack of frames.

    Raises
    ------
    InputError
        If a folder holds no image.
    """
    from napari_emrestore.io import find_inputs

    if not each:
        return [Path(name) for name in named]
    return [found for name in named for found in find_inputs(name)]


def name_output(source: Path, folder: Path) -> Path:
    """Return the file in `folder` that the restoration of `source` goes to."""
    stem = source.name if source.is_dir() else source.name.split(".")[0]
    return folder / f"{stem}{_SUFFIX}"


def run_batch(jobs: Sequence[RunSettings], *, monitor: Monitor = SILENT) -> tuple[BatchRow, ...]:
    """Run every job and return one row per job, in order.

    A job whose input cannot be read or aligned is reported in its row and the next one starts; a model or
    device that does not work ends the batch. A job whose output exists and was made from the
    same bytes with the same settings and model is not run again, so an interrupted batch is taken up
    where it stopped.

    Parameters
    ----------
    jobs : sequence of RunSettings
        Each with its own output.
    monitor : Monitor
        Stepped once per job and by the jobs themselves.

    Raises
    ------
    InputError
        If two jobs share an output, or one cannot be written.
    ModelError, DeviceError
        If a model cannot be loaded or does not run.
    Cancelled
        If the monitor stopped the batch; finished outputs stay.
    """
    _refuse_shared_outputs(jobs)
    for output in (job.output for job in jobs if job.output is not None):
        check_output(output)
    loaded: dict[tuple[str, str, str], Restorer] = {}
    rows = []
    for position, job in enumerate(jobs):
        rows.append(_run_one(job, loaded, monitor))
        monitor.step(position + 1, len(jobs), "restoring files")
    return tuple(rows)


def _refuse_shared_outputs(jobs: Sequence[RunSettings]) -> None:
    owners: dict[str | None, str] = {}
    for job in jobs:
        if job.output in owners:
            raise InputError(
                "Each input of a batch needs an output of its own",
                item=f"{owners[job.output]} and {job.input}",
                came=f"share {job.output}",
                remedy="Rename one of them, or run them into two folders.",
            )
        owners[job.output] = job.input


def _run_one(job: RunSettings, loaded: dict[tuple[str, str, str], Restorer], monitor: Monitor) -> BatchRow:
    started = time.perf_counter()
    try:
        model = model_of(job)
        place = (model, job.device, job.precision)
        restorer = loaded.get(place) or loaded.setdefault(place, load(job, model, monitor))
        inputs = inputs_of(job)
        if job.output and _is_done(job, run_key(job, restorer, inputs)):
            return BatchRow(job, "already there", "", time.perf_counter() - started)
        execute(job, restorer, inputs, monitor)
    except (InputError, RegistrationError, WriteError) as error:
        return BatchRow(job, "failed", str(error), time.perf_counter() - started)
    return BatchRow(job, "restored", "", time.perf_counter() - started)


def _is_done(job: RunSettings, key: Mapping[str, Any]) -> bool:
    """Return whether a run with this key wrote all that a job is to write."""
    paths = [Path(str(job.output))]
    if job.expected_error:
        paths.append(error_output(paths[0]))
    return all(_holds_same_run(path, key) for path in paths)


def _holds_same_run(path: Path, key: Mapping[str, Any]) -> bool:
    """Return whether a run with this key wrote `path`; a missing or damaged file counts as no."""
    from napari_emrestore.io import read_provenance

    try:
        provenance = read_provenance(path)
    except InputError:
        return False
    return provenance is not None and provenance.settings.get("run_key") == key
