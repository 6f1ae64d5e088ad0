"""One burst on its way: which frames, registered onto which, restored, scored."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.core import Burst, InputError, IntensityMap, RegisteredBurst, Warp
from napari_emrestore.pipeline.scores import Score, Truth, score
from napari_emrestore.pipeline.settings import USUAL_BURST, RunSettings

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_emrestore.core import FrameVerdict, Monitor, Restoration, Restorer
    from napari_emrestore.io import FrameStack
    from napari_emrestore.pipeline.settings import Reference

_SAMPLED_PIXELS = 1 << 22

Views = dict[str, "NDArray[Any]"]


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
    """

    stack: FrameStack
    restorer: Restorer
    settings: RunSettings
    ranges: list[range]
    truth: Truth | None
    intensity: IntensityMap | None

    @classmethod
    def of(cls, stack: FrameStack, restorer: Restorer, settings: RunSettings) -> Job:
        """Return the job of restoring an open input; refuses what cannot be done before anything is."""
        ranges = _plan_windows(len(stack), restorer.frames, settings)
        truth = Truth.open(settings, len(stack), stack.frame_shape)
        intensity = _stack_intensity(stack.data) if len(ranges) > 1 else None
        return cls(stack, restorer, settings, ranges, truth, intensity)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader must know before anything was restored."""
        left_out = len(self.stack) - self.ranges[-1].stop
        return (f"the last {left_out} frame(s) fill no burst and were left out",) if left_out else ()

    @property
    def result_shape(self) -> tuple[int, ...]:
        """``(W, Y, X)`` for W bursts, ``(Y, X)`` for one; one burst of several frames is cropped further."""
        return (*([len(self.ranges)] if len(self.ranges) > 1 else []), *self.stack.frame_shape)


def _plan_windows(count: int, taken: tuple[int, int], settings: RunSettings) -> list[range]:
    """Return the frames of each burst, or refuse a burst that input or restorer cannot give or take."""
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
    return windows(count, length, settings.window)


def _stack_intensity(data: Any) -> IntensityMap:
    """Return one intensity map for a whole stack ``(N, Y, X)``, from an even choice of its frames."""
    count, height, width = data.shape
    step = max(1, -(-count * height * width // _SAMPLED_PIXELS))
    return IntensityMap.from_signal(np.asarray(data[::step]))


def restore_window(
    job: Job, frames: range, *, out: Any | None = None, monitor: Monitor
) -> tuple[Restoration, WindowReport, Views]:
    """Return the restoration of some frames of a stack, what happened on the way, and what to look at.

    Parameters
    ----------
    job : Job
        What is to be done.
    frames : range
        Positions in the input.
    out : array, optional
        For a single frame: where the result goes, as for `restore`.
    monitor : Monitor
        Told about frames and tiles.
    """
    started = time.perf_counter()
    ready: RegisteredBurst | None = None
    reference, notes = frames.start, tuple[str, ...]()
    if len(frames) > 1:
        ready, notes = _bring_together(job, frames, monitor)
        reference = frames[ready.reference]
    restored = _restore(job, ready, reference, out, monitor)
    field = job.truth.of(reference) if job.truth else None
    # a result that streams to disk may be larger than memory, and nobody looks at it in one piece
    views = {} if out is not None and field is None else _views(job, ready, reference, restored)
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
        verdicts=ready.verdicts if ready else (),
        scores=scores,
        seconds=time.perf_counter() - started,
        notes=(*notes, *restored.provenance.notes),
    )
    return restored, report, views


def _restore(
    job: Job, ready: RegisteredBurst | None, reference: int, out: Any | None, monitor: Monitor
) -> Restoration:
    """Return the restoration of a burst, of its merge for a restorer of single frames, or of one frame."""
    from napari_emrestore.bursts import merge
    from napari_emrestore.restoration import restore

    data: Any = job.stack.data[reference]
    if ready is not None:
        data = ready if job.restorer.frames[1] > 1 else merge(ready, job.settings.merge)
    restored = restore(
        data, job.restorer, tile=job.settings.tile, intensity=job.intensity, out=out, monitor=monitor
    )
    origin = ready.origin_px if ready else (0, 0)
    return replace(restored, origin_px=origin, acquisition=job.stack.acquisition)


def _bring_together(job: Job, frames: range, monitor: Monitor) -> tuple[RegisteredBurst, tuple[str, ...]]:
    """Return the burst on one grid, registered unless it is aligned already, and what to know about it."""
    from napari_emrestore.bursts import register

    pixels = np.asarray(job.stack.data[frames.start : frames.stop])
    burst = Burst(pixels, job.stack.acquisition, tuple(frames))
    reference, notes = _choose_reference(job, frames)
    if job.settings.kind is not None:
        return register(burst, kind=job.settings.kind, reference=reference, monitor=monitor), notes
    aligned = pixels.astype(np.float32)
    as_it_is = RegisteredBurst(
        burst=burst,
        warps=(Warp.identity(),) * len(burst),
        verdicts=(),
        reference=reference if isinstance(reference, int) else len(burst) // 2,
        aligned=aligned,
        valid=np.isfinite(aligned),
    )
    return as_it_is, (*notes, "frames were taken as aligned and none was examined")


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
