"""Windows of an input, as the restorer wants them: model range, complete, extended to the stride."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np

from napari_emrestore.core import ModelError
from napari_emrestore.restoration.filling import REACH_PX, fill_gaps
from napari_emrestore.restoration.plan import Rect

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_emrestore.core import ErrorTeller, IntensityMap, Restorer
    from napari_emrestore.restoration.inputs import Inputs
    from napari_emrestore.restoration.plan import Window


class WindowReader:
    """Reads windows of one input; the array it returns is reused by the next call.

    Parameters
    ----------
    inputs : Inputs
        What is read.
    mapping : IntensityMap
        From input units to model range.
    """

    def __init__(self, inputs: Inputs, mapping: IntensityMap) -> None:
        self._inputs = inputs
        self._mapping = mapping
        self._buffer = np.empty(0, np.float32)

    def read(self, image: int, window: Rect) -> tuple[NDArray[np.float32], NDArray[np.bool_] | None]:
        """Return the frames ``(N, y, x)`` of one image in a window, and where nothing was measured.

        Rows and columns beyond the end of the image mirror those before it, without repeating the last.

        Parameters
        ----------
        image : int
            Which image.
        window : Rect
            In the image extended to a multiple of the stride.

        Returns
        -------
        frames : ndarray, shape (N, y, x), float32
            In model range; missing pixels are filled (see `filling`).
        gaps : ndarray, shape (y, x), bool, or None
            Where no frame had a measurement; ``None`` for nowhere.
        """
        rows = mirrored(window.y0, window.y1, self._inputs.shape[0])
        columns = mirrored(window.x0, window.x1, self._inputs.shape[1])
        part = Rect(int(rows.min()), int(rows.max()) + 1, int(columns.min()), int(columns.max()) + 1)
        frames, gaps = self._complete(image, part)
        if part != window:
            index = np.ix_(rows - part.y0, columns - part.x0)
            frames = frames[:, index[0], index[1]]
            gaps = None if gaps is None else gaps[index]
        return frames, gaps

    def _complete(self, image: int, part: Rect) -> tuple[NDArray[np.float32], NDArray[np.bool_] | None]:
        """Return frames with their gaps filled, and where these were, within the true image."""
        frames = self._in_model_range(image, part)
        if surely_finite(frames):
            return frames, None
        height, width = self._inputs.shape
        wide = Rect(
            max(0, part.y0 - REACH_PX),
            min(height, part.y1 + REACH_PX),
            max(0, part.x0 - REACH_PX),
            min(width, part.x1 + REACH_PX),
        )
        frames = self._in_model_range(image, wide)
        gaps = fill_gaps(frames)
        rows, columns = Rect(
            part.y0 - wide.y0, part.y1 - wide.y0, part.x0 - wide.x0, part.x1 - wide.x0
        ).slices
        return frames[:, rows, columns], gaps[rows, columns]

    def _in_model_range(self, image: int, part: Rect) -> NDArray[np.float32]:
        """Return frames ``(N, y, x)``, NaN where not measured."""
        raw = self._inputs.read(image, part)
        if self._buffer.size < raw.size:
            self._buffer = np.empty(raw.size, np.float32)
        frames = self._buffer[: raw.size].reshape(raw.shape)
        np.subtract(raw, np.float32(self._mapping.offset), out=frames, casting="same_kind")
        np.divide(frames, np.float32(self._mapping.scale), out=frames)
        valid = self._inputs.measured(image, part)
        if valid is not None:
            frames[~valid] = np.nan
        return frames


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """What a restorer made of a window.

    Attributes
    ----------
    kept : ndarray, shape (Y, X), float32
        What goes to the window's `write`, model range; NaN where nothing was measured.
    missing_px, broken_px : int
        Pixels of it without a measurement, and pixels the model made infinite or not-a-number.
    error : ndarray, shape (Y, X), float32, optional
        Standard deviation expected of the error of `kept`, model range; NaN where nothing was measured.
    """

    kept: NDArray[np.float32]
    missing_px: int
    broken_px: int
    error: NDArray[np.float32] | None = None


def make_window(
    reader: WindowReader, restorer: Restorer, image: int, window: Window, *, with_error: bool = False
) -> Made:
    """Return what a restorer makes of one window of one image; `with_error` asks an `ErrorTeller`.

    Raises
    ------
    ModelError
        If it returns another shape than that of the window.
    """
    frames, gaps = reader.read(image, window.read)
    error = None
    if with_error:
        made, error = cast("ErrorTeller", restorer).restore_with_error(frames)
    else:
        made = restorer.restore_window(frames)
    if made.shape != frames.shape[1:]:
        raise ModelError(
            "A restorer returns one image (Y, X) of the window's shape",
            item=restorer.id,
            came=f"returned shape {made.shape} for frames {frames.shape}",
        )
    keep = window.keep.slices
    broken = 0 if surely_finite(made) else int(np.count_nonzero(~np.isfinite(made[keep])))
    kept, told = made[keep], None if error is None else error[keep]
    if gaps is None:
        return Made(kept, 0, broken, told)
    missing = gaps[keep]
    kept = np.where(missing, np.float32(np.nan), kept)
    told = None if told is None else np.where(missing, np.float32(np.nan), told)
    return Made(kept, int(np.count_nonzero(missing)), broken, told)


def surely_finite(pixels: NDArray[np.float32]) -> bool:
    """Say whether all pixels are finite; wrongly ``False`` for pixels beyond 1e17.

    The sum of squares costs a fifth of asking each pixel, and misses no NaN and no infinity.
    """
    return bool(np.isfinite(np.vdot(pixels, pixels)))


def mirrored(first: int, last: int, length: int) -> NDArray[np.intp]:
    """Return where the positions ``first <= i < last`` of an axis extended by mirroring are found."""
    positions = np.arange(first, last)
    if length == 1:
        return np.zeros_like(positions)
    period = 2 * (length - 1)
    return length - 1 - np.abs(length - 1 - positions % period)
