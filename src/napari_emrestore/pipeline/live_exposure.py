"""Whether a frame is exposed well enough to show something; from part of its pixels, as it is asked often."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_EVERY = 4
_LEAST_CEILING = 255
_BLOCK = 4
_MOST_PX = 1 << 17
_LEAST_PX = 1024
_SIGNIFICANT = 6.0


class ExposureMeter:
    """Judges one frame after the other; used by one thread."""

    def __init__(self) -> None:
        self._lit = np.inf

    def saturated(self, pixels: NDArray[Any]) -> float:
        """Return the share of pixels ``(Y, X)`` at the detector's ceiling; 0 for types without one.

        A ceiling is the greatest number of so many bits, 8 at least: 4095 for 12-bit cameras in 16-bit files.
        """
        if pixels.dtype.kind not in "iu":
            return 0.0
        sample = pixels[::_EVERY, ::_EVERY]
        top = int(sample.max())
        is_ceiling = top >= _LEAST_CEILING and top & (top + 1) == 0
        return float(np.mean(sample == top)) if is_ceiling else 0.0

    def is_dark(self, pixels: NDArray[Any]) -> bool:
        """Return whether a frame ``(Y, X)`` shows nothing, and is no brighter than one that showed something.

        An empty hole, which in bright field is brighter than any specimen, is not dark, except as the first
        thing seen.
        """
        level = float(np.mean(pixels[::_EVERY, ::_EVERY], dtype=np.float64))
        if shows_something(pixels):
            self._lit = level
            return False
        return not level > self._lit


def shows_something(pixels: NDArray[Any]) -> bool:
    """Return whether neighbouring pixels ``(Y, X)`` are more alike than those of white noise.

    Means of 4 x 4 pixels spread by a sixteenth of the pixels' variance in white noise, by more where there
    is anything to see. Looks at some 130 000 pixels; too small a frame counts as showing
    something unless it is constant.
    """
    height, width = (side // _BLOCK for side in pixels.shape)
    blocks = pixels[: height * _BLOCK, : width * _BLOCK].reshape(height, _BLOCK, width, _BLOCK)
    seen = blocks[:: max(1, blocks.size // _MOST_PX)].astype(np.float32)
    if seen.size < _LEAST_PX:
        return bool(pixels.min() != pixels.max())
    if not np.isfinite(seen).all():
        return bool(np.isfinite(seen).any())
    seen -= seen.mean()
    rows = seen.reshape(-1, _BLOCK) @ np.ones(_BLOCK, np.float32)  # far faster than a mean along two axes
    means = rows.reshape(-1, _BLOCK, width).sum(axis=1) / _BLOCK**2
    expected = np.vdot(seen, seen) / seen.size / _BLOCK**2
    # the variance of n means of white noise is uncertain by the share sqrt(2 / n)
    return bool(means.var() > expected * (1 + _SIGNIFICANT * np.sqrt(2 / means.size)))
