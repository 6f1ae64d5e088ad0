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
_COARSE = 4  # every so many pixels suffice for a percentile
_LEAST_PX = 3  # a smaller frame has no gradient to measure
_SIGNAL_SPAN = 4.0  # an IntensityMap's scale is this many standard deviations of the signal
_CAMERA_BITS = (8, 10, 12, 14, 16)


def measure_frames(frames: NDArray[Any], monitor: Monitor) -> list[FrameFacts]:
    """Return what each of the frames ``(N, Y, X)`` tells by itself; the monitor is told after each."""
    ceiling = saturation_ceiling(frames)
    facts = []
    for index, frame in enumerate(frames):
        facts.append(_measure(index, frame, ceiling))
        monitor.step(index + 1, len(frames), "judging frames")
    sharpest = max(fact.sharpness for fact in facts)
    if sharpest == 0:  # noise drowns every gradient: no frame is blurrier than another
        return [replace(fact, sharpness=1.0) for fact in facts]
    return [replace(fact, sharpness=fact.sharpness / sharpest) for fact in facts]


def _measure(index: int, frame: NDArray[Any], ceiling: float) -> FrameFacts:
    """Return the facts of one frame, its sharpness not yet relative."""
    finite = np.isfinite(frame)
    saturated = frame >= ceiling
    pixels = _tame(frame, finite & ~saturated)
    return FrameFacts(
        index=index,
        shape=(frame.shape[0], frame.shape[1]),
        sharpness=_gradient_energy(pixels),
        saturated_fraction=float(np.mean(saturated & finite)),
        missing_fraction=1.0 - float(finite.mean()),
        blank=bool(np.ptp(pixels) == 0),
    )


def _tame(frame: NDArray[Any], measured: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return the frame without missing and saturated pixels and with hits cut, which have the steepest edges.

    Saturated pixels become the mean of the others, and no pixel lies farther than one range outside the
    range of nearly all.
    """
    level = frame.mean(dtype=np.float64, where=measured) if measured.any() else 0.0
    pixels = np.where(measured, frame, level).astype(np.float32)
    low, high = np.percentile(pixels[::_COARSE, ::_COARSE], (1, 99))
    return np.clip(pixels, 2 * low - high, 2 * high - low) if high > low else pixels


def _gradient_energy(pixels: NDArray[np.float32]) -> float:
    from napari_emrestore.metrics import sharpness

    if min(pixels.shape) < _LEAST_PX or np.ptp(pixels) == 0:
        return 0.0
    return max(sharpness(pixels), 0.0)


def saturation_ceiling(frames: NDArray[Any]) -> float:
    """Return the value at which the detector of these frames saturates, infinity for floating numbers.

    The largest value of the dtype, or of a camera with fewer bits if the brightest pixel lies exactly there.
    Zero is no floor in this sense: at low dose an honest count is often zero.
    """
    if frames.dtype.kind not in "iu":
        return float("inf")
    brightest, largest = int(frames.max()), int(np.iinfo(frames.dtype).max)
    return float(brightest if brightest in {2**bits - 1 for bits in _CAMERA_BITS} else largest)


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
