"""Rings of equal spatial frequency in the transform of an image of any shape."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.core.errors import InputError
from napari_emrestore.metrics.pairs import check_finite, check_image

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_TAPER = 0.25
_SMALLEST = 8


def ring_frequencies(shape: tuple[int, int]) -> NDArray[np.float64]:
    """Return the frequency of each ring in cycles per pixel, from 0 up to at most 0.5.

    Rings are as wide as one step of the *shorter* side, so that each holds whole steps in all
    directions: frequencies are those of the pixel grid, whatever the shape.
    """
    side = min(shape)
    return np.arange(side // 2 + 1) / side


def windowed_transform(image: NDArray[Any]) -> tuple[NDArray[np.complex128], float]:
    """Return the half transform of the image under a Tukey window, and the sum of the squared window.

    The window (a cosine over an eighth of the image at each edge) keeps the jump between opposite edges
    from spreading over all frequencies; the mean under the window is taken off before.
    """
    # scipy.signal takes long to load, and docks that plot nothing yet import this module
    from scipy import fft
    from scipy.signal import windows

    rows, columns = (windows.tukey(n, _TAPER, sym=False) for n in image.shape)
    weight = rows[:, None] * columns
    mean = float((image * weight).sum() / weight.sum())
    transform: NDArray[np.complex128] = fft.rfft2((image.astype(np.float64) - mean) * weight)
    return transform, float((weight**2).sum())


def sum_over_rings(values: NDArray[np.float64], shape: tuple[int, int]) -> NDArray[np.float64]:
    """Return the sums over rings of a half-plane array; each value counts for its mirror image too.

    Parameters
    ----------
    values : ndarray, shape (Y, X // 2 + 1)
        In the order of ``rfft2`` of an image of `shape` ``(Y, X)``.
    """
    ring, weight = _rings(shape)
    count = len(ring_frequencies(shape))
    return np.bincount(ring.ravel(), (values * weight).ravel(), minlength=count)[:count].astype(np.float64)


def check_for_rings(data: ArrayLike, item: str = "the image") -> NDArray[Any]:
    """Return `data` as an image whose transform has rings.

    Raises
    ------
    InputError
        If it is no finite real image ``(Y, X)`` of at least 8 x 8 pixels.
    """
    image = check_image(data, item)
    if min(image.shape) < _SMALLEST:
        raise InputError(
            f"Spatial frequencies need an image of at least {_SMALLEST} x {_SMALLEST} pixels",
            item=item,
            came=f"is {image.shape}",
        )
    check_finite(image, item)
    return image


@lru_cache(maxsize=2)
def _rings(shape: tuple[int, int]) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return the ring of each value of a half transform, and how often it stands in the whole one."""
    radius = np.hypot(np.fft.fftfreq(shape[0])[:, None], np.fft.rfftfreq(shape[1]))
    ring = np.rint(radius * min(shape)).astype(np.intp)
    weight = np.full(shape[1] // 2 + 1, 2.0)
    weight[0] = 1.0
    if shape[1] % 2 == 0:
        weight[-1] = 1.0
    return ring, weight
