"""A provisional overview of a scan that is still running: reduced frames, put where following says.

No loop is closed and no light evened out; what it is for is to see where the scan has been. Memory is
bounded: a sketch that grows too large goes on at half its resolution.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.overview.legs import stage_matrices
from napari_emrestore.overview.links import measure_link
from napari_emrestore.overview.tracking import Tracker, blocks_of_means

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_emrestore.core import Acquisition, Frame
    from napari_emrestore.overview.tracking import Track

_FRAME_SIDE = 128
_MOST_PIXELS = 4096**2
_SPARE = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Sketch:
    """Where a scan has been so far.

    Attributes
    ----------
    image : ndarray, shape (Y, X), float32
        Mean of the frames at a place, input units; NaN where none was.
    step_px : int
        Side of one of its pixels, in pixels of the frames.
    corner_px : tuple of float
        ``(y, x)`` of its first pixel's centre, seen from the centre of the first frame's first pixel.
    frames : int
        How many were followed.
    hidden : int
        How many of them are not on it, because nothing tells yet where their strip lies.
    acquisition : Acquisition
        Of the frames.
    """

    image: NDArray[np.float32]
    step_px: int
    corner_px: tuple[float, float]
    frames: int
    hidden: int
    acquisition: Acquisition


class Sketcher:
    """Follows the frames of a stream as they come, and puts each onto a sketch.

    A strip that begins where the view was lost lies where its first frame fits the last one that was placed,
    sought where the stage says; if it fits nowhere, where the stage says. If neither tells, it is left out
    until all loops are closed.

    Parameters
    ----------
    dark : float
        Value of no signal, input units.
    """

    def __init__(self, dark: float = 0.0) -> None:
        self._tracker = Tracker(dark)
        self._canvas: _Canvas | None = None
        self._origins: dict[int, NDArray[np.float64] | None] = {}
        self._last: tuple[Frame, NDArray[np.float64]] | None = None
        self._hidden = 0

    def __len__(self) -> int:
        return len(self._tracker)

    def add(self, frame: Frame) -> None:
        """Follow the next frame; errors as of `Tracker.add`."""
        self._tracker.add(frame)
        leg, chain = self._tracker.newest
        if leg not in self._origins:
            self._origins[leg] = self._origin(frame)
        origin = self._origins[leg]
        if origin is None:
            self._hidden += 1
            return
        place = origin + chain
        self._last = frame, place
        if self._canvas is None:
            self._canvas = _Canvas(max(1, max(frame.data.shape) // _FRAME_SIDE))
        self._canvas.put(frame.data, place)

    def track(self) -> Track:
        """Return what following told; see `Tracker.track`."""
        return self._tracker.track()

    def sketch(self) -> Sketch | None:
        """Return the sketch as it is now; None before a frame is on it."""
        if self._canvas is None or self._last is None:
            return None
        image, corner = self._canvas.shown()
        return Sketch(image, self._canvas.step, corner, len(self), self._hidden, self._last[0].acquisition)

    def _origin(self, frame: Frame) -> NDArray[np.float64] | None:
        """Return the place of the first frame of a leg, if anything tells it."""
        if self._last is None:
            return np.zeros(2)
        before, place = self._last
        track = self._tracker.track()
        size_nm = frame.acquisition.pixel_size_nm
        size_um = None if size_nm is None else (size_nm[0] / 1000, size_nm[1] / 1000)
        told = [matrix @ _stage_move(before, frame) for matrix in stage_matrices(track, size_um)]
        sought: list[tuple[float, float] | None] = [(float(y), float(x)) for y, x in told]
        for guess in sought or [None]:
            found = measure_link((before.data, frame.data), (0, 1), guess)
            if found is not None:
                return np.asarray(place + found.offset_px)
        return np.asarray(place + told[0]) if told else None


def _stage_move(before: Frame, after: Frame) -> NDArray[np.float64]:
    first, second = (np.asarray(frame.acquisition.extra["stage_um"][:2], float) for frame in (before, after))
    return np.asarray(second - first)


class _Canvas:
    """Sums and counts of reduced frames on cells of `step` pixels; grows where a frame lies beyond it."""

    def __init__(self, step: int) -> None:
        self.step = step
        self._first = np.zeros(2, np.int64)
        self._sums = np.zeros((2, 0, 0), np.float32)

    def put(self, image: NDArray[Any], place_px: NDArray[np.float64]) -> None:
        """Add a frame whose first pixel lies at a place."""
        while True:
            small = blocks_of_means(image, self.step)
            low = np.round(place_px / self.step).astype(np.int64)
            if self._reach(low, low + small.shape):
                break
            self._halve()
        y, x = low - self._first
        there = self._sums[:, y : y + small.shape[0], x : x + small.shape[1]]
        seen = np.isfinite(small)
        there[0] += np.where(seen, small, np.float32(0))
        there[1] += seen

    def shown(self) -> tuple[NDArray[np.float32], tuple[float, float]]:
        """Return the mean where there is any, cut to it, and where its first pixel lies."""
        held = self._sums[1] > 0
        rows, columns = (np.flatnonzero(held.any(axis=axis)) for axis in (1, 0))
        y, x = (slice(at[0], at[-1] + 1) if at.size else slice(0, 1) for at in (rows, columns))
        total, count = self._sums[:, y, x]
        with np.errstate(invalid="ignore", divide="ignore"):
            image = total / np.where(count > 0, count, np.float32(np.nan))
        corner = (self._first + np.array([y.start, x.start])) * self.step + (self.step - 1) / 2
        return np.asarray(image, np.float32), (float(corner[0]), float(corner[1]))

    def _reach(self, low: NDArray[np.int64], high: NDArray[np.int64]) -> bool:
        """Grow, with room to spare, until cells from low to high are held; False if that were too many."""
        if not self._sums.size:
            self._first = low.copy()
        last = self._first + self._sums.shape[1:]
        if (low >= self._first).all() and (high <= last).all():
            return True
        spare = np.ceil(_SPARE * (high - low) + 0.1 * (last - self._first)).astype(np.int64)
        first = np.where(low < self._first, low - spare, self._first)
        shape = np.where(high > last, high + spare, last) - first
        if shape.prod() > _MOST_PIXELS:
            return False
        grown = np.zeros((2, *shape), np.float32)
        y, x = self._first - first
        grown[:, y : y + self._sums.shape[1], x : x + self._sums.shape[2]] = self._sums
        self._first, self._sums = first, grown
        return True

    def _halve(self) -> None:
        """Go on with cells of twice the side."""
        lead = self._first % 2
        tail = (lead + self._sums.shape[1:]) % 2
        even = np.pad(self._sums, ((0, 0), (lead[0], tail[0]), (lead[1], tail[1])))
        pairs = even.reshape(2, even.shape[1] // 2, 2, even.shape[2] // 2, 2)
        self._sums = pairs.sum(axis=(2, 4))
        self._first = self._first // 2
        self.step *= 2
