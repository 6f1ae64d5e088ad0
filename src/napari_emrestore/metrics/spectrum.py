"""Radial power spectrum: how much variance an image holds at each spatial frequency."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_emrestore.metrics.rings import (
    check_for_rings,
    ring_frequencies,
    sum_over_rings,
    windowed_transform,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, slots=True, eq=False)
class RadialSpectrum:
    """Mean power over rings of equal spatial frequency.

    Attributes
    ----------
    frequency_per_px : ndarray, shape (K,)
        Cycles per pixel, 0 to 0.5; divide by the pixel size in nm for cycles per nm.
    power : ndarray, shape (K,)
        Squared input units per pixel: white noise of variance v is flat at v.
    """

    frequency_per_px: NDArray[np.float64]
    power: NDArray[np.float64]


def radial_spectrum(image: ArrayLike) -> RadialSpectrum:
    """Return the radial power spectrum of an image.

    Parameters
    ----------
    image : array_like, shape (Y, X)
        Any size from 8 x 8, square or not; real numbers of any dtype. Pixels are taken as square.

    Returns
    -------
    RadialSpectrum
        The mean is taken off and the edges are tapered (Tukey window, an eighth at each edge); the loss
        of power to the window is made up for.

    Raises
    ------
    InputError
        If it is no finite image of that kind.
    """
    pixels = check_for_rings(image)
    shape = (pixels.shape[0], pixels.shape[1])
    transform, energy = windowed_transform(pixels)
    power = sum_over_rings(np.abs(transform) ** 2, shape) / sum_over_rings(np.ones(transform.shape), shape)
    return RadialSpectrum(ring_frequencies(shape), power / energy)
