"""From the newest frames of a camera to what is shown: registered, assembled, restored, judged."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.core import EmRestoreError, IntensityMap
from napari_emrestore.pipeline.live_burst import LiveBurst
from napari_emrestore.pipeline.live_exposure import ExposureMeter
from napari_emrestore.pipeline.live_models import ModelLoading

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_emrestore.core import Frame, RegisteredBurst, Restoration, Restorer
    from napari_emrestore.pipeline.live_settings import LiveSettings

_REMEASURE_VIEWS = 32
_JUMP = 0.25  # of the model range
_SAMPLED_EVERY = 4


@dataclass(frozen=True, slots=True, eq=False)
class LiveView:
    """The newest thing there is to see.

    Attributes
    ----------
    raw : Frame
        The newest frame, cropped to the region.
    restored : Restoration, optional
        On the grid of `raw`; ``None`` without a model, or if `problem` tells why there is none.
    frames : tuple of int
        Numbers of the frames it was made of.
    score : float
        Alignment of the newest frame with those before, -1 to 1; NaN if there was nothing to align.
    step_px : tuple of float
        ``(dy, dx)`` by which the specimen moves in the image from frame to frame.
    saturated : float
        Share of the newest frame's pixels at the detector's ceiling, from every fourth row and column.
    dark : bool
        Whether the newest frame shows nothing, and is no brighter than one that showed something.
    problem : str
        Why there is no restoration although there is a model, or not of the region asked for; empty
        otherwise.
    latency_s : float
        From the end of the newest exposure to the finished view; NaN if the source gives no time.
    settings : LiveSettings
        What it was made with.
    """

    raw: Frame
    restored: Restoration | None
    frames: tuple[int, ...]
    score: float
    step_px: tuple[float, float]
    saturated: float
    dark: bool
    problem: str
    latency_s: float
    settings: LiveSettings


class ViewMaker:
    """Makes views of frames; used by one thread.

    Parameters
    ----------
    loader : callable
        Returns the restorer of `LiveSettings`.
    """

    def __init__(self, loader: Callable[[LiveSettings], Restorer]) -> None:
        self._loader = loader
        self._settings: LiveSettings | None = None
        self._model: ModelLoading | None = None
        self._burst = LiveBurst(None)
        self._exposure = ExposureMeter()
        self._measured: dict[str, Any] = {}
        self._measured_level = 0.0
        self._age = 0
        self._lost_before = 0

    @property
    def view_lost(self) -> int:
        """How often a frame was like nothing before."""
        return self._lost_before + self._burst.view_lost

    def prepare(self, settings: LiveSettings) -> None:
        """Load the model of the settings and wait for it; raises what keeps it from being loaded."""
        self._adopt(settings)
        if self._model is not None:
            self._model.join()
            if self._model.failure is not None:
                raise self._model.failure

    def view(self, frames: list[Frame], settings: LiveSettings) -> LiveView:
        """Return what the frames that came since the last view, together with those before, show."""
        self._adopt(settings)
        roi = settings.roi if _holds(frames[-1], settings.roi) else None
        cropped = [_cropped(frame, roi) for frame in frames]
        for frame in cropped:
            self._burst.add(frame, settings.frames)
        raw = cropped[-1]
        restored, problem = None, self._model.problem if self._model else ""
        used: tuple[int, ...] = (raw.index,)
        if self._model is not None and self._model.restorer is not None:
            try:
                burst = self._burst.assemble()
                used = burst.burst.indices
                restored = self._restored(burst, self._model.restorer, settings)
                problem = ""
            except EmRestoreError as error:
                problem = str(error)
        saturated, dark = self._exposure.saturated(raw.data), self._exposure.is_dark(raw.data)
        finished = time.monotonic()
        if roi != settings.roi:
            problem = (
                f"The region {settings.roi} leaves the frame of {raw.data.shape}: whole frames are shown"
            )
        return LiveView(
            raw=raw,
            restored=restored,
            frames=used,
            score=self._burst.score,
            step_px=self._burst.step_px,
            saturated=saturated,
            dark=dark,
            problem=problem,
            latency_s=float("nan") if raw.time_s is None else finished - raw.time_s,
            settings=settings,
        )

    def _adopt(self, settings: LiveSettings) -> None:
        """Take over changed settings: what they make invalid is begun anew."""
        before, self._settings = self._settings, settings
        if before is None or (before.kind, before.roi) != (settings.kind, settings.roi):
            self._lost_before += self._burst.view_lost
            self._burst = LiveBurst(settings.kind)
            self._measured = {}
        if before is None or _model_of(before) != _model_of(settings):
            self._measured = {}
            self._model = None if settings.model is None else ModelLoading(self._loader, settings)

    def _restored(self, burst: RegisteredBurst, restorer: Restorer, settings: LiveSettings) -> Restoration:
        """Return a restoration; intensity and noise are measured now and then, and when brightness jumps."""
        from napari_emrestore.restoration import restore

        fewest, most = restorer.frames
        data: Any = burst if most > 1 and len(burst.aligned) >= fewest else _merged(burst, settings)
        level = float(burst.aligned[-1, ::_SAMPLED_EVERY, ::_SAMPLED_EVERY].mean())
        self._age += 1
        if self._age > _REMEASURE_VIEWS or self._has_jumped(level):
            self._measured = {}
        restored = restore(data, restorer, **self._measured)
        if not self._measured:
            self._measured, self._measured_level, self._age = _measured(restored), level, 0
        return replace(restored, acquisition=burst.burst.acquisition)

    def _has_jumped(self, level: float) -> bool:
        """Return whether a mean intensity is no longer what the intensity map was made for."""
        if not self._measured:
            return False
        return not abs(level - self._measured_level) <= _JUMP * self._measured["intensity"].scale


def _merged(burst: RegisteredBurst, settings: LiveSettings) -> np.ndarray[Any, Any]:
    from napari_emrestore.bursts import merge

    if settings.merge == "mean":  # gaps are filled, so the plain mean, far faster, is the same
        return np.asarray(burst.aligned.mean(axis=0))
    return merge(burst, settings.merge)


def _measured(restored: Restoration) -> dict[str, Any]:
    """Return what `restore` measured, as its arguments for the views to come."""
    from napari_emrestore.metrics import NoiseModel

    found = restored.provenance.settings
    noise = found["noise"]
    return {
        "intensity": IntensityMap(**found["intensity"]),
        "noise": None if noise is None else NoiseModel(**noise),
    }


def _model_of(settings: LiveSettings) -> tuple[str | None, str, str]:
    return settings.model, settings.device, settings.precision


def _holds(frame: Frame, roi: tuple[int, int, int, int] | None) -> bool:
    """Return whether a region lies within a frame, which a camera may change while it runs."""
    if roi is None:
        return True
    top, left, height, width = roi
    return bool(top + height <= frame.data.shape[0] and left + width <= frame.data.shape[1])


def _cropped(frame: Frame, roi: tuple[int, int, int, int] | None) -> Frame:
    if roi is None:
        return frame
    top, left, height, width = roi
    return replace(frame, data=frame.data[top : top + height, left : left + width])
