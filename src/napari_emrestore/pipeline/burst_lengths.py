"""How much each further frame of a burst helps: noise and resolution of the mean of its first N frames."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from napari_emrestore.core import SILENT, InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_emrestore.core import Monitor, RegisteredBurst

_SIDE_PX = 1024
_SMALLEST_PX = 8
_WORTH_IT = 0.95


@dataclass(frozen=True, slots=True)
class MeanQuality:
    """What the mean of the first frames of a burst is worth.

    Attributes
    ----------
    frames : int
        How many frames.
    noise : float
        Standard deviation of the noise left in their mean, input units.
    resolution_px : float
        Period at which the Fourier ring correlation of the means of odd and even frames, corrected to the
        mean of all of them, falls to 1/7; 2 is the limit of the pixel grid, infinite is not resolved.
    """

    frames: int
    noise: float
    resolution_px: float


def mean_quality(registered: RegisteredBurst, *, monitor: Monitor = SILENT) -> tuple[MeanQuality, ...]:
    """Return noise and resolution for the first 2, 4, 6, … frames of an aligned burst.

    Parameters
    ----------
    registered : RegisteredBurst
        At least two frames that are used; its central 1024 x 1024 px are looked at.
    monitor : Monitor
        Told after each length.

    Raises
    ------
    InputError
        If there are fewer than two frames, or they share less than 8 x 8 px.
    Cancelled
        When the user has asked to stop.

    Notes
    -----
    Both come from the difference between the odd and the even frames, so what all frames share (a
    fixed pattern of the detector) counts as signal, and what alignment left counts as noise. Correcting a
    correlation F of two halves to that of the whole is 2F / (1 + F) (Rosenthal & Henderson 2003,
    DOI 10.1016/j.jmb.2003.07.013).
    """
    from napari_emrestore.metrics import frc

    frames = _central(registered)
    odd, even = np.zeros(frames.shape[1:], np.float64), np.zeros(frames.shape[1:], np.float64)
    rows = []
    lengths = range(2, len(frames) + 1, 2)
    for done, count in enumerate(lengths, start=1):
        odd += frames[count - 2]
        even += frames[count - 1]
        halves = odd / (count // 2), even / (count // 2)
        curve = frc(*halves)
        above = 1 + curve.correlation
        whole = np.divide(2 * curve.correlation, above, out=np.full_like(above, -1.0), where=above > 0)
        # half the difference of two halves has the noise of their mean
        noise = float(np.std(halves[0] - halves[1])) / 2
        rows.append(MeanQuality(count, noise, replace(curve, correlation=whole).resolution_px()))
        monitor.step(done, len(lengths), "comparing burst lengths")
    return tuple(rows)


def enough_frames(rows: Sequence[MeanQuality]) -> int | None:
    """Return the fewest frames after which resolution improves by less than 5 %, ``None`` if by more.

    Parameters
    ----------
    rows : sequence of MeanQuality
        Of `mean_quality`.
    """
    for position, row in enumerate(rows[:-1]):
        best = min(later.resolution_px for later in rows[position + 1 :])
        if np.isfinite(row.resolution_px) and best >= _WORTH_IT * row.resolution_px:
            return row.frames
    return None


def _central(registered: RegisteredBurst) -> NDArray[np.float32]:
    frames = registered.aligned
    if len(frames) < 2 or min(frames.shape[1:]) < _SMALLEST_PX:
        raise InputError(
            f"Comparing burst lengths takes two frames that share {_SMALLEST_PX} x {_SMALLEST_PX} px",
            came=f"{len(frames)} of {frames.shape[1]} x {frames.shape[2]} px came",
            remedy="Take back a rejection, or look at more frames.",
        )
    rows, columns = (
        slice((n - min(n, _SIDE_PX)) // 2, (n - min(n, _SIDE_PX)) // 2 + _SIDE_PX) for n in frames.shape[1:]
    )
    # pixels that a frame does not hold have its mean, which is no signal that frames share
    return np.where(np.isfinite(frames[:, rows, columns]), frames[:, rows, columns], np.float32(0))
