"""Two frames that show a common part: how far they are apart, and how their brightness compares there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from napari_emrestore.core import EmRestoreError

if TYPE_CHECKING:
    from numpy.typing import NDArray

LinkKind = Literal["follow", "overlap"]
LEAST_OVERLAP_PX = 32
"""A narrower overlap holds too little structure for a displacement that can be trusted."""
_AGREE_PX = 1.5
_LOOKS = 3
_BLOCK_SHARE = 8
LEAST_EVIDENCE = 5.0
"""Frames that share nothing reach 4 by the search for the best displacement; true overlaps lie above 6."""
_FINE_SIDE = 128
_ROUGH_PX = 5


@dataclass(frozen=True, slots=True)
class Link:
    """What two frames say about each other.

    Attributes
    ----------
    first, second : int
        Positions of the frames in the stream.
    offset_px : tuple of float
        ``(y, x)`` place of the second frame's first pixel, seen from that of the first.
    score : float
        Correlation of the two signals, -1 to 1.
    share : float
        Overlap as a share of a frame's area.
    evidence : float
        How many standard deviations above chance the fine structure of both agrees there.
    kind : {"follow", "overlap"}
        Whether it was found while the stream was followed, or because the two places overlap.
    """

    first: int
    second: int
    offset_px: tuple[float, float]
    score: float
    share: float
    evidence: float
    kind: LinkKind

    @property
    def weight(self) -> float:
        """What the pair counts: the variance of a displacement falls with the square of the evidence."""
        return max(self.evidence, LEAST_EVIDENCE) ** 2


def overlap_share(offset_px: tuple[float, float], shape: tuple[int, int]) -> float:
    """Return the common share of the area of two frames so far apart, 0 to 1."""
    sides = [max(0.0, 1 - abs(d) / n) for d, n in zip(offset_px, shape, strict=True)]
    return sides[0] * sides[1]


def common_parts(
    offset_px: tuple[float, float], shape: tuple[int, int]
) -> tuple[tuple[slice, slice], tuple[slice, slice], tuple[int, int]]:
    """Return the common rectangle in the first and in the second frame, and the whole offset it is for."""
    dy, dx = (round(d) for d in offset_px)
    (h, w) = shape
    first = np.s_[max(0, dy) : min(h, h + dy), max(0, dx) : min(w, w + dx)]
    second = np.s_[max(0, -dy) : min(h, h - dy), max(0, -dx) : min(w, w - dx)]
    return first, second, (dy, dx)


def measure_link(
    images: tuple[NDArray[Any], NDArray[Any]],
    numbers: tuple[int, int],
    guess_px: tuple[float, float] | None,
) -> Link | None:
    """Return how far two frames are apart; None if they do not tell.

    Only the part the guess makes common is compared. A displacement found there changes that part, so it is
    looked at again until it stays, which also is the proof that it was no chance.

    Parameters
    ----------
    images : tuple of ndarray, shape (Y, X)
        Both frames.
    numbers : tuple of int
        Their positions in the stream.
    guess_px : tuple of float
        ``(y, x)`` of the second from the first, good to half the width of the overlap. ``None`` searches up
        to half a side.
    """
    from napari_emrestore.registration import estimate_warp

    shape = images[0].shape[0], images[0].shape[1]
    offset = (0.0, 0.0) if guess_px is None else guess_px
    for _ in range(_LOOKS):
        ours, theirs, whole = common_parts(offset, shape)
        first, second = images[0][ours], images[1][theirs]
        if min(first.shape) < LEAST_OVERLAP_PX:
            return None
        try:
            warp = estimate_warp(first, second, kind="translation")
        except EmRestoreError:  # nothing to be seen, or nothing alike
            return None
        dy, dx = warp.shift_px(first.shape)
        offset = whole[0] - dy, whole[1] - dx
        if max(abs(dy), abs(dx)) < _AGREE_PX:
            found = evidence(images, offset)
            if found < LEAST_EVIDENCE:
                return None
            return Link(*numbers, offset, warp.score, overlap_share(offset, shape), found, "overlap")
    return None


def evidence(images: tuple[NDArray[Any], NDArray[Any]], offset_px: tuple[float, float]) -> float:
    """Return how many standard deviations above chance two frames agree in their common part.

    The correlation coefficient of what is finer than a few pixels of two reduced copies, by Fisher's
    transform; the larger of both counts. Smooth shading and single noisy pixels have no part in it.

    Parameters
    ----------
    images : tuple of ndarray, shape (Y, X)
        Both frames.
    offset_px : tuple of float
        ``(y, x)`` of the second from the first.
    """
    shape = images[0].shape[0], images[0].shape[1]
    ours, theirs, _ = common_parts(offset_px, shape)
    fine = max(2, min(shape) // _FINE_SIDE)
    found = [_agreement(images[0][ours], images[1][theirs], step) for step in (fine, 2 * fine)]
    return max(found)


def _agreement(first: NDArray[Any], second: NDArray[Any], step: int) -> float:
    from scipy.ndimage import uniform_filter

    h, w = (n // step for n in first.shape)
    if min(h, w) < _ROUGH_PX:
        return 0.0
    rough = []
    for image in (first, second):
        blocks = np.asarray(image[: h * step, : w * step], np.float32).reshape(h, step, w, step)
        small = np.nan_to_num(blocks.mean(axis=(1, 3)))
        small -= uniform_filter(small, _ROUGH_PX, mode="nearest")
        rough.append((small - small.mean()).ravel())
    spread = float(np.sqrt((rough[0] @ rough[0]) * (rough[1] @ rough[1])))
    r = float(rough[0] @ rough[1]) / spread if spread > 0 else 0.0
    return float(np.arctanh(min(max(r, 0.0), 0.9999)) * np.sqrt(h * w))


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """The brightness of two frames where they show the same.

    Attributes
    ----------
    first, second : int
        Positions of the frames in the stream.
    at_first, at_second : ndarray, shape (S, 2)
        Centres of blocks of the common part ``(y, x)`` in either frame.
    log_ratio : ndarray, shape (S,)
        Logarithm of the second frame's mean in a block over the first's.
    """

    first: int
    second: int
    at_first: NDArray[np.float32]
    at_second: NDArray[np.float32]
    log_ratio: NDArray[np.float32]


def compare_brightness(
    images: tuple[NDArray[Any], NDArray[Any]],
    numbers: tuple[int, int],
    offset_px: tuple[float, float],
    dark: float,
) -> Comparison | None:
    """Return the brightness of two frames block by block of their common part; None if nothing is common.

    Parameters
    ----------
    images : tuple of ndarray, shape (Y, X)
        Both frames.
    numbers : tuple of int
        Their positions in the stream.
    offset_px : tuple of float
        ``(y, x)`` of the second from the first.
    dark : float
        Value of no signal; blocks no brighter than it are left out.
    """
    shape = images[0].shape[0], images[0].shape[1]
    ours, theirs, (dy, dx) = common_parts(offset_px, shape)
    first, second = images[0][ours], images[1][theirs]
    if min(first.shape) < LEAST_OVERLAP_PX:
        return None
    rows, columns = (
        _edges(n, max(2, side // _BLOCK_SHARE)) for n, side in zip(first.shape, shape, strict=True)
    )
    a, b = (_block_means(image, rows, columns) - dark for image in (first, second))
    y = ours[0].start + (rows[:-1] + rows[1:] - 1) / 2
    x = ours[1].start + (columns[:-1] + columns[1:] - 1) / 2
    usable = np.isfinite(a) & np.isfinite(b) & (a > 0) & (b > 0)
    places = np.stack(np.meshgrid(y, x, indexing="ij"), axis=-1)[usable]
    ratio = np.log(b[usable] / a[usable])
    at_second = places - (dy, dx)
    return Comparison(
        *numbers, places.astype(np.float32), at_second.astype(np.float32), ratio.astype(np.float32)
    )


def _edges(length: int, block: int) -> NDArray[np.int64]:
    return np.linspace(0, length, max(1, length // block) + 1).round().astype(np.int64)


def _block_means(
    image: NDArray[Any], rows: NDArray[np.int64], columns: NDArray[np.int64]
) -> NDArray[np.float64]:
    across = np.add.reduceat(image, columns[:-1], axis=1, dtype=np.float64)
    sums = np.add.reduceat(across, rows[:-1], axis=0)
    return np.asarray(sums / np.outer(np.diff(rows), np.diff(columns)))
