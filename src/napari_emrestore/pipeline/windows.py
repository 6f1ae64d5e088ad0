"""One burst on its way: which frames, registered onto which, restored, scored."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.core import Burst, FrameVerdict, InputError, IntensityMap
from napari_emrestore.pipeline.canvas import in_blocks
from napari_emrestore.pipeline.scores import Score, Truth, score
from napari_emrestore.pipeline.settings import USUAL_BURST, RunSettings

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_emrestore.core import Monitor, RegisteredBurst, Restoration, Restorer
    from napari_emrestore.io import FrameStack
    from napari_emrestore.metrics import NoiseModel
    from napari_emrestore.pipeline.settings import Reference

_SAMPLED_PIXELS = 1 << 22

Views = dict[str, "NDArray[Any]"]
Room = Callable[[tuple[int, ...], tuple[int, int]], Any]


def _no_room(shape: tuple[int, ...], origin_px: tuple[int, int]) -> None:
    """Give no array, so that the restoration makes its own."""


@dataclass(frozen=True, slots=True)
class WindowReport:
    """What happened to one burst.

    Attributes
    ----------
    frames : tuple of int
        Positions of its frames in the input.
    reference : int
        Position in the input of the frame the others were brought onto.
    origin_px : tuple of int
        ``(y, x)`` of the restoration's first pixel in the reference frame.
    shape : tuple of int
        ``(Y, X)`` of the restoration.
    verdicts : tuple of FrameVerdict
        What triage found, one per frame; empty if nothing was registered.
    scores : tuple of Score
        Single frame, mean of the burst and restoration against the ground truth; empty without one.
    seconds : float
        Wall time.
    notes : tuple of str
        What a reader must know to judge it.
    """

    frames: tuple[int, ...]
    reference: int
    origin_px: tuple[int, int]
    shape: tuple[int, int]
    verdicts: tuple[FrameVerdict, ...]
    scores: tuple[Score, ...]
    seconds: float
    notes: tuple[str, ...]

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> WindowReport:
        """Return the report that was written down as plain JSON."""
        height, width = record["shape"]
        top, left = record["origin_px"]
        return cls(
            tuple(record["frames"]),
            int(record["reference"]),
            (int(top), int(left)),
            (int(height), int(width)),
            tuple(_verdict(verdict) for verdict in record["verdicts"]),
            tuple(Score(**score) for score in record["scores"]),
            float(record["seconds"]),
            tuple(record["notes"]),
        )


def _verdict(record: Mapping[str, Any]) -> FrameVerdict:
    return FrameVerdict(**{**record, "shift_px": tuple(record["shift_px"])})


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """What all bursts of a run share.

    Attributes
    ----------
    stack : FrameStack
        The open input.
    restorer : Restorer
        Loaded.
    settings : RunSettings
        As they came.
    ranges : list of range
        Frames of each burst.
    truth : Truth, optional
        The ground truth.
    intensity : IntensityMap, optional
        One for all bursts, so that brightness does not jump; ``None`` for a single burst.
    noise : NoiseModel, optional
        Of what the restorer is given, from a camera's calibration; ``None`` measures it on each input.
    """

    stack: FrameStack
    restorer: Restorer
    settings: RunSettings
    ranges: list[range]
    truth: Truth | None
    intensity: IntensityMap | None
    noise: NoiseModel | None = None

    @classmethod
    def of(
        cls, stack: FrameStack, restorer: Restorer, settings: RunSettings, truth: Any | None = None
    ) -> Job:
        """Return the job of restoring an open input; refuses what cannot be done before anything is.

        `truth` is the ground truth ``(Y, X)`` or ``(N, Y, X)``; ``None`` reads the one that `settings` name.
        """
        ranges = plan_windows(len(stack), restorer.frames, settings)
        known = (settings, len(stack), stack.frame_shape)
        truth = Truth.open(*known) if truth is None else Truth.fit(np.asarray(truth), *known)
        intensity = _stack_intensity(stack.data) if len(ranges) > 1 else None
        merged = len(ranges[0]) if restorer.frames[1] == 1 else 1
        return cls(stack, restorer, settings, ranges, truth, intensity, _calibrated_noise(settings, merged))

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader must know before anything was restored."""
        left_out = len(self.stack) - self.ranges[-1].stop
        return (f"the last {left_out} frame(s) fill no burst and were left out",) if left_out else ()

    @property
    def result_shape(self) -> tuple[int, ...]:
        """``(W, Y, X)`` for W bursts, ``(Y, X)`` for one; one burst of several frames is cropped further."""
        return (*([len(self.ranges)] if len(self.ranges) > 1 else []), *self.stack.frame_shape)


def plan_windows(count: int, taken: tuple[int, int], settings: RunSettings) -> list[range]:
    """Return the frames of each burst of an input of `count` frames.

    Parameters
    ----------
    count : int
        Frames in the input.
    taken : tuple of int
        Fewest and most frames the restorer takes; one that takes single frames gets merged bursts.
    settings : RunSettings
        Length and order of the bursts.

    Raises
    ------
    InputError
        If the input or the restorer cannot give or take such a burst.
    """
    from napari_emrestore.bursts import windows

    fewest, most = taken
    length = settings.frames or max(fewest, min(USUAL_BURST, most, count))
    if length > count:
        raise InputError(
            f"A burst of {length} frames needs as many in the input",
            item=settings.input,
            came=f"holds {count}",
            remedy="Ask for fewer frames.",
        )
    if length < fewest or (most > 1 and length > most):
        raise InputError(
            f"The model {settings.model} takes {fewest} to {most} frames",
            came=f"a burst of {length} came",
            remedy="Change the number of frames, or pick another model.",
        )
    if length == 1 and (settings.use or settings.skip):
        raise InputError(
            "Frames are used or skipped within bursts of several",
            came="bursts of one frame came",
            remedy="Ask for longer bursts, or crop the stack.",
        )
    return windows(count, length, settings.window)


def _stack_intensity(data: Any) -> IntensityMap:
    """Return one intensity map for a whole stack ``(N, Y, X)``, from an even choice of its frames."""
    count, height, width = data.shape
    step = max(1, -(-count * height * width // _SAMPLED_PIXELS))
    return IntensityMap.from_signal(np.asarray(data[::step]))


def _calibrated_noise(settings: RunSettings, merged: int) -> NoiseModel | None:
    """Return the noise of the mean of `merged` frames of the camera that settings name."""
    if settings.noise is None:
        return None
    from napari_emrestore.restoration.calibration import find_calibration, noise_of_mean

    if merged > 1 and settings.merge != "mean":
        raise InputError(
            "A camera's calibration tells the noise of frames and of their mean",
            came=f"frames are merged by {settings.merge}",
            remedy="Merge by the mean, or leave the calibration out.",
        )
    return noise_of_mean(find_calibration(settings.noise).noise, merged)


def restore_window(
    job: Job, frames: range, *, room: Room = _no_room, error_room: Room = _no_room, monitor: Monitor
) -> tuple[Restoration, WindowReport, Views]:
    """Return the restoration of some frames of a stack, what happened on the way, and what to look at.

    Parameters
    ----------
    job : Job
        What is to be done.
    frames : range
        Positions in the input.
    room : callable
        Asked once with the shape and origin of the result; gives the array it goes to, as for `restore`, or
        ``None``.
    error_room : callable
        What `room` is for the image, for the expected error, where it is asked for.
    monitor : Monitor
        Told about frames and tiles.
    """
    started = time.perf_counter()
    ready, reference, notes = bring_together(job, frames, monitor)
    restored = _restore(job, ready, reference, (room, error_room), monitor)
    field = job.truth.of(reference) if job.truth else None
    # a result that streams to disk may be larger than memory, and nobody looks at it in one piece
    in_memory = isinstance(restored.image, np.ndarray)
    views = _views(job, ready, reference, restored) if in_memory or field is not None else {}
    scores: tuple[Score, ...] = ()
    if field is not None:
        field = _cut(field, restored.origin_px, restored.image.shape)
        scores = score(views, field)
        views = {**views, "ground truth": field}
    height, width = restored.image.shape
    report = WindowReport(
        frames=tuple(frames),
        reference=reference,
        origin_px=restored.origin_px,
        shape=(height, width),
        verdicts=ready.verdicts if ready and job.settings.kind else (),
        scores=scores,
        seconds=time.perf_counter() - started,
        notes=(*notes, *restored.provenance.notes),
    )
    return restored, report, views


def _restore(
    job: Job, ready: RegisteredBurst | None, reference: int, rooms: tuple[Room, Room], monitor: Monitor
) -> Restoration:
    """Return the restoration of a burst, of its merge for a restorer of single frames, or of one frame."""
    from napari_emrestore.restoration import restore

    origin = ready.origin_px if ready else (0, 0)
    shape = job.stack.frame_shape if ready is None else ready.aligned.shape[1:]
    wanted = job.settings.expected_error
    restored = restore(
        what_is_restored(job, ready, reference),
        job.restorer,
        tile=job.settings.tile,
        intensity=job.intensity,
        noise=job.noise,
        out=rooms[0](shape, origin),
        expected_error=wanted,
        error_out=rooms[1](shape, origin) if wanted else None,
        in_blocks=in_blocks(job),
        monitor=monitor,
    )
    return replace(restored, origin_px=origin, acquisition=job.stack.acquisition)


def what_is_restored(job: Job, ready: RegisteredBurst | None, reference: int) -> Any:
    """Return what the restorer is given: a registered burst, its merge, or the one frame."""
    from napari_emrestore.bursts import merge

    if ready is None:
        return job.stack.data[reference]
    return ready if job.restorer.frames[1] > 1 else merge(ready, job.settings.merge)


def bring_together(
    job: Job, frames: range, monitor: Monitor
) -> tuple[RegisteredBurst | None, int, tuple[str, ...]]:
    """Return a burst on one grid, the position of its reference in the input, and what to know about it.

    A burst of one frame needs no grid and is ``None``.
    """
    if len(frames) == 1:
        return None, frames.start, ()
    pixels = np.asarray(job.stack.data[frames.start : frames.stop])
    burst = Burst(pixels, job.stack.acquisition, tuple(frames))
    reference, notes = _choose_reference(job, frames)
    ready = _register(job.settings, burst, reference, frames, monitor)
    if job.settings.kind is None:
        notes = (*notes, "frames were taken as aligned and none was examined")
    return ready, frames[ready.reference], notes


def _register(
    settings: RunSettings, burst: Burst, reference: Reference, frames: range, monitor: Monitor
) -> RegisteredBurst:
    from napari_emrestore.bursts import as_aligned, register

    decisions = settings.decisions(frames)
    if settings.kind is None:
        return as_aligned(burst, reference=reference, overrides=decisions)
    return register(burst, kind=settings.kind, reference=reference, overrides=decisions, monitor=monitor)


def _choose_reference(job: Job, frames: range) -> tuple[Reference, tuple[str, ...]]:
    """Return the reference to ask for: the frame of the ground truth where only one has it."""
    given = job.truth.within(frames) if job.truth else None
    if given is None:
        return job.settings.reference, ()
    note = f"frame {given} is the reference because the ground truth belongs to it"
    return given - frames.start, (note,)


def _views(job: Job, ready: RegisteredBurst | None, reference: int, restored: Restoration) -> Views:
    """Return the reference frame, the mean of the burst and the restoration, of one and the same area."""
    from napari_emrestore.bursts import merge

    image = np.asarray(restored.image)
    if ready is None:
        return {"single frame": np.asarray(job.stack.data[reference]), "restored": image}
    single = _cut(ready.burst.frames[ready.reference], ready.origin_px, image.shape)
    return {"single frame": single, "burst mean": merge(ready, "mean"), "restored": image}


def _cut(image: NDArray[Any], origin_px: tuple[int, int], shape: tuple[int, ...]) -> NDArray[Any]:
    (top, left), (height, width) = origin_px, shape
    return image[top : top + height, left : left + width]
