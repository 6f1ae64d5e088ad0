"""The intensity map of an image or stack, from all of it or, if it is huge, from an even sample."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.core import InputError, IntensityMap
from napari_emrestore.restoration.plan import Rect

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_emrestore.restoration.inputs import Inputs

_SIDE_PX = 256
_PATCHES = 64  # 4 million pixels: the mean of a noisy scene to about a thousandth of its deviation
_FRAMES = 4


def measure_intensity(inputs: Inputs) -> IntensityMap:
    """Return the map from input units to model range, once for everything in `inputs`.

    Up to 4 million pixels all are used; beyond, 64 patches of 256 px, evenly spread over frames and field.
    Missing pixels are left out.
    """
    if np.prod(inputs.data.shape) <= _PATCHES * _SIDE_PX**2:
        return IntensityMap.from_signal(_measured_only(np.asarray(inputs.data), inputs.valid))
    return IntensityMap.from_signal(np.stack(_patches(inputs)))


def check_intensity(given: IntensityMap) -> IntensityMap:
    """Return a map given by the user.

    Raises
    ------
    InputError
        If it is not finite or its scale not positive.
    """
    if not (np.isfinite([given.offset, given.scale]).all() and given.scale > 0):
        raise InputError(
            "An intensity map has a finite offset and a positive scale",
            came=f"offset {given.offset} and scale {given.scale} came",
        )
    return given


def _patches(inputs: Inputs) -> list[NDArray[Any]]:
    height, width = (min(_SIDE_PX, n) for n in inputs.shape)
    chosen = _spread(inputs.images * inputs.frames, _FRAMES)
    rows = _spread(inputs.shape[0] - height + 1, 8 if len(chosen) == 1 else 4)
    columns = _spread(inputs.shape[1] - width + 1, _PATCHES // (len(chosen) * len(rows)))
    places = [Rect(y, y + height, x, x + width) for y in rows for x in columns]
    return [_patch(inputs, frame, place) for frame in chosen for place in places]


def _patch(inputs: Inputs, frame: int, place: Rect) -> NDArray[Any]:
    image, position = (frame, 0) if inputs.frames == 1 else (0, frame)
    valid = inputs.measured(image, place)
    pixels = inputs.read(image, place)[position]
    return _measured_only(pixels, None if valid is None else valid[position])


def _spread(count: int, most: int) -> list[int]:
    """Return at most `most` whole numbers, evenly spread over ``range(count)``."""
    return sorted({int(i) for i in np.linspace(0, count - 1, max(1, min(count, most)))})


def _measured_only(pixels: NDArray[Any], valid: NDArray[np.bool_] | None) -> NDArray[Any]:
    return pixels if valid is None else np.where(valid, pixels, np.float32(np.nan))
