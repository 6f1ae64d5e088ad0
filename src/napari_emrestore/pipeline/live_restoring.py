"""Restoring what the camera saw last: intensity and noise are measured now and then, not for each view."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.core import EmRestoreError, IntensityMap
from napari_emrestore.pipeline.live_burst import gather
from napari_emrestore.pipeline.live_streams import DeviceStream, form_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_emrestore.core import RegisteredBurst, Restoration, Restorer
    from napari_emrestore.metrics import NoiseModel
    from napari_emrestore.pipeline.live_burst import Gathered
    from napari_emrestore.pipeline.live_observing import Seen
    from napari_emrestore.pipeline.live_settings import LiveSettings

_REMEASURE_VIEWS = 32
_REMEASURE_S = 2.0
_JUMP = 0.25  # of the model range
_SAMPLED_EVERY = 4


@dataclass(frozen=True, slots=True, eq=False)
class Restored:
    """What became of the newest frames.

    Attributes
    ----------
    seen : Seen
        What was restored.
    restoration : Restoration, optional
        On the grid of the newest frame; ``None`` if `problem` tells why there is none.
    frames : tuple of int
        Numbers of the frames it was made of.
    problem : str
        Empty if there is a restoration.
    """

    seen: Seen
    restoration: Restoration | None
    frames: tuple[int, ...]
    problem: str


@dataclass(frozen=True, slots=True, eq=False)
class _Measured:
    """What was measured on one view and holds for those to come."""

    first: Restoration
    intensity: IntensityMap
    noise: NoiseModel | None
    level: float
    time_s: float


class LiveRestoring:
    """Restores one view after the other; used by one thread.

    Networks run through a `DeviceStream` where one fits and the image is restored in one piece.
    """

    def __init__(self) -> None:
        self._measured: _Measured | None = None
        self._age = 0
        self._before: Seen | None = None
        self._stream = DeviceStream()

    def restored(self, seen: Seen, restorer: Restorer) -> Restored:
        """Return what a restorer makes of the newest frames."""
        before, self._before = self._before, seen
        if before is None or (before.model, before.burst) != (seen.model, seen.burst):
            self._measured = None
        burst = gather(seen.places)
        try:
            made = self._restored(burst, restorer, seen.settings)
        except EmRestoreError as error:
            return Restored(seen, None, (seen.raw.index,), str(error))
        return Restored(seen, replace(made, acquisition=seen.raw.acquisition), burst.indices, "")

    def _restored(self, burst: Gathered, restorer: Restorer, settings: LiveSettings) -> Restoration:
        from napari_emrestore.restoration import restore

        level = _level(burst.frames[-1].data)
        known = self._known(level)
        if known is None:
            made = restore(_input(burst, restorer, settings), restorer)
            self._measured, self._age = _measured(made, level), 0
            return made
        in_one_piece = known.first.provenance.settings["tile"]["windows"] == 1
        form = form_of(burst, restorer, settings.merge) if in_one_piece else None
        streamed = self._streamed(burst, known) if self._stream.is_ready(form) else None
        if streamed is not None:
            return streamed
        data = _input(burst, restorer, settings)
        return restore(data, restorer, intensity=known.intensity, noise=known.noise)

    def _known(self, level: float) -> _Measured | None:
        """Return what was measured, unless it is old or the brightness has jumped since."""
        self._age += 1
        known = self._measured
        if known is None:
            return None
        is_old = self._age > _REMEASURE_VIEWS and time.monotonic() - known.time_s > _REMEASURE_S
        has_jumped = not abs(level - known.level) <= _JUMP * known.intensity.scale
        return None if is_old or has_jumped else known

    def _streamed(self, burst: Gathered, known: _Measured) -> Restoration | None:
        """Return the restoration of a burst on its device, recorded as `restore` did; None if it failed."""
        from napari_emrestore.restoration.noise import line_in_model_range
        from napari_emrestore.restoration.windows import surely_finite

        started = time.perf_counter()
        noise = None if known.noise is None else line_in_model_range(known.noise, known.intensity)
        image = self._stream.restore(burst, known.intensity, noise)
        if image is None:
            return None
        record = known.first.provenance
        notes = record.notes
        if not surely_finite(image):
            broken = int(np.count_nonzero(~np.isfinite(image)))
            notes = (*notes, f"{broken} px of the result are not finite: the model overflowed")
        how = {"kept_on_device": len(burst.frames), "recorded_pass": self._stream.is_graph}
        record = replace(
            record,
            settings={**record.settings, "stream": how},
            seconds=time.perf_counter() - started,
            notes=notes,
        )
        return replace(known.first, image=image, provenance=record)


def _input(
    burst: Gathered, restorer: Restorer, settings: LiveSettings
) -> RegisteredBurst | NDArray[np.float32]:
    """Return what `restore` is given: the burst, or one image of it for a restorer of single frames."""
    fewest, most = restorer.frames
    registered = burst.assemble()
    if most > 1 and len(burst.frames) >= fewest:
        return registered
    if settings.merge == "mean":  # gaps are filled, so the plain mean, far faster, is the same
        return np.asarray(registered.aligned.mean(axis=0))
    from napari_emrestore.bursts import merge

    return merge(registered, settings.merge)


def _level(pixels: NDArray[Any]) -> float:
    """Return the mean of some pixels; NaN if none is finite."""
    sample = pixels[::_SAMPLED_EVERY, ::_SAMPLED_EVERY]
    finite = sample[np.isfinite(sample)]
    return float(finite.mean()) if finite.size else float("nan")


def _measured(made: Restoration, level: float) -> _Measured:
    """Return what `restore` measured, as its arguments for the views to come."""
    from napari_emrestore.metrics import NoiseModel

    found = made.provenance.settings
    noise = found["noise"]
    return _Measured(
        made,
        IntensityMap(**found["intensity"]),
        None if noise is None else NoiseModel(**noise),
        level,
        time.monotonic(),
    )
