"""A run that is shared out: planned here, made by a crew, finished here."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_emrestore.core import SILENT, Provenance, Restoration
from napari_emrestore.pipeline.canvas import check_output, chunk_px, in_blocks, reopened
from napari_emrestore.pipeline.identity import run_key
from napari_emrestore.pipeline.line import Result, inputs_of, load, model_of, provenance_of_run
from napari_emrestore.pipeline.plain_json import plain
from napari_emrestore.pipeline.spreading.crews import open_crew
from napari_emrestore.pipeline.spreading.pieces import check_spreadable, list_pieces
from napari_emrestore.pipeline.spreading.places import let_go, model_facts
from napari_emrestore.pipeline.spreading.sharing import share_out
from napari_emrestore.pipeline.spreading.working import Look, Order, Task, make_piece
from napari_emrestore.pipeline.windows import Job, WindowReport

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from napari_emrestore.core import Monitor
    from napari_emrestore.io.zarr_resuming import Unfinished
    from napari_emrestore.pipeline.settings import RunSettings
    from napari_emrestore.pipeline.spreading.crews import Crew
    from napari_emrestore.pipeline.spreading.pieces import Piece
    from napari_emrestore.pipeline.spreading.working import Done
    from napari_emrestore.restoration.inputs import Inputs


def run_spread(settings: RunSettings, scheduler: str, *, monitor: Monitor = SILENT) -> Result:
    """Return what `run` returns, made in pieces by threads or by a dask cluster.

    A job that was stopped, or whose cluster died, goes on from its finished pieces when it is called again
    with the same input, settings and model.

    Parameters
    ----------
    settings : RunSettings
        What to do; `output` ends in ``.zarr``. Device and precision are meant for the workers.
    scheduler : str
        ``"threads"``, ``"threads:4"`` or the address of a dask scheduler; see `open_crew`.
    monitor : Monitor
        Stepped for every piece; may stop the run, which keeps its finished pieces.

    Raises
    ------
    InputError
        If the run cannot be shared out, or workers do not see its files.
    MissingPackageError, DeviceError
        If no scheduler or worker answers, runs other software, or the cluster dies.
    EmRestoreError
        As `run`.
    """
    from napari_emrestore.io import open_frames
    from napari_emrestore.io.zarr_resuming import resumable_zarr

    started = time.perf_counter()
    check_output(str(settings.output))
    check_spreadable(settings)
    settings = replace(settings, model=model_of(settings))
    # the model is loaded here for its rules only; it works where the workers are
    restorer = load(replace(settings, device="cpu", precision="auto"), settings.model)
    with open_frames(settings.input) as stack:
        share = _Share(Job.of(stack, restorer, settings))
        target = resumable_zarr(
            str(settings.output),
            share.job.result_shape,
            stack.acquisition,
            share.made_of,
            chunk_px=chunk_px(share.job),
            monitor=monitor,
        )
        with open_crew(scheduler) as crew, target as image:
            before = len(image.finished)
            share.out(crew, image, monitor)
            reports = share.reports(image.finished)
            seconds = time.perf_counter() - started
            image.provenance = share.provenance(image.finished, reports, before, seconds)
        result = Restoration(reopened(settings.output), stack.acquisition, image.provenance)
    return Result(settings, result, reports, {}, Path(str(settings.output)), time.perf_counter() - started)


class _Share:
    """A job, planned to be shared out.

    Parameters
    ----------
    job : Job
        With a restorer that is only asked for its rules.
    """

    def __init__(self, job: Job) -> None:
        from napari_emrestore.restoration.blocks import blocks_of

        self.job = job
        self._inputs = inputs_of(job.settings)
        tile = job.settings.tile
        self._plan = blocks_of(self._frame(0), job.restorer, tile) if in_blocks(job) else None
        self._pieces = list_pieces(job.ranges, self._plan)
        self._looks: dict[int, Look] = {}  # of the newest frame only

    @property
    def made_of(self) -> dict[str, Any]:
        """Everything that the pixels depend on."""
        key = run_key(self.job.settings, self.job.restorer, self._inputs)
        return {**key, "plan": None if self._plan is None else self._plan.describe(), "noise": self._noise}

    @property
    def _noise(self) -> dict[str, float] | None:
        """The calibration that settings name, in numbers: the file of that name may change."""
        return None if self.job.noise is None else asdict(self.job.noise)

    def out(self, crew: Crew, image: Unfinished, monitor: Monitor) -> None:
        """Have a crew make the pieces that are not finished."""
        settings = self.job.settings
        crew.check([Path(settings.input).resolve(), image.folder.resolve() / "0" / "zarr.json"])
        order = Order(
            replace(settings, input=str(Path(settings.input).resolve()), model=_full(settings.model)),
            model_facts(self.job.restorer),
            str(image.folder.resolve() / "0"),
            self.job.intensity,
            self.job.noise,
        )
        todo = [piece for piece in self._pieces if piece.number not in image.finished]
        try:
            share_out(
                crew,
                make_piece,
                self._tasks(order, todo),
                partial(_note, image),
                done=len(image.finished),
                total=len(self._pieces),
                monitor=monitor,
                what="restoring pieces",
            )
        finally:
            let_go(order)

    def reports(self, finished: Mapping[int, Mapping[str, Any]]) -> tuple[WindowReport, ...]:
        """Return one report per burst from what was noted about its pieces."""
        by_burst: dict[int, list[Mapping[str, Any]]] = {}
        for piece in self._pieces:
            by_burst.setdefault(piece.position, []).append(finished[piece.number])
        return tuple(self._report(position, facts) for position, facts in by_burst.items())

    def provenance(
        self,
        finished: Mapping[int, Mapping[str, Any]],
        reports: Sequence[WindowReport],
        before: int,
        seconds: float,
    ) -> Provenance:
        """Return the record of the whole run, with who made how much of it."""
        from napari_emrestore.restoration.run import versions_of

        job = self.job
        devices = sorted({str(facts["device"]) for facts in finished.values()})
        precisions = sorted({str(facts["precision"]) for facts in finished.values()})
        notes = [f"{before} of {len(finished)} pieces were finished by an earlier start"] if before else []
        if len(devices) > 1 or len(precisions) > 1:
            notes.append("pieces were made on unlike devices, so their last digits may differ")
        look = self._look(0) if self._plan is not None and len(job.ranges) == 1 else None
        mapping = job.intensity if look is None else look.intensity
        settings: dict[str, Any] = {
            "tile": None if self._plan is None else {**self._plan.describe(), "asked": job.settings.tile},
            "intensity": None if mapping is None else asdict(mapping),
            "noise": None if look is None or look.noise is None else asdict(look.noise),
            "frames": len(job.ranges[0]),
            "precision": ", ".join(precisions),
            "workers": _workers(finished),
        }
        made_by = Provenance(
            tool="restore",
            model={**job.restorer.describe(), "precision": ", ".join(precisions)},
            inputs=(),
            settings=settings,
            device=", ".join(devices),
            versions=versions_of(job.restorer),
            seconds=seconds,
        )
        record = provenance_of_run(made_by, job, self._inputs, list(reports), seconds)
        return replace(record, notes=(*record.notes, *notes))

    def _tasks(self, order: Order, todo: Sequence[Piece]) -> Iterator[Task]:
        for piece in todo:
            yield Task(order, piece, None if piece.window is None else self._look(piece.position))

    def _look(self, position: int) -> Look:
        """Return grey values and noise of a frame, measured as `restore` measures them."""
        from napari_emrestore.restoration.intensity import measure_intensity
        from napari_emrestore.restoration.run import with_noise

        if position not in self._looks:
            inputs = self._frame(position)
            mapping = self.job.intensity or measure_intensity(inputs)
            _, noise = with_noise(self.job.restorer, inputs, mapping, self.job.noise)
            self._looks = {position: Look(mapping, noise)}
        return self._looks[position]

    def _frame(self, position: int) -> Inputs:
        from napari_emrestore.restoration.inputs import gather

        inputs = gather(self.job.stack.data[self.job.ranges[position].start], self.job.restorer)
        return replace(inputs, acquisition=self.job.stack.acquisition)

    def _report(self, position: int, made: Sequence[Mapping[str, Any]]) -> WindowReport:
        from napari_emrestore.restoration.run import notes_on

        if made[0]["report"] is not None:
            return WindowReport.from_record(made[0]["report"])
        missing, broken = (sum(int(facts[name]) for facts in made) for name in ("missing_px", "broken_px"))
        frame = self.job.ranges[position].start
        notes = notes_on(self._frame(position), self.job.restorer, missing, broken, self.job.noise)
        seconds = sum(float(facts["seconds"]) for facts in made)
        return WindowReport(
            (frame,), frame, (0, 0), self.job.stack.frame_shape, (), (), seconds, tuple(notes)
        )


def _note(image: Unfinished, done: Done) -> None:
    facts = plain(done)
    image.note(facts.pop("number"), facts)


def _workers(finished: Mapping[int, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return, for each process that took part, its device and how many pieces it made."""
    counts = Counter((str(facts["process"]), str(facts["device"])) for facts in finished.values())
    return {process: {"device": device, "pieces": n} for (process, device), n in sorted(counts.items())}


def _full(model: str) -> str:
    """Return a model's file as a full path; an id as it is."""
    path = Path(model)
    return str(path.resolve()) if path.exists() else model
