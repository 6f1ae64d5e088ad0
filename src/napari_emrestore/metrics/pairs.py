"""What every score needs: an image, its ground truth, perhaps a mask, checked once and cut into tiles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.core.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from napari_emrestore.metrics.tiles import Tile


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """An image and its ground truth ``(Y, X)`` that fit each other.

    Attributes
    ----------
    image, truth : ndarray, shape (Y, X)
        Real numbers of any dtype.
    mask : ndarray of bool, shape (Y, X), optional
        True where pixels are scored.
    """

    image: NDArray[Any]
    truth: NDArray[Any]
    mask: NDArray[np.bool_] | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Shape ``(Y, X)``."""
        return self.image.shape[0], self.image.shape[1]

    def cut(self, tile: Tile) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.bool_] | None]:
        """Return image, truth and mask of a tile as the kernels take them.

        Both images are float32 if that holds all their values, else float64; all are C-contiguous, and
        copies only where they must be, so that no copy is ever of the size of the image.
        """
        wide = np.result_type(np.float32, self.image.dtype, self.truth.dtype)
        work = np.float32 if wide == np.float32 else np.float64
        mask = None if self.mask is None else np.ascontiguousarray(self.mask[tile])
        return (
            np.ascontiguousarray(self.image[tile], work),
            np.ascontiguousarray(self.truth[tile], work),
            mask,
        )

    def not_finite(self) -> int:
        """Return how many scored pixels are NaN or infinite in the image or in the truth."""
        bad = ~(np.isfinite(self.image) & np.isfinite(self.truth))
        return int(np.count_nonzero(bad if self.mask is None else bad & self.mask))

    def refuse_not_finite(self) -> None:
        """Raise `InputError` naming the number of NaN or infinite pixels."""
        raise InputError(
            "Scores need finite pixels",
            came=f"{self.not_finite()} of the scored pixels of the image or its truth are NaN or infinite",
            remedy="Pass mask=np.isfinite(image) & np.isfinite(truth) to leave them out.",
        )


def check_pair(image: ArrayLike, truth: ArrayLike, mask: ArrayLike | None) -> Pair:
    """Return the checked pair.

    Raises
    ------
    InputError
        If an array is not a real image ``(Y, X)`` with pixels, the shapes differ, or the mask is not
        boolean or holds no pixel.
    """
    image, truth = check_image(image, "the image"), check_image(truth, "the truth")
    if image.shape != truth.shape:
        raise InputError(
            "An image and its truth must share one shape",
            item="the image",
            came=f"is {image.shape}, the truth is {truth.shape}",
            remedy="Register and crop them to one field of view first.",
        )
    return Pair(image, truth, None if mask is None else check_mask(mask, image.shape))


def check_image(data: ArrayLike, item: str = "the image") -> NDArray[Any]:
    """Return `data` as an array ``(Y, X)`` of real numbers.

    Raises
    ------
    InputError
        If it is anything else or holds no pixel.
    """
    image = np.asarray(data)
    if image.ndim != 2 or image.size == 0:
        raise InputError(
            "A metric takes one image (Y, X) with at least one pixel",
            item=item,
            came=f"has shape {image.shape}",
            remedy="Score the frames of a stack one by one and average the numbers.",
        )
    if image.dtype.kind not in "buif":
        raise InputError(
            "A metric takes real numbers",
            item=item,
            came=f"is of type {image.dtype}",
            remedy="Convert complex data to its modulus or phase first.",
        )
    return image


def check_mask(mask: ArrayLike, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return `mask` as a boolean array of `shape` with at least one True.

    Raises
    ------
    InputError
        If it is not that.
    """
    keep = np.asarray(mask)
    if keep.dtype != np.bool_ or keep.shape != shape:
        raise InputError(
            f"A mask is a boolean array of the image's shape {shape}, True where pixels are scored",
            item="the mask",
            came=f"is of type {keep.dtype} and shape {keep.shape}",
        )
    if not keep.any():
        raise InputError(
            "A mask must leave pixels to score",
            item="the mask",
            came="is False everywhere",
            remedy="Masks are True where pixels are scored; invert it if it marks bad pixels.",
        )
    return keep


def check_finite(image: NDArray[Any], item: str = "the image") -> None:
    """Raise `InputError` if `image` holds NaN or infinite pixels, of which this metric takes none."""
    if image.dtype.kind == "f" and not np.isfinite(image).all():
        raise InputError(
            "This metric needs finite pixels",
            item=item,
            came=f"holds {int(np.count_nonzero(~np.isfinite(image)))} NaN or infinite pixels",
            remedy="Crop or fill them first.",
        )


def check_data_range(data_range: float) -> float:
    """Return `data_range` as a float.

    Raises
    ------
    InputError
        If it is not a positive, finite number.
    """
    if not isinstance(data_range, int | float | np.number) or not 0 < data_range < np.inf:
        raise InputError(
            "The data range is the distance from the smallest to the largest possible intensity, above 0",
            item="data_range",
            came=f"is {data_range!r}",
            remedy="Give the range of the scaled data, for example 1.0 or 255.",
        )
    return float(data_range)
