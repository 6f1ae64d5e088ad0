"""How an image is cut into windows: pure data, no pixels.

The image is extended at its end (bottom, right) to a multiple of the stride and then cut into windows whose
origins and sizes are multiples of the stride. A window at a true image edge ends there and is never padded,
so the network's own border handling acts where it acts on the whole image and nowhere else. Of each window
`halo` pixels towards its neighbours are thrown away; what is kept covers every pixel once. With the exact
halo of a network without image-wide statistics, tiles then equal the whole image.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.core import InputError, TilingRule

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LEAST_PX = 32  # side of a chosen window; below, calls cost more than pixels
_LOWEST_WEIGHT = 0.1  # of a blended window at its rim: never near zero, where rounding would show


@dataclass(frozen=True, slots=True)
class Rect:
    """A rectangle of pixels, rows ``y0 <= y < y1`` and columns ``x0 <= x < x1``."""

    y0: int
    y1: int
    x0: int
    x1: int

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.y1 - self.y0, self.x1 - self.x0

    @property
    def slices(self) -> tuple[slice, slice]:
        """The rectangle as an index of an image."""
        return slice(self.y0, self.y1), slice(self.x0, self.x1)

    def within(self, other: Rect) -> Rect:
        """Return the same pixels, counted from the first pixel of `other`."""
        y, x = other.y0, other.x0
        return Rect(self.y0 - y, self.y1 - y, self.x0 - x, self.x1 - x)

    def grown(self, pixels: int) -> Rect:
        """Return the rectangle with so many pixels more on each side."""
        return Rect(self.y0 - pixels, self.y1 + pixels, self.x0 - pixels, self.x1 + pixels)

    def clipped(self, shape: tuple[int, int]) -> Rect:
        """Return the part that lies in an image ``(Y, X)``; perhaps none, of height or width 0."""
        y0, x0 = min(max(self.y0, 0), shape[0]), min(max(self.x0, 0), shape[1])
        return Rect(y0, max(y0, min(self.y1, shape[0])), x0, max(x0, min(self.x1, shape[1])))


@dataclass(frozen=True, slots=True)
class Window:
    """One piece of work.

    Attributes
    ----------
    read : Rect
        What the restorer sees; in the extended image, on the stride grid.
    write : Rect
        What it is responsible for; in the true image.
    """

    read: Rect
    write: Rect

    @property
    def keep(self) -> Rect:
        """The part of the restorer's output that goes to `write`."""
        return self.write.within(self.read)


@dataclass(frozen=True, slots=True)
class TilePlan:
    """All windows of one image, row by row.

    Attributes
    ----------
    shape : tuple of int
        ``(Y, X)`` of the image.
    window : tuple of int
        ``(Y, X)`` of the largest window; the last ones of a row or column may be smaller.
    rule : TilingRule
        The rule it follows, with the halo rounded up to the stride.
    windows : tuple of Window
        Their `write` rectangles cover each pixel once; in mode ``"blend"`` they overlap and are weighted
        by `blend_weights`, which sum to 1 in each pixel.
    """

    shape: tuple[int, int]
    window: tuple[int, int]
    rule: TilingRule
    windows: tuple[Window, ...]

    @property
    def blended(self) -> bool:
        """Whether neighbouring windows are mixed rather than cut."""
        return self.rule.mode == "blend" and len(self.windows) > 1

    def describe(self) -> dict[str, Any]:
        """Return the plan in a few numbers, as plain JSON."""
        return {
            "window": list(self.window),
            "windows": len(self.windows),
            "stride": self.rule.stride,
            "halo": self.rule.halo,
            "mode": self.rule.mode,
        }


def plan_tiles(shape: tuple[int, int], rule: TilingRule, window: tuple[int, int]) -> TilePlan:
    """Return the windows of one image.

    Parameters
    ----------
    shape : tuple of int
        ``(Y, X)`` of the image, from ``(1, 1)``.
    rule : TilingRule
        Of the restorer. A halo off the stride grid is rounded up to it.
    window : tuple of int
        ``(Y, X)`` of the windows, multiples of the stride. An axis on which the extended image is not
        larger gets one window of the image's size; on any other axis the window must exceed two halos.

    Raises
    ------
    InputError
        If a window is off the stride grid or too small, or the rule forbids the tiles this needs.
    """
    rule = TilingRule(rule.stride, round_up(rule.halo, rule.stride), rule.mode)
    rows, columns = (_axis(n, w, rule) for n, w in zip(shape, window, strict=True))
    windows = tuple(
        Window(Rect(*row[:2], *column[:2]), Rect(*row[2:], *column[2:])) for row in rows for column in columns
    )
    if rule.mode == "whole" and len(windows) > 1:
        raise InputError(
            "This restorer uses statistics of the whole image and must see it in one piece",
            came=f"windows of {window[0]} x {window[1]} px came for an image of {shape[0]} x {shape[1]} px",
            remedy="Choose tile='auto', crop the image, or take another restorer.",
        )
    return TilePlan(shape, windows[0].read.shape, rule, windows)


def plan_blocks(shape: tuple[int, int], rule: TilingRule, block: tuple[int, int]) -> TilePlan:
    """Return windows that write the blocks of a regular grid, for example the chunks of an array on disk.

    Each block is written by one window and no other, so that windows may be worked on anywhere, in any
    order, and at once.

    Parameters
    ----------
    shape : tuple of int
        ``(Y, X)`` of the image, from ``(1, 1)``.
    rule : TilingRule
        Of the restorer, mode ``"exact"``, or another one if a single block holds the image.
    block : tuple of int
        ``(Y, X)`` of the blocks, multiples of the stride; those at the end may be smaller.

    Raises
    ------
    InputError
        If a block is off the stride grid, or the rule forbids the pieces this needs.
    """
    rule = TilingRule(rule.stride, round_up(rule.halo, rule.stride), rule.mode)
    rows, columns = (_block_axis(n, b, rule) for n, b in zip(shape, block, strict=True))
    windows = tuple(
        Window(Rect(*row[:2], *column[:2]), Rect(*row[2:], *column[2:])) for row in rows for column in columns
    )
    if rule.mode != "exact" and len(windows) > 1:
        raise InputError(
            "Only a restorer without statistics of the whole image works block by block",
            came=f"one of mode {rule.mode!r} came for an image of {shape[0]} x {shape[1]} px",
            remedy="Take another restorer, or restore the image in one piece.",
        )
    largest = max((window.read.shape for window in windows), key=lambda sides: sides[0] * sides[1])
    return TilePlan(shape, largest, rule, windows)


def choose_window(shape: tuple[int, int], rule: TilingRule, max_px: int) -> tuple[int, int]:
    """Return the window shape that computes the fewest pixels with windows of at most `max_px` pixels.

    One window is the whole image if that fits. If not even the smallest sensible window (a core as wide as
    its halo, 32 px in all) fits, that one is returned: smaller ones would spend nearly all work on halos.

    Parameters
    ----------
    shape : tuple of int
        ``(Y, X)`` of the image.
    rule : TilingRule
        Of the restorer; mode ``"whole"`` always gets the whole image.
    max_px : int
        Most pixels in a window.
    """
    halo = round_up(rule.halo, rule.stride)
    whole = tuple(round_up(n, rule.stride) for n in shape)
    if rule.mode == "whole" or whole[0] * whole[1] <= max_px:
        return whole[0], whole[1]
    least = max(2 * halo + max(rule.stride, halo), round_up(_LEAST_PX, rule.stride))
    low, wide = min(least, whole[0]), min(least, whole[1])
    best, best_cost = (low, wide), float("inf")
    for rows in range(1, _window_count(whole[0], low, halo) + 1):
        height = max(low, _even_window(whole[0], rows, halo, rule.stride))
        room = max_px // height // rule.stride * rule.stride
        if room < wide:
            continue
        columns = _window_count(whole[1], room, halo)
        cost = (whole[0] + 2 * halo * (rows - 1)) * (whole[1] + 2 * halo * (columns - 1))
        if cost < best_cost:
            best_cost = cost
            best = height, max(wide, _even_window(whole[1], columns, halo, rule.stride))
    return best


def split_window(plan: TilePlan, window: Window, max_px: int) -> tuple[Window, ...]:
    """Return smaller windows that write what `window` writes, for a plan that is not blended.

    Parameters
    ----------
    plan : TilePlan
        The plan `window` belongs to.
    window : Window
        One that proved too large.
    max_px : int
        Most pixels in a new window; the smallest sensible window may exceed it.
    """
    inner = window.read
    part = plan_tiles(inner.shape, plan.rule, choose_window(inner.shape, plan.rule, max_px))
    moved = (_moved(piece, inner.y0, inner.x0) for piece in part.windows)
    cut = (Window(piece.read, _intersection(piece.write, window.write)) for piece in moved)
    return tuple(piece for piece in cut if min(piece.write.shape) > 0)


def blend_weights(plan: TilePlan, window: Window) -> NDArray[np.float32]:
    """Return the weight of each pixel that `window` writes in a blended plan, shape of its `write`.

    Weights fall linearly towards neighbouring windows, to no less than a tenth, and are scaled so that the
    weights of all windows sum to 1 in each pixel.
    """
    own = window.write
    rows = {(w.write.y0, w.write.y1) for w in plan.windows}
    columns = {(w.write.x0, w.write.x1) for w in plan.windows}
    row = _axis_weights(plan.shape[0], plan.rule.halo, rows, (own.y0, own.y1))
    column = _axis_weights(plan.shape[1], plan.rule.halo, columns, (own.x0, own.x1))
    return np.outer(row, column).astype(np.float32)


def round_up(value: int, stride: int) -> int:
    """Return the smallest multiple of `stride` that is not below `value`."""
    return -(-value // stride) * stride


def _axis(length: int, window: int, rule: TilingRule) -> list[tuple[int, int, int, int]]:
    """Return (read start, read end, write start, write end) of the windows along one axis."""
    padded = round_up(length, rule.stride)
    if window >= padded:
        return [(0, padded, 0, length)]
    if window % rule.stride or window <= 2 * rule.halo:
        raise InputError(
            f"A tile is a multiple of {rule.stride} px and larger than two halos of {rule.halo} px",
            came=f"{window} px came for an axis of {length} px",
            remedy=f"Use at least {2 * rule.halo + rule.stride} px, or tile='auto'.",
        )
    step = window - 2 * rule.halo
    starts = [i * step for i in range(_window_count(padded, window, rule.halo))]
    reads = [(start, min(start + window, padded)) for start in starts]
    if rule.mode == "blend":
        return [(start, end, start, min(end, length)) for start, end in reads]
    borders = [0, *(start + rule.halo for start in starts[1:]), length]
    return [(*read, *write) for read, write in zip(reads, pairwise(borders), strict=True)]


def _block_axis(length: int, block: int, rule: TilingRule) -> list[tuple[int, int, int, int]]:
    """Return (read start, read end, write start, write end) of the blocks along one axis."""
    padded = round_up(length, rule.stride)
    if block >= length:
        return [(0, padded, 0, length)]
    if block < 1 or block % rule.stride:
        raise InputError(
            f"A block is a multiple of {rule.stride} px", came=f"{block} px came for an axis of {length} px"
        )
    return [
        (max(0, start - rule.halo), min(padded, start + block + rule.halo), start, min(start + block, length))
        for start in range(0, length, block)
    ]


def _window_count(padded: int, window: int, halo: int) -> int:
    """Return how many windows of this size cover an axis when neighbours share two halos."""
    return 1 if window >= padded else -(-(padded - 2 * halo) // (window - 2 * halo))


def _even_window(padded: int, count: int, halo: int, stride: int) -> int:
    """Return the smallest window with which `count` windows cover an axis."""
    return round_up(-(-(padded + 2 * halo * (count - 1)) // count), stride)


def _moved(window: Window, dy: int, dx: int) -> Window:
    def move(r: Rect) -> Rect:
        return Rect(r.y0 + dy, r.y1 + dy, r.x0 + dx, r.x1 + dx)

    return Window(move(window.read), move(window.write))


def _intersection(a: Rect, b: Rect) -> Rect:
    return Rect(max(a.y0, b.y0), min(a.y1, b.y1), max(a.x0, b.x0), min(a.x1, b.x1))


def _axis_weights(
    length: int, halo: int, spans: set[tuple[int, int]], own: tuple[int, int]
) -> NDArray[np.float64]:
    """Return the share of the window `own` in each pixel it writes along one axis."""
    ramp = max(halo, 1)
    total, share = np.zeros(length), np.zeros(length)
    for start, end in spans:
        inside = np.arange(start, end)
        left = inside - start + 1 if start > 0 else np.full(inside.size, ramp)
        right = end - inside if end < length else np.full(inside.size, ramp)
        weight = np.maximum(np.minimum(np.minimum(left, right) / ramp, 1.0), _LOWEST_WEIGHT)
        total[start:end] += weight
        if (start, end) == own:
            share[start:end] = weight
    return (share / total)[own[0] : own[1]]
