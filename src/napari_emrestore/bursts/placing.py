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


def place_frames(
    area: Area,
    frames: NDArray[Any],
    warps: Sequence[Warp],
    chosen: Sequence[int],
    reference: int,
    monitor: Monitor,
) -> tuple[list[NDArray[np.float32]], list[NDArray[np.bool_]]]:
    """Return the `chosen` frames on `area`, and where each holds finite data; elsewhere it holds its mean.

    The reference is not interpolated.
    """
    aligned, valid = [], []
    for done, index in enumerate(chosen):
        frame = frames[index]
        image, held = _copy(frame, area) if index == reference else _resample(frame, warps[index], area)
        image[~held] = _finite_mean(frame)
        aligned.append(image)
        valid.append(held)
        monitor.step(done + 1, len(chosen), "resampling frames")
    return aligned, valid


def _finite_mean(frame: NDArray[Any]) -> float:
    """Return the mean of the finite pixels, 0 without any."""
    finite = np.isfinite(frame)
    return float(frame.mean(dtype=np.float64, where=finite)) if finite.any() else 0.0


def _resample(frame: NDArray[Any], warp: Warp, area: Area) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    from napari_emrestore.registration import resample

    to_area = Warp.from_shift((float(area.y), float(area.x)), score=1.0)
    return resample(frame, warp.after(to_area), shape=(area.height, area.width))


def _copy(frame: NDArray[Any], area: Area) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return the part of an unmoved frame in `area`, and where it is."""
    image = np.zeros((area.height, area.width), dtype=np.float32)
    held = np.zeros(image.shape, dtype=bool)
    rows = slice(max(area.y, 0), min(area.y + area.height, frame.shape[0]))
    columns = slice(max(area.x, 0), min(area.x + area.width, frame.shape[1]))
    inside = (
        slice(rows.start - area.y, rows.stop - area.y),
        slice(columns.start - area.x, columns.stop - area.x),
    )
    image[inside] = frame[rows, columns]
    held[inside] = np.isfinite(frame[rows, columns])
    return image, held
