"""What triage goes by: measurements on single frames, and on frames aligned to each other."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.bursts.triage import FrameFacts
from napari_emrestore.core import IntensityMap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_emrestore.core import Monitor, Warp

_BLOCKS_PER_SIDE = 8
_SIGNAL_SPAN = 4.0  # an IntensityMap's scale is this many standard deviations of the signal
_CAMERA_BITS = (8, 10, 12, 14, 16)


def measure_frames(
    frames: NDArray[Any], filled: NDArray[Any], missing: NDArray[np.bool_] | None, monitor: Monitor
) -> list[FrameFacts]:
    """Return what each frame tells by itself.

    Parameters
    ----------
    frames, filled : ndarray, shape (N, Y, X)
        As they came, and with the missing pixels filled.
    missing : ndarray, shape (N, Y, X), bool, optional
        Pixels that are not finite.
    monitor : Monitor
        Told after each frame.
    """
    from napari_emrestore.metrics import sharpness

    ceiling = saturation_ceiling(frames)
    blank = [bool(np.ptp(frame) == 0) for frame in filled]
    scores = []
    for index, frame in enumerate(filled):
        scores.append(0.0 if blank[index] else max(sharpness(frame), 0.0))
        monitor.step(index + 1, len(filled), "judging frames")
    sharpest = max(scores) or 1.0
    unmeasurable = max(scores) == 0  # noise drowns every gradient: no frame is blurrier than another
    return [
        FrameFacts(
            index=index,
            shape=(frames.shape[1], frames.shape[2]),
            sharpness=1.0 if unmeasurable else scores[index] / sharpest,
            saturated_fraction=_share_at(frames[index], ceiling),
            missing_fraction=0.0 if missing is None else float(missing[index].mean()),
            blank=blank[index],
        )
        for index in range(len(frames))
    ]


def saturation_ceiling(frames: NDArray[Any]) -> float | None:
    """Return the value at which the detector of these frames saturates, ``None`` where it has no such value.

    The largest value of the dtype, or of a camera with fewer bits if the brightest pixel lies exactly there.
    Zero is no floor in this sense: at low dose an honest count is often zero.
    """
    if frames.dtype.kind not in "iu":
        return None
    brightest, largest = int(frames.max()), int(np.iinfo(frames.dtype).max)
    return float(brightest if brightest in {2**bits - 1 for bits in _CAMERA_BITS} else largest)


def _share_at(frame: NDArray[Any], ceiling: float | None) -> float:
    return 0.0 if ceiling is None else float(np.mean(frame >= ceiling))


def with_alignment(
    facts: Sequence[FrameFacts],
    warps: Sequence[Warp],
    aligned: Sequence[NDArray[np.float32]],
    valid: Sequence[NDArray[np.bool_]],
    reference: int,
    min_correlation: float,
) -> list[FrameFacts]:
    """Return the facts, with what shows only on one grid: shift, correlation, brightness jumps.

    Frames that hardly correlate are not compared in brightness: they show another place.
    """
    compared = [i for i, w in enumerate(warps) if i == reference or w.score >= min_correlation]
    jumps = brightness_jumps([aligned[i] for i in compared], [valid[i] for i in compared], aligned[reference])
    found = dict(zip(compared, jumps, strict=True))
    return [
        replace(
            fact,
            shift_px=warp.shift_px(fact.shape),
            correlation=warp.score,
            level_jump=found.get(fact.index, (0.0, 0.0))[0],
            shading_jump=found.get(fact.index, (0.0, 0.0))[1],
        )
        for fact, warp in zip(facts, warps, strict=True)
    ]


def brightness_jumps(
    aligned: Sequence[NDArray[np.float32]],
    valid: Sequence[NDArray[np.bool_]],
    reference: NDArray[np.float32],
) -> list[tuple[float, float]]:
    """Return how far each frame's mean and shading are off the median frame, in signal deviations.

    Parameters
    ----------
    aligned, valid : sequence of ndarray, shape (Y, X)
        Frames on one grid and where they hold data.
    reference : ndarray, shape (Y, X)
        The frame all others are compared with; it gives the unit.

    Returns
    -------
    list of (float, float)
        Mean and shading per frame; zeros for fewer than three frames, which cannot tell who is odd.
    """
    common = np.logical_and.reduce(valid) if len(valid) >= 3 else np.zeros((1, 1), dtype=bool)
    if not common.any():
        return [(0.0, 0.0)] * len(aligned)
    deviation = IntensityMap.from_signal(reference).scale / _SIGNAL_SPAN
    blocks = np.array([_block_means(frame - reference, common) for frame in aligned])
    odd = (blocks - np.median(blocks, axis=0)) / deviation
    return [(float(abs(frame.mean())), float(frame.std())) for frame in odd]


def _block_means(image: NDArray[np.float32], common: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the means over a coarse grid of blocks, of those blocks that hold data."""
    blocks = min(_BLOCKS_PER_SIDE, *image.shape)
    rows = np.linspace(0, image.shape[0], blocks + 1).astype(int)[:-1]
    columns = np.linspace(0, image.shape[1], blocks + 1).astype(int)[:-1]
    sums = np.add.reduceat(np.add.reduceat(np.where(common, image, 0.0), rows, axis=0), columns, axis=1)
    counts = np.add.reduceat(np.add.reduceat(common.astype(np.float64), rows, axis=0), columns, axis=1)
    held = counts > 0
    return np.asarray(sums[held] / counts[held], dtype=np.float64)
