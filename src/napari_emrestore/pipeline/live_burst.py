"""The newest frames of a stream on the grid of the last one; each frame is registered once, when it comes."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from math import nan
from typing import TYPE_CHECKING

import numpy as np

from napari_emrestore.core import Burst, FrameVerdict, RegisteredBurst, Warp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_emrestore.core import Frame, WarpKind
    from napari_emrestore.registration.following import Follower

_LEAST_OVERLAP = 0.5
"""Share of a side that an older frame has in common with the newest, or else it is left out."""


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """A frame of the stream and where it lies.

    Attributes
    ----------
    frame : Frame
        As it came, cropped to the region.
    warp : Warp
        From the coordinates of its leg to the frame; the score is that of its alignment.
    leg : int
        Frames of one leg have common coordinates.
    """

    frame: Frame
    warp: Warp
    leg: int


class LiveBurst:
    """Takes frames as they come and hands out the newest ones as a registered burst.

    Parameters
    ----------
    kind : str, optional
        Family of warps; ``None`` takes all frames as aligned.
    """

    def __init__(self, kind: WarpKind | None) -> None:
        self._follower: Follower | None = None
        if kind is not None:
            from napari_emrestore.registration.following import Follower

            self._follower = Follower(kind)
        self._places: deque[Place] = deque()
        self.view_lost = 0

    def add(self, frame: Frame, most: int) -> None:
        """Register the next frame and keep the newest `most`.

        A frame like nothing before begins anew; so does one of another shape, which is no lost view.
        """
        if self._places and _shape(self._places[-1]) != frame.data.shape:
            self._places.clear()
        if self._follower is None:
            place = Place(frame, Warp.identity(), 0)
        else:
            followed = self._follower.follow(frame.data, frame.index)
            place = Place(frame, followed.warp, followed.leg)
        if self._places and self._places[-1].leg != place.leg:
            self.view_lost += 1
            self._places.clear()
        self._places.append(place)
        while len(self._places) > most:
            self._places.popleft()

    @property
    def score(self) -> float:
        """Alignment of the newest frame; NaN where there was nothing to align it with."""
        aligned = self._follower is not None and len(self._places) > 1
        return self._places[-1].warp.score if aligned else nan

    @property
    def step_px(self) -> tuple[float, float]:
        """How far ``(dy, dx)`` the specimen moved in the image per frame, lately; zero if unknown."""
        if len(self._places) < 2:
            return 0.0, 0.0
        before, now = self._places[-2], self._places[-1]
        frames = max(1, now.frame.index - before.frame.index)
        dy, dx = now.warp.after(before.warp.inverse()).shift_px(_shape(now))
        return dy / frames, dx / frames

    @property
    def places(self) -> tuple[Place, ...]:
        """The newest frames, oldest first."""
        return tuple(self._places)


@dataclass(frozen=True, slots=True, eq=False)
class Gathered:
    """Frames of one leg that show much of what the last one shows.

    Attributes
    ----------
    frames : tuple of Frame
        Oldest first.
    warps : tuple of Warp
        From the grid of the last frame to each; the last is the identity.
    """

    frames: tuple[Frame, ...]
    warps: tuple[Warp, ...]

    @property
    def indices(self) -> tuple[int, ...]:
        """Numbers of the frames."""
        return tuple(frame.index for frame in self.frames)

    def assemble(self) -> RegisteredBurst:
        """Return the frames on the grid of the last.

        Nothing is cropped: where an older frame shows nothing it takes the mean of those that do, as a
        network would be given it, and counts as valid.
        """
        now = self.frames[-1]
        burst = Burst(np.stack([frame.data for frame in self.frames]), now.acquisition, self.indices)
        aligned, valid = _on_one_grid(burst, self.warps)
        height, width = now.data.shape
        verdicts = tuple(_verdict(k, warp, (height, width)) for k, warp in enumerate(self.warps))
        return RegisteredBurst(burst, self.warps, verdicts, len(self.frames) - 1, aligned, valid)


def gather(places: Sequence[Place]) -> Gathered:
    """Return the frames at places of one leg, without those that hardly overlap the last."""
    now = places[-1]
    shape, back = _shape(now), now.warp.inverse()
    found = [(place.frame, place.warp.after(back)) for place in places[:-1]]
    kept = [(frame, warp) for frame, warp in found if _overlaps(warp, shape)]
    frames, warps = zip(*kept, (now.frame, Warp.identity()), strict=True)
    return Gathered(frames, warps)


def _on_one_grid(burst: Burst, warps: tuple[Warp, ...]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return the frames resampled onto the last one, gaps filled from each other, and what is known."""
    from napari_emrestore.registration import resample

    aligned = np.empty(burst.frames.shape, np.float32)
    held = np.empty(burst.frames.shape, np.bool_)
    for k, warp in enumerate(warps[:-1]):
        aligned[k], held[k] = resample(burst.frames[k], warp)
    aligned[-1] = burst.frames[-1]
    held[-1] = np.isfinite(aligned[-1])
    known = held.any(axis=0)
    pixels, measured = aligned.reshape(len(aligned), -1), held.reshape(len(held), -1)
    for k in range(len(burst)):
        if measured[k].all():
            continue
        gaps = np.flatnonzero(known & ~held[k])
        seen = measured[:, gaps]
        pixels[k, gaps] = np.sum(pixels[:, gaps], axis=0, where=seen) / np.maximum(seen.sum(axis=0), 1)
    return aligned, np.broadcast_to(known, aligned.shape)


def _shape(place: Place) -> tuple[int, int]:
    height, width = place.frame.data.shape
    return int(height), int(width)


def _overlaps(warp: Warp, shape: tuple[int, int]) -> bool:
    return all(
        abs(d) <= (1 - _LEAST_OVERLAP) * side for d, side in zip(warp.shift_px(shape), shape, strict=True)
    )


def _verdict(index: int, warp: Warp, shape: tuple[int, int]) -> FrameVerdict:
    """Return a verdict that says what live registration measures: shift and correlation."""
    return FrameVerdict(index, warp.shift_px(shape), warp.score, nan, nan, False)
