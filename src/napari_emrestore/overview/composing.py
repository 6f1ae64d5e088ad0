"""One tile of a mosaic: a pure function of the plan, the frames and the restorer."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.core import Warp
from napari_emrestore.overview.places import CELL_PX, Patch, cell_area, covered, plan_bursts
from napari_emrestore.overview.planning import CONFIDENCE_PX
from napari_emrestore.overview.reading import EvenReader
from napari_emrestore.restoration.plan import Rect

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_emrestore.core import Restorer
    from napari_emrestore.overview.layout import Layout
    from napari_emrestore.overview.planning import MosaicPlan
    from napari_emrestore.overview.reading import FrameSeries

_LEAST_WEIGHT = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class TileImages:
    """The finished pixels of one tile.

    Attributes
    ----------
    tile : Rect
        Where they belong.
    images : mapping of str to ndarray, shape of the tile
        ``raw`` and, as far as planned, ``restored`` (float32, input units), ``coverage`` (float32, share of
        the wanted frames that were there), ``frames`` (uint16, how many frames show the place), ``residual``
        (float32, px, how far pairs would have the frames used elsewhere) and ``confidence`` (float32, 0 to 1,
        share of the local variance on which the frames of the burst agree). NaN where nothing is known.
    """

    tile: Rect
    images: dict[str, NDArray[Any]]


def mosaic_tile(
    plan: MosaicPlan,
    source: FrameSeries | EvenReader,
    tile: Rect,
    restorer: Restorer | None = None,
) -> TileImages:
    """Return one tile of a mosaic; tiles can be made in any order, anywhere, and agree with each other.

    Parameters
    ----------
    plan : MosaicPlan
        Of `plan_mosaic` with this restorer.
    source : FrameSeries or EvenReader
        The frames; a reader that is kept for many tiles reads each frame less often.
    tile : Rect
        One of ``plan.tiles``.
    restorer : Restorer, optional
        The one the plan was made for.
    """
    reader = source if isinstance(source, EvenReader) else EvenReader(source, plan.layout.shading)
    images: dict[str, NDArray[Any]] = {}
    area = plan.read_area(tile)
    keep = tile.within(area).slices
    if plan.composition == "best":
        images["raw"] = _put_together(plan.layout, reader, tile, 1).frames[0]
    else:
        images["raw"] = _blended(plan.layout, reader, tile)
    if not (plan.restores or plan.maps):
        return TileImages(tile, images)
    burst = _put_together(plan.layout, reader, area, plan.frames)
    if plan.restores and restorer is not None:
        images["restored"] = _restored(plan, burst, restorer)[keep]
    if plan.maps:
        shown = frame_count(plan.layout, tile)
        images["coverage"] = (np.minimum(shown, plan.frames) / plan.frames).astype(np.float32)
        images["frames"] = np.minimum(shown, np.iinfo(np.uint16).max).astype(np.uint16)
        images["residual"] = burst.residual_px[keep]
        images["confidence"] = _confidence(burst)[keep]
    return TileImages(tile, images)


@dataclass(frozen=True, slots=True, eq=False)
class _Burst:
    """The burst of a place, put together from frames that end at different places.

    Attributes
    ----------
    frames : ndarray, shape (N, Y, X), float32
        The nearest frames at each pixel; NaN where there are not so many.
    residual_px : ndarray, shape (Y, X), float32
        Root mean square of the residuals of the frames used; NaN where none is known.
    """

    frames: NDArray[np.float32]
    residual_px: NDArray[np.float32]


def _put_together(layout: Layout, reader: EvenReader, area: Rect, most: int) -> _Burst:
    cells = cell_area(area)
    frames = np.full((most, *cells.shape), np.nan, np.float32)
    squares, known = np.zeros(cells.shape, np.float32), np.zeros(cells.shape, np.float32)
    for number, group in groupby(plan_bursts(layout, cells, most), key=lambda patch: patch.frame):
        patches = list(group)
        around = _around(patches)
        where = Rect(*(edge + cells.y0 for edge in around[:2]), *(edge + cells.x0 for edge in around[2:]))
        pixels = _resampled(layout, reader, number, where)[0]
        residual = np.float32(layout.residual_px[number] ** 2)
        for patch in patches:
            y, x = patch.cell[0] * CELL_PX, patch.cell[1] * CELL_PX
            block = np.s_[y : y + CELL_PX, x : x + CELL_PX]
            seen = pixels[y - around[0] :, x - around[2] :][:CELL_PX, :CELL_PX]
            taken = _fill(frames[(slice(None), *block)], seen, patch)
            if np.isfinite(residual):
                squares[block] += residual * taken
                known[block] += taken
    inner = area.within(cells).slices
    with np.errstate(invalid="ignore"):
        root = np.sqrt(squares[inner] / known[inner])
    return _Burst(np.ascontiguousarray(frames[(slice(None), *inner)]), root)


def _fill(slots: NDArray[np.float32], seen: NDArray[np.float32], patch: Patch) -> NDArray[np.bool_] | bool:
    """Put a frame's pixels into their slots ``(N, cell, cell)`` and return where they were taken."""
    if patch.slots is None:
        slots[patch.slot] = seen
        return True
    for slot in np.unique(patch.slots[patch.slots >= 0]):
        np.copyto(slots[slot], seen, where=patch.slots == slot)
    return np.asarray(patch.slots >= 0)


def _around(patches: list[Patch]) -> tuple[int, int, int, int]:
    rows, columns = ([patch.cell[axis] * CELL_PX for patch in patches] for axis in (0, 1))
    return min(rows), max(rows) + CELL_PX, min(columns), max(columns) + CELL_PX


def _resampled(
    layout: Layout, reader: EvenReader, number: int, where: Rect
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return a frame's pixels on a rectangle of the mosaic, NaN outside it, and where they are measured."""
    from napari_emrestore.registration import resample

    y, x = layout.places_px[number]
    pixels, valid = resample(reader[number], Warp.from_shift((where.y0 - y, where.x0 - x)), shape=where.shape)
    pixels[~valid] = np.nan
    return pixels, valid


def _blended(layout: Layout, reader: EvenReader, tile: Rect) -> NDArray[np.float32]:
    """Return the mean of all frames at each pixel, weighted by the distance to their rims."""
    total, weights = np.zeros(tile.shape, np.float32), np.zeros(tile.shape, np.float32)
    for number in layout.frames_in(tile):
        part = _overlap(layout, int(number), tile)
        if part is None:
            continue
        pixels, valid = _resampled(layout, reader, int(number), part)
        share = _fading(layout, int(number), part) * valid
        inner = part.within(tile).slices
        total[inner] += np.where(valid, pixels, np.float32(0)) * share
        weights[inner] += share
    with np.errstate(invalid="ignore"):
        return np.asarray(total / np.where(weights > 0, weights, np.float32(np.nan)))


def _overlap(layout: Layout, number: int, tile: Rect) -> Rect | None:
    """Return the part of a tile that a frame reaches."""
    (y, x), (h, w) = layout.places_px[number], layout.frame_shape
    part = Rect(
        max(tile.y0, int(np.floor(y))),
        min(tile.y1, int(np.ceil(y)) + h),
        max(tile.x0, int(np.floor(x))),
        min(tile.x1, int(np.ceil(x)) + w),
    )
    return part if min(part.shape) > 0 else None


def _fading(layout: Layout, number: int, part: Rect) -> NDArray[np.float32]:
    """Return weights that fall to nearly nothing at a frame's rim."""
    sides = []
    for axis, (low, high) in enumerate(((part.y0, part.y1), (part.x0, part.x1))):
        side = layout.frame_shape[axis]
        at = np.arange(low, high) - layout.places_px[number, axis]
        sides.append(np.clip(1 - np.abs(2 * at / max(side - 1, 1) - 1), _LEAST_WEIGHT, 1))
    return np.asarray(np.outer(*sides), np.float32)


def frame_count(layout: Layout, tile: Rect) -> NDArray[np.int32]:
    """Return how many frames show each pixel of a tile."""
    count = np.zeros(tile.shape, np.int32)
    y, x = np.arange(tile.y0, tile.y1), np.arange(tile.x0, tile.x1)
    for number in layout.frames_in(tile):
        rows, columns = (covered(layout, int(number), axis, at) for axis, at in ((0, y), (1, x)))
        count[np.ix_(rows, columns)] += 1
    return count


def _restored(plan: MosaicPlan, burst: _Burst, restorer: Restorer) -> NDArray[np.float32]:
    """Return the restoration of a burst; slots no frame fills hold the mean of those that are filled."""
    from napari_emrestore.restoration import restore

    frames = _without_gaps(burst.frames)
    data = frames.mean(axis=0, dtype=np.float32) if restorer.frames[1] == 1 else frames
    made = restore(data, restorer, intensity=plan.intensity, noise=plan.noise)
    return np.asarray(made.image, np.float32)


def _without_gaps(frames: NDArray[np.float32]) -> NDArray[np.float32]:
    gaps = np.isnan(frames)
    if not gaps.any():
        return frames
    held = (~gaps).sum(axis=0)
    total = np.where(gaps, np.float32(0), frames).sum(axis=0)
    return np.where(gaps, total / np.where(held > 0, held, np.float32(np.nan)), frames)


def _confidence(burst: _Burst) -> NDArray[np.float32]:
    """Return the share of the local variance of the burst's mean that is no scatter of its frames, 0 to 1.

    NaN where fewer than two frames are.
    """
    from scipy.ndimage import uniform_filter

    frames = burst.frames
    held = np.isfinite(frames).sum(axis=0)
    enough = held >= 2
    filled = np.where(enough, _without_gaps(frames).mean(axis=0), np.float32(0))
    off = np.where(np.isfinite(frames) & enough, frames - filled, np.float32(0))
    scatter = (off**2).sum(axis=0) / np.maximum(held - 1, 1) / np.maximum(held, 1)
    local = [uniform_filter(image.astype(np.float64), CONFIDENCE_PX, mode="constant") for image in
             (enough, filled * enough, filled.astype(np.float64)**2 * enough, scatter * enough)]  # fmt: skip
    with np.errstate(invalid="ignore", divide="ignore"):
        share, mean, square, noise = local[0], *(part / local[0] for part in local[1:])
        variance = square - mean**2
        agreed = np.where(variance > 0, 1 - noise / variance, 0.0)
    return np.where(enough & (share > 0), np.clip(agreed, 0, 1), np.nan).astype(np.float32)
