"""Where the newest frames of a camera lie, and how they are exposed: what is known before any restoration."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from napari_emrestore.pipeline.live_burst import LiveBurst
from napari_emrestore.pipeline.live_exposure import ExposureMeter
from napari_emrestore.pipeline.live_models import ModelLoading

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_emrestore.core import Frame, Restorer
    from napari_emrestore.pipeline.live_burst import Place
    from napari_emrestore.pipeline.live_settings import LiveSettings


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """The newest frames, and what is known before anything is restored.

    Attributes
    ----------
    places : tuple of Place
        Newest frames, oldest first, cropped to the region.
    burst : LiveBurst
        Whose coordinates they have; those of another one are others.
    count : int
        Frames that were looked at so far, these included.
    settings : LiveSettings
        What is to be done with them.
    model : ModelLoading, optional
        The restorer, once it is loaded.
    score : float
        Alignment of the newest frame, NaN if there was nothing to align.
    step_px : tuple of float
        ``(dy, dx)`` per frame.
    saturated : float
        Share of the newest frame's pixels at the detector's ceiling.
    dark : bool
        Whether the newest frame shows nothing.
    problem : str
        Why whole frames are shown where a region was asked for; else empty.
    """

    places: tuple[Place, ...]
    burst: LiveBurst
    count: int
    settings: LiveSettings
    model: ModelLoading | None
    score: float
    step_px: tuple[float, float]
    saturated: float
    dark: bool
    problem: str

    @property
    def raw(self) -> Frame:
        """The newest frame."""
        return self.places[-1].frame

    @property
    def restorer(self) -> Restorer | None:
        """What restores it, once it is loaded."""
        return None if self.model is None else self.model.restorer


class Observer:
    """Registers frames as they come and judges the newest; used by one thread.

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
        self._lost_before = 0
        self._count = 0

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

    def see(self, frames: list[Frame], settings: LiveSettings) -> Seen:
        """Return what the frames that came since the last call, together with those before, are."""
        self._adopt(settings)
        roi = settings.roi if _holds(frames[-1], settings.roi) else None
        for frame in frames:
            self._burst.add(_cropped(frame, roi), settings.frames)
        self._count += len(frames)
        raw = self._burst.places[-1].frame
        left = f"The region {settings.roi} leaves the frame of {raw.data.shape}: whole frames are shown"
        return Seen(
            self._burst.places,
            self._burst,
            self._count,
            settings,
            self._model,
            self._burst.score,
            self._burst.step_px,
            self._exposure.saturated(raw.data),
            self._exposure.is_dark(raw.data),
            left if roi != settings.roi else "",
        )

    def _adopt(self, settings: LiveSettings) -> None:
        """Take over changed settings: what they make invalid is begun anew."""
        before, self._settings = self._settings, settings
        if before is None or (before.kind, before.roi) != (settings.kind, settings.roi):
            self._lost_before += self._burst.view_lost
            self._burst = LiveBurst(settings.kind)
        if before is None or _model_of(before) != _model_of(settings):
            self._model = None if settings.model is None else ModelLoading(self._loader, settings)


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
