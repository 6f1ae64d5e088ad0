"""Which pixels show the specimen: not the dead rim of the frame, not a grid bar, not NaN."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.core.errors import InputError
from napari_emrestore.registration._compile import compiled, has_numba
from napari_emrestore.registration.pyramid import readable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Mask = NDArray[np.bool_]

_DEAD = 0.05
"""A row or column this little alive (its deviation against that of the median one) is dead."""
_SAMPLES = 256
_BLOCKS = 128
_BAR_AREA = (0.01, 0.7)
_BAR_DEPTH = 3.0
_BAR_FLATNESS = 0.5
_HALVING_REACH_PX = 1


def find_mask(image: NDArray[Any]) -> Mask:
    """Return where an image shows the specimen.

    Left out are: a dead rim (outer rows and columns that are constant while the inside is not), grid bars
    (dark, flat regions that reach the rim of the live area), and pixels that are not finite.

    Parameters
    ----------
    image : ndarray, shape (Y, X)
        Any real dtype.

    Returns
    -------
    ndarray, shape (Y, X), bool
        All True for an image without any of these, and for a constant one.

    Raises
    ------
    InputError
        If `image` is not a two-dimensional array of real numbers.
    """
    if np.ndim(image) != 2 or np.asarray(image).dtype.kind not in "buif":
        raise InputError(
            "A mask is sought in one image (Y, X) of real numbers",
            came=f"shape {np.shape(image)} of type {np.asarray(image).dtype} came",
        )
    data = readable(np.asarray(image))
    mask = frame_mask(data)
    bars = _bars(data, mask)
    if mask is None:
        return np.ones(data.shape, dtype=np.bool_) if bars is None else ~bars
    return mask if bars is None else mask & ~bars


def frame_mask(image: NDArray[Any]) -> Mask | None:
    """Return where a frame is alive and finite, None where it is so everywhere.

    Looks at the four outermost lines only, unless one of them is dead: cheap enough for every frame.
    """
    live = _live_rectangle(image)
    finite = np.isfinite(image) if image.dtype.kind == "f" and not np.isfinite(image.sum()) else None
    if live is None and finite is None:
        return None
    mask = np.zeros(image.shape, dtype=np.bool_) if live is not None else np.ones(image.shape, dtype=np.bool_)
    if live is not None:
        mask[live] = True
    return mask if finite is None else mask & finite


def _live_rectangle(image: NDArray[Any]) -> tuple[slice, slice] | None:
    h, w = image.shape
    inside_y, inside_x = np.s_[h // 4 : h - h // 4], np.s_[w // 4 : w - w // 4]
    rim, typical = line_deviations(image, max(1, h // _SAMPLES), max(1, w // _SAMPLES))
    if not rim <= _DEAD * typical:
        return None
    rows = _deviation(image[:, inside_x], 1) > _DEAD * typical
    columns = _deviation(image[inside_y], 0) > _DEAD * typical
    if not (rows.any() and columns.any()):
        return None
    return _extent(rows), _extent(columns)


@compiled
def line_deviations(image: NDArray[Any], step_y: int, step_x: int) -> tuple[float, float]:
    """Return the least deviation of the four outermost lines and the mean one of four inside, sampled."""
    h, w = image.shape
    outer, inner = np.inf, 0.0
    for k in range(8):
        along_x, total, square, n = k % 2 == 0, 0.0, 0.0, 0
        at, low, step = (0, h // 3, step_y) if along_x else (0, w // 3, step_x)
        side = w if along_x else h
        if k in (2, 3):
            at = (h if along_x else w) - 1
        elif k > 3:
            at = low if k < 6 else (h if along_x else w) // 2
        step = step_x if along_x else step_y
        start, stop = (0, side) if k < 4 else (side // 4, side - side // 4)
        first = np.nan
        for i in range(start, stop, step):
            value = np.float64(image[at, i] if along_x else image[i, at])
            if math.isfinite(value):
                first = value if math.isnan(first) else first
                total += value - first
                square += (value - first) ** 2
                n += 1
        deviation = math.sqrt(max(square - total * total / max(n, 1), 0.0) / max(n, 1))
        if k < 4:
            outer = min(outer, deviation)
        else:
            inner += deviation / 4
    return outer, inner


def _extent(live: Mask) -> slice:
    where = np.flatnonzero(live)
    return slice(int(where[0]), int(where[-1]) + 1)


def _deviation(lines: NDArray[Any], axis: int) -> NDArray[np.float64]:
    """Return the standard deviation along an axis over finite pixels; 0 where there are none."""
    data = lines.astype(np.float64)
    finite = np.isfinite(data)
    if finite.all():
        return np.asarray(data.std(axis))
    n = np.maximum(finite.sum(axis), 1)
    mean = np.where(finite, data, 0).sum(axis) / n
    centred = np.where(finite, data - np.expand_dims(mean, axis), 0)
    return np.asarray(np.sqrt((centred**2).sum(axis) / n))


def _bars(image: NDArray[Any], mask: Mask | None) -> Mask | None:
    """Return dark, flat regions that reach the rim of the live area, widened by a block; None without any."""
    side = max(2, -(-max(image.shape) // _BLOCKS))
    rows, columns = image.shape[0] // side, image.shape[1] // side
    if min(rows, columns) < 8:
        return None
    level, spread, shown = _block_statistics(image, mask, side)
    if np.count_nonzero(shown) < 64:
        return None
    # At least half of a bar is flat, whatever else is: most images end here.
    roughest = np.quantile(spread[shown], (1 + _BAR_AREA[1]) / 2)
    if np.count_nonzero(spread[shown] < _BAR_FLATNESS * roughest) < _BAR_AREA[0] / 2 * shown.sum():
        return None
    dark = _reaching_the_rim(shown & np.asarray(level < _dark_limit(level[shown])), shown)
    share = np.count_nonzero(dark) / np.count_nonzero(shown)
    if not _BAR_AREA[0] <= share <= _BAR_AREA[1]:
        return None
    rest = shown & ~dark
    if level[rest].mean() - level[dark].mean() < _BAR_DEPTH * level[rest].std():
        return None
    if np.median(spread[dark]) > _BAR_FLATNESS * np.median(spread[rest]):
        return None
    return _widened(dark, side, image.shape)


def _block_statistics(
    image: NDArray[Any], mask: Mask | None, side: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], Mask]:
    """Return mean and deviation of blocks of `side` pixels, and which of them show the specimen."""
    rows, columns = image.shape[0] // side, image.shape[1] // side
    area = np.s_[: rows * side, : columns * side]
    shown = np.ones((rows, columns), dtype=np.bool_)
    if mask is not None:
        shown = np.asarray(mask[area].reshape(rows, side, columns, side).all(axis=(1, 3)))
    middle = float(np.median(image[:: 4 * side, :: 4 * side]))
    sums, squares = np.zeros((2, rows, columns))
    if has_numba():
        add_blocks(image, middle, side, sums, squares)
    else:
        pixels = image[area].astype(np.float64) - middle
        for total, quantity in ((sums, pixels), (squares, pixels**2)):
            total[:] = quantity.reshape(rows, side, columns, side).sum(axis=(1, 3))
    level = np.where(shown, sums, 0) / side**2
    return level, np.sqrt(np.maximum(np.where(shown, squares, 0) / side**2 - level**2, 0)), shown


@compiled
def add_blocks(
    image: NDArray[Any], middle: float, side: int, sums: NDArray[np.float64], squares: NDArray[np.float64]
) -> None:
    """Add up the pixels, less `middle`, of each block of `side` pixels, and their squares."""
    line = np.empty((2, sums.shape[1] * side), np.float32)
    total, square, shift = line[0], line[1], np.float32(middle)
    for r in range(sums.shape[0]):
        line[:] = np.float32(0)
        for y in range(r * side, (r + 1) * side):
            row = image[y]
            for i in range(total.size):
                value = np.float32(row[i]) - shift
                total[i] += value
                square[i] += value * value
        for column in range(sums.shape[1]):
            for i in range(column * side, (column + 1) * side):
                sums[r, column] += total[i]
                squares[r, column] += square[i]


def _dark_limit(levels: NDArray[np.float64]) -> float:
    """Return what is dark: a third of the way between two classes (Otsu 1979, 10.1109/TSMC.1979.4310076)."""
    ordered = np.sort(levels)
    n = np.arange(1, len(ordered))
    total = np.cumsum(ordered)
    low, high = total[:-1] / n, (total[-1] - total[:-1]) / (len(ordered) - n)
    split = int(np.argmax(n * (len(ordered) - n) * (high - low) ** 2))
    return float(low[split] + (high[split] - low[split]) / 3)


def _reaching_the_rim(dark: Mask, shown: Mask) -> Mask:
    from scipy import ndimage

    labels, count = ndimage.label(ndimage.binary_opening(dark, np.ones((3, 3))))
    rim = shown & ~ndimage.binary_erosion(shown, iterations=2)
    reaching = np.unique(labels[rim])
    return np.asarray(np.isin(labels, reaching[reaching > 0])) if count else dark


def _widened(dark: Mask, side: int, shape: tuple[int, ...]) -> Mask:
    from scipy import ndimage

    grown = ndimage.binary_dilation(dark, np.ones((3, 3)), iterations=2)
    full = np.zeros(shape, dtype=np.bool_)
    large = grown.repeat(side, axis=0).repeat(side, axis=1)
    full[: large.shape[0], : large.shape[1]] = large
    full[large.shape[0] :] = full[large.shape[0] - 1]
    full[:, large.shape[1] :] = full[:, large.shape[1] - 1 : large.shape[1]]
    return full


def halve_mask(mask: Mask) -> Mask:
    """Return the mask of an image at half size: pixels whose low-pass saw masked-in pixels only."""
    worn = wear(mask, _HALVING_REACH_PX)
    h, w = mask.shape[0] // 2 * 2, mask.shape[1] // 2 * 2
    worn = worn[:h, :w]
    return worn[::2, ::2] & worn[1::2, ::2] & worn[::2, 1::2] & worn[1::2, 1::2]


def wear(mask: Mask, reach_px: int) -> Mask:
    """Return the mask without pixels within `reach_px` rows or columns of a masked-out one."""
    worn = mask.copy()
    for d in range(1, reach_px + 1):
        worn[d:] &= mask[:-d]
        worn[:-d] &= mask[d:]
    out = worn.copy()
    for d in range(1, reach_px + 1):
        out[:, d:] &= worn[:, :-d]
        out[:, :-d] &= worn[:, d:]
    return out
