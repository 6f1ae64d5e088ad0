"""Bringing frames onto a rectangle of the reference grid, with masks of where they hold measured data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.core import Warp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_emrestore.bursts.areas import Area
    from napari_emrestore.core import Monitor


def fill_missing(frames: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.bool_] | None]:
    """Return the frames with the frame's mean where a pixel is not finite, and where that was."""
    if frames.dtype.kind != "f":
        return frames, None
    missing = ~np.isfinite(frames)
    if not missing.any():
        return frames, None
    filled = frames.copy()
    for frame, holes in zip(filled, missing, strict=True):
        frame[holes] = 0 if holes.all() else frame[~holes].mean(dtype=np.float64)
    return filled, missing


def resample_onto(
    area: Area,
    filled: NDArray[Any],
    warps: Sequence[Warp],
    chosen: Sequence[int],
    reference: int,
    monitor: Monitor,
) -> tuple[list[NDArray[np.float32]], list[NDArray[np.bool_]]]:
    """Return the `chosen` frames on `area`, and where each holds data; elsewhere it holds its mean.

    The reference is not interpolated.
    """
    aligned, valid = [], []
    for done, index in enumerate(chosen):
        frame = filled[index]
        image, held = _place(frame, area) if index == reference else _resample(frame, warps[index], area)
        image[~held] = frame.mean(dtype=np.float64)
        aligned.append(image)
        valid.append(held)
        monitor.step(done + 1, len(chosen), "resampling frames")
    return aligned, valid


def _resample(frame: NDArray[Any], warp: Warp, area: Area) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    from napari_emrestore.registration import resample

    to_area = Warp.from_shift((float(area.y), float(area.x)), score=1.0)
    image, held = resample(frame, warp.after(to_area), shape=(area.height, area.width))
    return image, held


def _place(frame: NDArray[Any], area: Area) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return the part of an unmoved frame in `area`, without interpolation, and where it is."""
    image = np.zeros((area.height, area.width), dtype=np.float32)
    held = np.zeros(image.shape, dtype=bool)
    ends = area.y + area.height, area.x + area.width
    rows = slice(max(area.y, 0), min(ends[0], frame.shape[0]))
    columns = slice(max(area.x, 0), min(ends[1], frame.shape[1]))
    inside = (
        slice(rows.start - area.y, rows.stop - area.y),
        slice(columns.start - area.x, columns.stop - area.x),
    )
    image[inside], held[inside] = frame[rows, columns], True
    return image, held


def mask_missing(
    missing: NDArray[np.bool_] | None,
    area: Area,
    warps: Sequence[Warp],
    accepted: Sequence[int],
    valid: Sequence[NDArray[np.bool_]],
) -> None:
    """Take every pixel out of `valid` into which a missing pixel was interpolated."""
    if missing is None:
        return
    for index, held in zip(accepted, valid, strict=True):
        if missing[index].any():
            weight, _ = _resample(missing[index].astype(np.float32), warps[index], area)
            held &= np.abs(weight) < 1e-3
