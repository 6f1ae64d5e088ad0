"""How much fine structure an image holds, without counting its noise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_emrestore.core.errors import InputError
from napari_emrestore.metrics.pairs import check_finite, check_image

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def sharpness(image: ArrayLike) -> float:
    """Return the noise-corrected gradient energy of an image, squared input units per squared pixel.

    Larger is sharper, among images of one scene with one exposure: blur and drift lower it, white
    noise of any strength does not change its mean.

    Parameters
    ----------
    image : array_like, shape (Y, X)
        At least 3 x 3 pixels, real numbers of any dtype.

    Returns
    -------
    float
        0 for a constant image; scatters about 0, to either side, for one that holds only noise.

    Raises
    ------
    InputError
        If it is no finite image of that kind.

    Notes
    -----
    Instead of a squared difference, from which an estimated noise variance would have to be taken off,
    the central difference of each pixel is multiplied by that of the neighbour *across* the direction of
    the difference. Both see nearly the same edge but share no pixel, hence no noise.
    """
    pixels = check_image(image)
    if min(pixels.shape) < 3:
        raise InputError(
            "Sharpness needs an image of at least 3 x 3 pixels", came=f"shape {pixels.shape} came"
        )
    check_finite(pixels)
    values = pixels.astype(np.float32) - np.float32(pixels.mean(dtype=np.float64))
    return _gradient_energy(values) + _gradient_energy(values.T)


def _gradient_energy(values: NDArray[np.float32]) -> float:
    """Return the mean product of neighbouring gradients down the columns, each over two pixels."""
    gradient = values[2:] - values[:-2]
    products = np.multiply(gradient[:, 1:], gradient[:, :-1])
    return float(products.mean(dtype=np.float64)) / 4
