"""Clean images for simulations: smaller, so that they are cleaner, and between 0 and 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.core import SILENT, InputError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_emrestore.core import Monitor

_ENDS_PERCENT = (0.1, 99.9)


@dataclass(frozen=True, slots=True, eq=False)
class CleanImage:
    """A clean image to be degraded on purpose.

    Attributes
    ----------
    name : str
        File it came from.
    image : ndarray, shape (Y, X), float32
        0 to 1.
    """

    name: str
    image: NDArray[np.float32]


def load_clean_images(
    folder: str | Path, *, shrink: int = 2, monitor: Monitor = SILENT
) -> tuple[list[CleanImage], list[str]]:
    """Return the images of a folder and one reason for each that could not be used.

    Parameters
    ----------
    folder : str or Path
        Folder of single images; of a stack the first frame is taken.
    shrink : int
        Area mean over blocks of this side; 2 halves white noise, 1 leaves the image as it is.

    Raises
    ------
    InputError
        If no image can be used.
    """
    from napari_emrestore.io import find_inputs, open_frames

    images, reasons = [], []
    paths = find_inputs(folder)
    for position, path in enumerate(paths):
        try:
            with open_frames(path) as stack:
                pixels = np.asarray(stack.data[0])
            images.append(CleanImage(path.name, scale_to_unit(shrink_by(pixels, shrink))))
        except InputError as error:
            reasons.append(str(error))
        monitor.step(position + 1, len(paths), "reading clean images")
    if not images:
        raise InputError(
            "At least one usable clean image is needed", item=str(folder), came=" ".join(reasons)
        )
    return images, reasons


def shrink_by(image: NDArray[Any], factor: int) -> NDArray[np.float32]:
    """Return the area mean of ``(Y, X)`` over blocks of `factor`; an incomplete rim is left out."""
    if factor < 1 or min(image.shape) < factor:
        raise InputError(
            f"An image is shrunk by a factor of 1 to {min(image.shape)}", came=f"the factor {factor} came"
        )
    rows, columns = (side // factor for side in image.shape)
    blocks = image[: rows * factor, : columns * factor].astype(np.float32)
    return np.asarray(blocks.reshape(rows, factor, columns, factor).mean((1, 3)), np.float32)


def scale_to_unit(image: NDArray[Any]) -> NDArray[np.float32]:
    """Return the image with its 0.1 and 99.9 percentiles at 0 and 1 and what lies beyond clipped.

    Raises
    ------
    InputError
        If it is constant or holds pixels that are not finite.
    """
    low, high = np.percentile(image, _ENDS_PERCENT)
    if not high > low:
        raise InputError("A clean image varies and is finite", came=f"its percentiles are {low} and {high}")
    scaled = (image.astype(np.float32) - np.float32(low)) / np.float32(high - low)
    return np.asarray(np.clip(scaled, 0, 1), np.float32)
