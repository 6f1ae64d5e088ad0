"""One burst at hand: aligned once, then any part of it restored as the whole would be, and timed.

What a preview shows is what a run gives there: frames are aligned and intensities and noise are measured on
the whole field, and the part is restored with the halo its restorer needs.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.core import Burst, EmRestoreError, InputError, RegisteredBurst
from napari_emrestore.pipeline.windows import bring_together, what_is_restored

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_emrestore.core import Monitor, Provenance, Restorer
    from napari_emrestore.pipeline.windows import Job
    from napari_emrestore.restoration.plan import Rect

Field = tuple[int, int, int, int]
_SIDE_PX = 512
_BLENDED_RIM_PX = 64
_WARM_PX = 64


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A burst that is aligned, before it is restored.

    Attributes
    ----------
    frames : range
        Positions in the input.
    reference : int
        Position in the input of the frame the others were brought onto.
    ready : RegisteredBurst, optional
        ``None`` for a burst of one frame.
    seconds : float
        What aligning took.
    """

    frames: range
    reference: int
    ready: RegisteredBurst | None
    seconds: float

    @property
    def origin_px(self) -> tuple[int, int]:
        """``(y, x)`` in a frame of the first pixel that all frames share."""
        return self.ready.origin_px if self.ready else (0, 0)


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A restored part of the field.

    Attributes
    ----------
    image : ndarray, shape (y, x), float32
        Input units.
    mean : ndarray, shape (y, x), float32
        Mean of the aligned frames there.
    origin_px : tuple of int
        ``(y, x)`` of its first pixel in a frame.
    is_exact : bool
        Whether a run gives the same pixels; not so for methods that adapt to all they see.
    seconds : float
        What restoring took, model loaded.
    expected_seconds : float
        What the whole run takes at this speed, aligning included.
    provenance : Provenance
        What made it.
    """

    image: NDArray[np.float32]
    mean: NDArray[np.float32]
    origin_px: tuple[int, int]
    is_exact: bool
    seconds: float
    expected_seconds: float
    provenance: Provenance


def prepare(job: Job, frames: range, monitor: Monitor) -> Prepared:
    """Return a burst of a job, aligned as a run would; see `pipeline.windows.bring_together`."""
    started = time.perf_counter()
    ready, reference, _ = bring_together(job, frames, monitor)
    return Prepared(frames, reference, ready, time.perf_counter() - started)


def first_frames(prepared: Prepared, count: int) -> Prepared:
    """Return the burst of the first `count` frames that are used; the grid stays.

    Raises
    ------
    InputError
        If fewer are used.
    """
    ready = prepared.ready
    if ready is None or count > len(ready.aligned):
        raise InputError(
            f"A mean of {count} frames needs as many that are used",
            came=f"{1 if ready is None else len(ready.aligned)} came",
            remedy="Take back a rejection, or ask for fewer.",
        )
    fewer = replace(ready, aligned=ready.aligned[:count], valid=ready.valid[:count])
    return replace(prepared, ready=fewer)


def burst_at(ranges: list[range], frame: int) -> range:
    """Return the burst that holds an input frame; of several the one it is most in the middle of."""
    return min(ranges, key=lambda r: abs(frame - (r.start + r.stop - 1) / 2))


def central_part(
    field: Field, side_px: int | None = None, *, around_px: tuple[float, float] | None = None
) -> Field:
    """Return the part of a field ``(y0, y1, x0, x1)`` around a pixel, no larger than `side_px` a side.

    Without a pixel, or as far as it lies too near the rim, the part lies in the middle or at the rim. Without
    a side it is 512 px.
    """
    side = side_px or _SIDE_PX
    y, x = around_px or ((field[0] + field[1]) / 2, (field[2] + field[3]) / 2)
    return (*_around(y, field[0], field[1], side), *_around(x, field[2], field[3], side))


def restore_part(job: Job, prepared: Prepared, field: Field, monitor: Monitor) -> Part:
    """Return the restoration of a part of a prepared burst.

    Parameters
    ----------
    job : Job
        Whose restorer, tile and intensity map are used.
    prepared : Prepared
        The burst.
    field : tuple of int
        ``(y0, y1, x0, x1)`` in pixels of a frame.
    monitor : Monitor
        Told about windows.

    Raises
    ------
    InputError
        If the frames of the burst share nothing of the field.
    """
    from napari_emrestore.restoration import restore
    from napari_emrestore.restoration.budget import plan_for
    from napari_emrestore.restoration.inputs import gather
    from napari_emrestore.restoration.intensity import measure_intensity
    from napari_emrestore.restoration.noise import measure_noise

    data = what_is_restored(job, prepared.ready, prepared.reference)
    inputs = gather(data, job.restorer)
    keep = _within(field, prepared.origin_px, inputs.shape)
    read = _with_halo(keep, inputs.shape, job.restorer)
    piece = _cut(data, read)
    noise = job.noise
    if noise is None and getattr(job.restorer, "asks_for_noise", False):
        noise = measure_noise(inputs)
    intensity = job.intensity or measure_intensity(inputs)
    # also measures once what a network needs per pixel, which must not be timed
    plans = [
        plan_for(source, job.restorer, job.settings.tile) for source in (inputs, gather(piece, job.restorer))
    ]
    started = time.perf_counter()
    restored = restore(
        piece, job.restorer, tile=job.settings.tile, intensity=intensity, noise=noise, monitor=monitor
    )
    seconds = time.perf_counter() - started
    inner = keep.within(read).slices
    whole, part = (sum(w.read.shape[0] * w.read.shape[1] for w in plan.windows) for plan in plans)
    return Part(
        image=np.asarray(restored.image)[inner],
        mean=_mean(piece)[inner],
        origin_px=(keep.y0 + prepared.origin_px[0], keep.x0 + prepared.origin_px[1]),
        is_exact=job.restorer.tiling.mode == "exact" or read.shape == inputs.shape,
        seconds=seconds,
        expected_seconds=len(job.ranges) * (prepared.seconds + seconds * whole / part),
        provenance=restored.provenance,
    )


def warm_up(restorer: Restorer, frames: int = 1) -> None:
    """Let a restorer run once on `frames` frames of nothing: what its first run sets up is not timed."""
    side = max(restorer.tiling.stride, _WARM_PX)
    count = min(max(frames, restorer.frames[0]), restorer.frames[1])
    restorer.restore_window(np.zeros((count, side, side), np.float32))


def warm_up_alignment(job: Job, frames: range) -> None:
    """Align a corner of a burst for nothing, so that what the first alignment loads is not timed."""
    from napari_emrestore.bursts import register

    if len(frames) > 1 and job.settings.kind is not None:
        pixels = np.asarray(job.stack.data[frames.start : frames.stop, :_WARM_PX, :_WARM_PX])
        # the corner may be blank or share nothing, which is not what is asked here
        with suppress(EmRestoreError):
            register(Burst(pixels), kind=job.settings.kind)


def _around(centre: float, first: int, last: int, most: int) -> tuple[int, int]:
    side = min(most, last - first)
    start = min(max(int(centre - side / 2), first), last - side)
    return start, start + side


def _within(field: Field, origin_px: tuple[int, int], shape: tuple[int, int]) -> Rect:
    """Return the part of a field that a burst shows, in pixels of the burst."""
    from napari_emrestore.restoration.plan import Rect

    (top, left), (height, width) = origin_px, shape
    y0, y1 = max(field[0] - top, 0), min(field[1] - top, height)
    x0, x1 = max(field[2] - left, 0), min(field[3] - left, width)
    if y0 >= y1 or x0 >= x1:
        raise InputError(
            "A preview needs a part of the field that all frames of the burst show",
            came="they share nothing of what is visible",
            remedy="Move the view to the middle of the image.",
        )
    return Rect(y0, y1, x0, x1)


def _with_halo(keep: Rect, shape: tuple[int, int], restorer: Restorer) -> Rect:
    """Return what must be read to restore `keep` as in the whole: halos, on the restorer's grid."""
    from napari_emrestore.restoration.plan import Rect, round_up

    rule = restorer.tiling
    halo = round_up(rule.halo if rule.mode == "exact" else max(rule.halo, _BLENDED_RIM_PX), rule.stride)

    def span(first: int, last: int, length: int) -> tuple[int, int]:
        start = max(0, (first - halo) // rule.stride * rule.stride)
        return start, min(length, round_up(last + halo, rule.stride))

    return Rect(*span(keep.y0, keep.y1, shape[0]), *span(keep.x0, keep.x1, shape[1]))


def _cut(data: Any, part: Rect) -> Any:
    if isinstance(data, RegisteredBurst):
        index = (slice(None), *part.slices)
        return replace(data, aligned=data.aligned[index], valid=data.valid[index])
    return np.asarray(data[part.slices])


def _mean(piece: Any) -> NDArray[np.float32]:
    from napari_emrestore.bursts import merge

    return merge(piece) if isinstance(piece, RegisteredBurst) else np.asarray(piece, np.float32)
