"""Fourier ring correlation: up to which spatial frequency two measurements of one scene agree."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from napari_emrestore.core.errors import InputError
from napari_emrestore.metrics.pairs import check_image
from napari_emrestore.metrics.rings import (
    check_for_rings,
    ring_frequencies,
    sum_over_rings,
    windowed_transform,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

Criterion = Literal["1/7", "1/2", "half-bit"]
_SMOOTHED_RINGS = 3


@dataclass(frozen=True, slots=True, eq=False)
class FrcCurve:
    """Correlation of two images over rings of equal spatial frequency.

    Attributes
    ----------
    frequency_per_px : ndarray, shape (K,)
        Cycles per pixel, 0 to 0.5.
    correlation : ndarray, shape (K,)
        -1 to 1; 0 where a ring of either image holds nothing. Element 0 is the leftover of the means
        and means nothing.
    values_per_ring : ndarray, shape (K,)
        Number of Fourier values in each ring, mirror images included.
    pixel_size_nm : float, optional
        For `resolution_nm`.
    """

    frequency_per_px: NDArray[np.float64]
    correlation: NDArray[np.float64]
    values_per_ring: NDArray[np.float64]
    pixel_size_nm: float | None = None

    def threshold(self, criterion: Criterion = "1/7") -> NDArray[np.float64]:
        """Return the correlation that counts as resolved, for each ring.

        ``"1/7"``: for super-resolution and single frames; ``"1/2"``: strict; ``"half-bit"``: half a
        bit of information per value, higher for rings of few values (van Heel & Schatz 2005).

        Raises
        ------
        InputError
            If there is no such criterion.
        """
        if criterion == "half-bit":
            root = np.sqrt(self.values_per_ring)
            return (0.2071 * root + 1.9102) / (1.2071 * root + 0.9102)
        levels: dict[str, float] = {"1/7": 1 / 7, "1/2": 0.5}
        if criterion not in levels:
            raise InputError("The criterion is '1/7', '1/2' or 'half-bit'", came=f"{criterion!r} came")
        return np.full(len(self.correlation), levels[criterion])

    def resolution_px(self, criterion: Criterion = "1/7") -> float:
        """Return the period in pixels at which the correlation first falls below the criterion.

        The curve is averaged over 3 rings (weighted by their values) before, so that one noisy ring does
        not decide, and taken as straight between rings. The result is 2 (the pixel grid is the limit)
        if the curve never falls below, and infinite if it never is above.
        """
        weight = self.values_per_ring[1:]
        kernel = np.ones(_SMOOTHED_RINGS)
        smooth = np.convolve(self.correlation[1:] * weight, kernel, "same") / np.convolve(
            weight, kernel, "same"
        )
        margin = smooth - self.threshold(criterion)[1:]
        below = np.flatnonzero(margin < 0)
        if below.size == 0:
            return 2.0
        first = int(below[0])
        if first == 0:
            return inf
        share = margin[first - 1] / (margin[first - 1] - margin[first])
        frequency = self.frequency_per_px[1:]
        return float(1 / (frequency[first - 1] + share * (frequency[first] - frequency[first - 1])))

    def resolution_nm(self, criterion: Criterion = "1/7") -> float:
        """Return `resolution_px` in nanometres.

        Raises
        ------
        InputError
            If the curve knows no pixel size.
        """
        if self.pixel_size_nm is None:
            raise InputError(
                "A resolution in nm needs a pixel size",
                came="the curve has none",
                remedy="Pass pixel_size_nm to frc, or ask for resolution_px.",
            )
        return self.resolution_px(criterion) * self.pixel_size_nm


def frc(a: ArrayLike, b: ArrayLike, *, pixel_size_nm: float | None = None) -> FrcCurve:
    """Return the Fourier ring correlation of two images of one scene with independent noise.

    Parameters
    ----------
    a, b : array_like, shape (Y, X)
        Two aligned exposures (means of odd and of even frames, for example), or the halves of one
        image (see `split_image`). Any size from 8 x 8, square or not. Two restorations of the same
        frame share its noise and must not be compared in this way.
    pixel_size_nm : float, optional
        Size of a (square) pixel.

    Returns
    -------
    FrcCurve

    Raises
    ------
    InputError
        If the shapes differ, an image is too small or not finite, or the pixel size is not positive.

    Notes
    -----
    The means are taken off and the edges are tapered (Tukey window, an eighth at each edge). Rings are
    one step of the shorter side wide, in cycles per pixel, so any shape gives the same curve.

    References
    ----------
    van Heel, Schatz 2005, DOI 10.1016/j.jsb.2005.05.009 (half-bit); Nieuwenhuizen et al. 2013,
    DOI 10.1038/nmeth.2448 (1/7).
    """
    first, second = check_for_rings(a, "the first image"), check_for_rings(b, "the second image")
    if first.shape != second.shape:
        raise InputError(
            "A ring correlation needs two images of one shape",
            item="the second image",
            came=f"is {second.shape}, the first is {first.shape}",
            remedy="Crop both to the area they share.",
        )
    if pixel_size_nm is not None and not 0 < pixel_size_nm < inf:
        raise InputError("A pixel size is a positive number of nm", came=f"{pixel_size_nm!r} came")
    shape = (first.shape[0], first.shape[1])
    one, two = windowed_transform(first)[0], windowed_transform(second)[0]
    shared = sum_over_rings((one * two.conj()).real, shape)
    power = sum_over_rings(np.abs(one) ** 2, shape) * sum_over_rings(np.abs(two) ** 2, shape)
    correlation = np.divide(shared, np.sqrt(power), out=np.zeros_like(shared), where=power > 0)
    values = sum_over_rings(np.ones(one.shape), shape)
    return FrcCurve(ring_frequencies(shape), correlation, values, pixel_size_nm)


def split_image(image: ArrayLike) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return two half-sampled images of one image, with independent white noise, for `frc`.

    Each 2 x 2 block gives the mean of its one diagonal to the first and of its other diagonal to the
    second image. Both means lie at the centre of the block, so that the halves are not shifted against
    each other. The pixel size of the halves is twice that of the image, and nothing finer than 4 pixels
    of the image can be told. Noise that is not white (interpolated, or spread by the camera) counts as
    signal.

    Parameters
    ----------
    image : array_like, shape (Y, X)
        At least 2 x 2; an odd last row or column is left out.

    Returns
    -------
    tuple of ndarray, shape (Y // 2, X // 2), float64

    Raises
    ------
    InputError
        If it is no such image.
    """
    pixels = check_image(image)
    if min(pixels.shape) < 2:
        raise InputError("An image to split has at least 2 x 2 pixels", came=f"shape {pixels.shape} came")
    rows, columns = pixels.shape[0] // 2 * 2, pixels.shape[1] // 2 * 2
    blocks = pixels[:rows, :columns].astype(np.float64)
    falling = (blocks[0::2, 0::2] + blocks[1::2, 1::2]) / 2
    rising = (blocks[0::2, 1::2] + blocks[1::2, 0::2]) / 2
    return falling, rising
