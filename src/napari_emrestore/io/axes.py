"""From named axes of any order to frames ``(N, Y, X)``: what may be dropped, what may be picked, what not."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.core import FormatError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class FrameAxes:
    """Which axes of an array are the frame, row and column axis, and what was picked of the others.

    Attributes
    ----------
    frame : int, optional
        Position of the frame axis; None for a single image.
    y, x : int
        Positions of the image axes.
    picked : mapping of int to int
        Index taken along each remaining axis.
    extra : mapping
        What a reader of the file must know about the choice, as plain JSON.
    """

    frame: int | None
    y: int
    x: int
    picked: Mapping[int, int] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)


def plan_axes(path: Path, names: Sequence[str], shape: Sequence[int]) -> FrameAxes:
    """Return how to see an array as frames.

    Axes of length 1 are dropped; of several channels the first is taken and the choice recorded.

    Parameters
    ----------
    path : Path
        For messages.
    names : sequence of str
        Lower-case axis names; ``"y"`` and ``"x"`` are the image, ``"c"`` a channel, ``"s"`` colour samples.
    shape : sequence of int
        Length of each axis.

    Raises
    ------
    FormatError
        If the image is coloured, has no rows and columns, or has more than one frame axis.
    """
    listing = " ".join(f"{name.upper()}({size})" for name, size in zip(names, shape, strict=True))
    if "y" not in names or "x" not in names:
        raise FormatError("An image has a row and a column axis", item=path.name, came=f"has axes {listing}")
    y, x = names.index("y"), names.index("x")
    others = [i for i in range(len(names)) if i not in (y, x)]
    if any(names[i] == "s" and shape[i] > 1 for i in others):
        raise colour(path, f"has axes {listing}")
    channels = [i for i in others if names[i] == "c"]
    frames = [i for i in others if i not in channels and shape[i] != 1]
    if len(frames) > 1:
        raise FormatError(
            "A stack has one frame axis besides rows and columns",
            item=path.name,
            came=f"has axes {listing}",
            remedy="Save one time point, or one plane, as its own file.",
        )
    extra = {"channel": 0, "channels": int(shape[channels[0]])} if channels and shape[channels[0]] > 1 else {}
    frame = frames[0] if frames else None
    return FrameAxes(frame, y, x, {i: 0 for i in others if i != frame}, extra)


def colour(path: Path, came: str) -> FormatError:
    """Return the error for a colour image."""
    return FormatError(
        "A grey image is needed, one number per pixel",
        item=path.name,
        came=came,
        remedy="Export the raw detector image; for a screenshot, convert it to grey first.",
    )


class AxisView:
    """An array of any axis order, seen as frames ``(N, Y, X)``; slicing it slices the array.

    Parameters
    ----------
    array : array-like
        Anything with ``shape``, ``dtype`` and numpy slicing.
    axes : FrameAxes
        Which axis is what.
    """

    def __init__(self, array: Any, axes: FrameAxes) -> None:
        self._array = array
        self._axes = axes
        shape, frame = array.shape, axes.frame
        count = 1 if frame is None else shape[frame]
        self.shape = (int(count), int(shape[axes.y]), int(shape[axes.x]))
        self.dtype = np.dtype(array.dtype)

    def __getitem__(self, key: tuple[slice, slice, slice]) -> NDArray[Any]:
        axes = self._axes
        where: dict[int, slice | int] = {**axes.picked, axes.y: key[1], axes.x: key[2]}
        kept = [axes.y, axes.x]
        if axes.frame is not None:
            where[axes.frame] = key[0]
            kept.insert(0, axes.frame)
        block = np.asarray(self._array[tuple(where[i] for i in range(len(where)))])
        order = sorted(kept)
        block = block.transpose([order.index(axis) for axis in kept])
        return block if axes.frame is not None else block[None][key[0]]

    def tile(self, chunks: Sequence[int]) -> tuple[int, int, int]:
        """Return the ``(n, y, x)`` stored piece, given the chunk length along each axis of the array."""
        axes = self._axes
        depth = 1 if axes.frame is None else int(chunks[axes.frame])
        return depth, int(chunks[axes.y]), int(chunks[axes.x])
