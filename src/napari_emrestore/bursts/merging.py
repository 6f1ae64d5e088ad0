"""Many registered frames become one image, without a model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from napari_emrestore.core import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from napari_emrestore.core import RegisteredBurst

    Rows = NDArray[np.float32]
    Held = NDArray[np.bool_]

MergeMethod = Literal["mean", "median", "sigma-clip"]

# Working memory of one strip of rows, in pixels over all frames; the result does not depend on it.
_STRIP_PIXELS = 1 << 22
_CLIP_ROUNDS = 5
_MAD_TO_DEVIATION = 1.4826022185056018
_FEWEST_TO_CLIP = 3
_TAME_SHARE = 0.99  # share of pixels trusted to hold no wild value in any frame


def merge(
    registered: RegisteredBurst, method: MergeMethod = "mean", *, clip_sigma: float = 3.0
) -> NDArray[np.float32]:
    """Return the accepted frames merged into one image.

    Parameters
    ----------
    registered : RegisteredBurst
        Frames on one grid.
    method : {"mean", "median", "sigma-clip"}
        ``median`` ignores single wild frames and is biased where electrons are few. ``sigma-clip`` is the
        mean without pixels more than `clip_sigma` deviations off their median over the frames (X-ray hits);
        the deviation is the larger of the pixel's own and the typical one of the burst, so that a pixel with
        few frames cannot clip its own noise. With fewer than three frames nothing can be told wild. Below
        about one electron per pixel and frame an honest electron is wild: use ``mean`` there.
    clip_sigma : float
        In standard deviations, above 0.

    Returns
    -------
    ndarray, shape (Y, X), float32
        Input units, over the frames valid at each pixel. Where none is, the mean of the frames' fill values.

    Raises
    ------
    InputError
        If the method is unknown or `clip_sigma` is not positive.

    Notes
    -----
    Works in strips of rows: beside the result only a few tens of megabytes are taken at any burst size.
    """
    if method not in get_args(MergeMethod):
        raise InputError(f"Frames merge by {', '.join(get_args(MergeMethod))}", came=f"{method!r} came")
    if not clip_sigma > 0:
        raise InputError("Sigma clipping needs a limit above 0", came=f"{clip_sigma} came")
    merge_rows = _merger(registered, method, clip_sigma)
    merged = np.empty(registered.aligned.shape[1:], dtype=np.float32)
    for rows in _strips(registered.aligned.shape):
        frames, valid = registered.aligned[:, rows], registered.valid[:, rows]
        # A pixel no frame has seen takes part in all frames with their fill values.
        merged[rows] = merge_rows(frames, valid | ~valid.any(axis=0))
    return merged


def _merger(
    registered: RegisteredBurst, method: MergeMethod, clip_sigma: float
) -> Callable[[Rows, Held], NDArray[np.floating]]:
    if method == "mean":
        return _mean
    if method == "median":
        return _median
    floor = _typical_deviation(registered)
    return lambda frames, valid: _clipped_mean(frames, valid, clip_sigma, floor)


def _strips(shape: tuple[int, ...]) -> list[slice]:
    step = max(_STRIP_PIXELS // (shape[0] * shape[2]), 1)
    return [slice(top, top + step) for top in range(0, shape[1], step)]


def _mean(frames: Rows, valid: Held) -> NDArray[np.floating]:
    return np.asarray(np.mean(frames, axis=0, dtype=np.float64, where=valid))


def _median(frames: Rows, valid: Held) -> NDArray[np.floating]:
    """Return the median over the valid frames, of which every pixel has one."""
    if valid.all():
        return np.asarray(np.median(frames, axis=0))
    ordered = np.sort(np.where(valid, frames, np.float32(np.inf)), axis=0)
    count = valid.sum(axis=0)
    middle = [np.take_along_axis(ordered, at[None], axis=0)[0] for at in ((count - 1) // 2, count // 2)]
    return np.asarray((middle[0] + middle[1]) / 2)


def _clipped_mean(frames: Rows, valid: Held, limit: float, floor: float) -> NDArray[np.floating]:
    values, kept = frames.reshape(len(frames), -1), valid.reshape(len(frames), -1).copy()
    unsettled = np.arange(values.shape[1])
    for _ in range(_CLIP_ROUNDS):
        before = kept[:, unsettled]
        closer = _not_wild(values[:, unsettled], before, limit, floor)
        kept[:, unsettled] = closer
        unsettled = unsettled[(closer != before).any(axis=0)]
        if not unsettled.size:
            break
    return _mean(values, kept).reshape(frames.shape[1:])


def _not_wild(values: Rows, kept: Held, limit: float, floor: float) -> Held:
    """Return which of the kept values are near their median; all of them where none would be left."""
    distance = np.abs(values - _median(values, kept))
    deviation = np.maximum(_MAD_TO_DEVIATION * _median(distance, kept), floor)
    closer = kept & (distance <= limit * deviation)
    return np.asarray(closer | (kept & ~closer.any(axis=0)))


def _typical_deviation(registered: RegisteredBurst) -> float:
    """Return the deviation over the frames of a typical, not wild, pixel; from evenly spread rows."""
    count, height, width = registered.aligned.shape
    rows = np.unique(np.linspace(0, height - 1, max(_STRIP_PIXELS // (count * width), 1)).round().astype(int))
    frames, valid = registered.aligned[:, rows], registered.valid[:, rows]
    judged = valid.sum(axis=0) >= _FEWEST_TO_CLIP
    if not judged.any():
        return float("inf")
    variances = np.var(frames[:, judged], axis=0, dtype=np.float64, ddof=1, where=valid[:, judged])
    return float(np.sqrt(variances[variances <= np.quantile(variances, _TAME_SHARE)].mean()))
