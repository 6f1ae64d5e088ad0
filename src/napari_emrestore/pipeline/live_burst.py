"""The newest frames of a stream on the grid of the last one; each frame is registered once, when it comes."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from math import nan
from typing import TYPE_CHECKING

import numpy as np

from napari_emrestore.core import SILENT, Burst, FrameVerdict, RegisteredBurst, Warp

if TYPE_CHECKING:
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
        """Register the next frame and keep the newest `most`; a frame like nothing before begins anew."""
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

    def assemble(self) -> RegisteredBurst:
        """Return the newest frames on the grid of the last; those that hardly overlap it are left out.

        Nothing is cropped: where an older frame shows nothing it holds its mean and is marked as not valid.
        """
        from napari_emrestore.bursts.areas import Area
        from napari_emrestore.bursts.placing import place_frames

        now = self._places[-1]
        shape = _shape(now)
        back = now.warp.inverse()
        warps = [place.warp.after(back) for place in self._places]
        used = [k for k, warp in enumerate(warps) if _overlaps(warp, shape)]
        places = [self._places[k] for k in used]
        chosen = [warps[k] for k in used]
        chosen[-1] = Warp.identity()
        burst = Burst(
            np.stack([place.frame.data for place in places]),
            now.frame.acquisition,
            tuple(place.frame.index for place in places),
        )
        last = len(places) - 1
        whole, everyone = Area(0, 0, *shape), range(len(places))
        aligned, valid = place_frames(whole, burst.frames, chosen, everyone, last, SILENT)
        verdicts = tuple(_verdict(k, warp, shape) for k, warp in enumerate(chosen))
        return RegisteredBurst(burst, tuple(chosen), verdicts, last, np.stack(aligned), np.stack(valid))


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
