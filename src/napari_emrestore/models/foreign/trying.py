"""What a network takes, found by giving it small images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_emrestore.core import ModelError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Run = Callable[[NDArray[np.float32]], NDArray[np.float32]]

_STRIDES = (1, 2, 4, 8, 16, 32, 64)
_MOST = 8
_LEAST_PX = 96


def find_stride(run: Run, frames: int, item: str) -> int:
    """Return the smallest power of two up to 64 whose odd multiples a network takes as sides.

    Raises
    ------
    ModelError
        If it takes none, or its images come back in another size.
    """
    for stride in _STRIDES:
        if _fits(run, frames, stride):
            return stride
    raise _refused(frames, item)


def _refused(frames: int, item: str) -> ModelError:
    return ModelError(
        "A network maps frames (1, N, Y, X) to an image of their size, for sides that are multiples of 64 px",
        item=item,
        came=f"took no image of {frames} frames, or gave one of another size",
        remedy="Export it with sizes that may change, or write a card beside it.",
    )


def find_frames(run: Run, item: str) -> tuple[int, int]:
    """Return the fewest and most frames a network takes: 1 to 8, or the one number that works.

    A network that takes one, three and eight frames takes what lies between; each further trial would cost
    a deep network's time again.

    Raises
    ------
    ModelError
        If no number of frames from 1 to 8 works.
    """
    stride = _STRIDES[-1]
    if all(_fits(run, count, stride) for count in (1, 3, _MOST)):
        return 1, _MOST
    for count in range(1, _MOST + 1):
        if _fits(run, count, stride):
            return count, count
    raise _refused(1, item)


def _fits(run: Run, frames: int, stride: int) -> bool:
    """Say whether the network takes sides that are odd multiples of `stride`."""
    odd = -(-_LEAST_PX // stride) | 1
    shape = (frames, odd * stride, (odd + 2) * stride)
    image = np.random.default_rng(0).random(shape, np.float32)
    try:
        made = run(image)
    except (RuntimeError, ValueError, IndexError, ModelError):
        return False
    return made.shape == shape[1:]
