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


def plan_windows(count: int, taken: tuple[int, int], settings: RunSettings) -> list[range]:
    """Return the frames of each burst.

    Parameters
    ----------
    count : int
        Frames in the input.
    taken : tuple of int
        Smallest and largest number of frames the restorer takes.
    settings : RunSettings
        `frames` and `window` are read.

    Raises
    ------
    InputError
        If the input holds fewer frames than a burst, or the restorer cannot take a burst this long.
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
    return windows(count, length, settings.window)


def stack_intensity(data: Any) -> IntensityMap:
    """Return one intensity map for a whole stack ``(N, Y, X)``, from an even choice of its frames."""
    count, height, width = data.shape
    step = max(1, -(-count * height * width // _SAMPLED_PIXELS))
    return IntensityMap.from_signal(np.asarray(data[::step]))


def restore_window(
    stack: FrameStack,
    frames: range,
    restorer: Restorer,
    settings: RunSettings,
    *,
    truth: Truth | None,
    intensity: IntensityMap | None,
    monitor: Monitor,
) -> tuple[Restoration, WindowReport, Views]:
    """Return the restoration of some frames of a stack, what happened on the way, and what to look at."""
    from napari_emrestore.restoration import restore

    started = time.perf_counter()
    burst = Burst(np.asarray(stack.data[frames.start : frames.stop]), stack.acquisition, tuple(frames))
    reference, notes = _choose_reference(burst, settings, truth)
    ready = _bring_together(burst, reference, settings, monitor)
    restored = restore(
        _as_taken(ready, restorer, settings),
        restorer,
        tile=settings.tile,
        intensity=intensity,
        monitor=monitor,
    )
    restored = replace(restored, origin_px=ready.origin_px, acquisition=stack.acquisition)
    image = np.asarray(restored.image)
    position = burst.indices[ready.reference]
    views, field = _views(ready, image), truth.of(position) if truth else None
    scores: tuple[Score, ...] = ()
    if field is not None:
        field = _cut(field, ready.origin_px, image.shape)
        scores = score(views, field)
        views = {**views, "ground truth": field}
    report = WindowReport(
        frames=burst.indices,
        reference=position,
        origin_px=ready.origin_px,
        shape=(image.shape[0], image.shape[1]),
        verdicts=ready.verdicts,
        scores=scores,
        seconds=time.perf_counter() - started,
        notes=(*notes, *restored.provenance.notes),
    )
    return restored, report, views


def _choose_reference(
    burst: Burst, settings: RunSettings, truth: Truth | None
) -> tuple[Reference, tuple[str, ...]]:
    """Return the reference to ask for: the frame of the ground truth where there is one."""
    given = truth.within(range(burst.indices[0], burst.indices[-1] + 1)) if truth else None
    if given is None:
        return settings.reference, ()
    note = f"frame {given} is the reference because the ground truth belongs to it"
    return given - burst.indices[0], (note,)


def _bring_together(
    burst: Burst, reference: Reference, settings: RunSettings, monitor: Monitor
) -> RegisteredBurst:
    """Return the burst on one grid: registered, or as it is where nothing is to be moved."""
    from napari_emrestore.bursts import register

    if settings.kind is not None and len(burst) > 1:
        return register(burst, kind=settings.kind, reference=reference, monitor=monitor)
    frames = burst.frames.astype(np.float32)
    return RegisteredBurst(
        burst=burst,
        warps=(Warp.identity(),) * len(burst),
        verdicts=(),
        reference=reference if isinstance(reference, int) else len(burst) // 2,
        aligned=frames,
        valid=np.isfinite(frames),
    )


def _as_taken(
    ready: RegisteredBurst, restorer: Restorer, settings: RunSettings
) -> RegisteredBurst | NDArray[Any]:
    """Return the registered burst, its only frame, or its merge for a restorer of single frames."""
    from napari_emrestore.bursts import merge

    if len(ready.burst) == 1:
        return np.asarray(ready.burst.frames[0])
    return ready if restorer.frames[1] > 1 else merge(ready, settings.merge)


def _views(ready: RegisteredBurst, restored: NDArray[Any]) -> Views:
    """Return the reference frame, the mean of the burst and the restoration, of one and the same area."""
    from napari_emrestore.bursts import merge

    views = {"single frame": _cut(ready.burst.frames[ready.reference], ready.origin_px, restored.shape)}
    if len(ready.aligned) > 1:
        views["burst mean"] = merge(ready, "mean")
    return {**views, "restored": restored}


def _cut(image: NDArray[Any], origin_px: tuple[int, int], shape: tuple[int, ...]) -> NDArray[Any]:
    (top, left), (height, width) = origin_px, shape
    return image[top : top + height, left : left + width]
