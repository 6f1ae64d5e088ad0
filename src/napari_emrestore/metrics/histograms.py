"""Grey-value histograms of several images over the same bins, so that they can be laid over each other."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor
from typing import TYPE_CHECKING

import numpy as np

from napari_emrestore.core.errors import InputError
from napari_emrestore.metrics.pairs import check_image

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Histograms:
    """Share of the pixels of each image in each bin.

    Attributes
    ----------
    edges : ndarray, shape (K + 1,)
        Borders of the bins, input units.
    shares : mapping of str to ndarray, shape (K,)
        Fraction of the finite pixels of an image in each bin.
    outside : mapping of str to float
        Fraction of the finite pixels that lie in no bin.
    """

    edges: NDArray[np.float64]
    shares: Mapping[str, NDArray[np.float64]]
    outside: Mapping[str, float]


def shared_histograms(images: Mapping[str, ArrayLike], *, bins: int = 128, tail: float = 0.001) -> Histograms:
    """Return the histograms of images over common bins.

    Parameters
    ----------
    images : mapping of str to array_like, shape (Y, X)
        Name and image, in the same units; NaN and infinite pixels are left out. Sizes may differ.
    bins : int
        Number of bins, all of one width; fewer where one of the images holds whole numbers, of which each
        bin then holds equally many.
    tail : float
        Fraction of an image's pixels at either end that may lie outside of the bins, so that a few hot
        pixels do not squeeze everything else into one bin.

    Raises
    ------
    InputError
        If no image came, one holds no finite pixel, or `bins` is not positive.
    """
    if not images or bins < 1:
        raise InputError("Histograms need at least one image and one bin", came=f"{len(images)}, {bins} came")
    values = {name: _finite(image, name) for name, image in images.items()}
    limits = [np.quantile(pixels, [tail, 1 - tail]) for pixels in values.values()]
    low, high = min(float(pair[0]) for pair in limits), max(float(pair[1]) for pair in limits)
    counted = any(np.asarray(image).dtype.kind in "bui" for image in images.values())
    edges = _whole_edges(low, high, bins) if counted else _even_edges(low, high, bins)
    shares = {name: np.histogram(pixels, edges)[0] / pixels.size for name, pixels in values.items()}
    return Histograms(edges, shares, {name: 1 - float(share.sum()) for name, share in shares.items()})


def _even_edges(low: float, high: float, bins: int) -> NDArray[np.float64]:
    """Return borders of equal bins; equal limits (constant images) still need a bin with a width."""
    return np.linspace(low, high, bins + 1) if high > low else np.linspace(low - 0.5, low + 0.5, bins + 1)


def _whole_edges(low: float, high: float, bins: int) -> NDArray[np.float64]:
    """Return borders of bins that hold equally many whole numbers each, or counts would show as a comb."""
    step = max(1, ceil((high - low) / bins))
    count = floor((high - floor(low)) / step) + 1
    return floor(low) - 0.5 + step * np.arange(count + 1, dtype=np.float64)


def _finite(image: ArrayLike, name: str) -> NDArray[np.float64]:
    pixels = check_image(image, name)
    finite = pixels[np.isfinite(pixels)].astype(np.float64)
    if finite.size == 0:
        raise InputError("A histogram needs finite pixels", item=name, came="holds none")
    return np.asarray(finite)
