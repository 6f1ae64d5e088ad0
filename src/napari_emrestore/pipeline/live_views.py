"""What is shown: the newest frame, and the newest restoration there is."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_emrestore.core import Frame, Restoration
    from napari_emrestore.pipeline.live_observing import Seen
    from napari_emrestore.pipeline.live_restoring import Restored
    from napari_emrestore.pipeline.live_settings import LiveSettings


@dataclass(frozen=True, slots=True, eq=False)
class LiveView:
    """The newest thing there is to see.

    Attributes
    ----------
    raw : Frame
        The newest frame, cropped to the region.
    restored : Restoration, optional
        The newest there is; ``None`` without a model, until there is one, or if `problem` tells why not.
    restored_raw : Frame, optional
        On whose grid `restored` lies: `raw`, or an earlier frame where the restorer is slower than the view.
    restored_at_px : tuple of float
        ``(y, x)`` in `raw` of the first pixel of `restored`, by the alignment; (0, 0) if it is of `raw`.
    frames : tuple of int
        Numbers of the frames that `restored` was made of, else of `raw`.
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
    restored_raw: Frame | None
    restored_at_px: tuple[float, float]
    frames: tuple[int, ...]
    score: float
    step_px: tuple[float, float]
    saturated: float
    dark: bool
    problem: str
    latency_s: float
    settings: LiveSettings

    @property
    def frames_behind(self) -> int:
        """How many frames `restored` is older than `raw`."""
        return 0 if self.restored_raw is None else self.raw.index - self.restored_raw.index


def is_of(restored: Restored, seen: Seen) -> bool:
    """Return whether a restoration still shows what the camera sees: same model, region, and leg."""
    then, now = restored.seen.places[-1], seen.places[-1]
    return (
        (restored.seen.model, restored.seen.burst) == (seen.model, seen.burst)
        and then.leg == now.leg
        and then.frame.data.shape == now.frame.data.shape
    )


def view_of(seen: Seen, restored: Restored | None) -> LiveView:
    """Return the view of what was seen, with a restoration if it is of that."""
    newest = restored if restored is not None and is_of(restored, seen) else None
    restoration = None if newest is None else newest.restoration
    problem = "" if seen.model is None else seen.model.problem
    return LiveView(
        raw=seen.raw,
        restored=restoration,
        restored_raw=None if newest is None or restoration is None else newest.seen.raw,
        restored_at_px=(0.0, 0.0) if newest is None else _offset_px(newest.seen, seen),
        frames=(seen.raw.index,) if newest is None else newest.frames,
        score=seen.score,
        step_px=seen.step_px,
        saturated=seen.saturated,
        dark=seen.dark,
        problem=seen.problem or problem or ("" if newest is None else newest.problem),
        latency_s=float("nan") if seen.raw.time_s is None else time.monotonic() - seen.raw.time_s,
        settings=seen.settings,
    )


def _offset_px(then: Seen, now: Seen) -> tuple[float, float]:
    """Return where the first pixel of an earlier frame lies in the newest one."""
    if then.raw is now.raw:
        return 0.0, 0.0
    height, width = then.raw.data.shape
    between = now.places[-1].warp.after(then.places[-1].warp.inverse())
    return between.shift_px((height, width))
