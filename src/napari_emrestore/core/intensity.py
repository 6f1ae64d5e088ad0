"""The map between a detector's units and the range a model works in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_SIGNAL_SPAN = 4.0


@dataclass(frozen=True, slots=True)
class IntensityMap:
    """A straight line from input units to model range, computed once per image or stack.

    ``model = (input - offset) / scale``. A restoration goes back through `to_input` and comes out in
    input units, unclamped.

    Attributes
    ----------
    offset, scale : float
        In input units; `scale` is positive.
    """

    offset: float
    scale: float

    @classmethod
    def from_signal(cls, data: ArrayLike) -> IntensityMap:
        """Return the map that puts the mean at 0.5 and two signal deviations at 0 and 1.

        The standard deviation of the *signal* is taken from the covariance of neighbouring pixels, to
        which white noise does not contribute, so that the same scene gets the same map at any dose.

        Parameters
        ----------
        data : array_like, shape (Y, X) or (N, Y, X)
            Image or burst in input units. Not-a-number pixels are left out.

        Returns
        -------
        IntensityMap
            With scale 1 for a constant image.
        """
        images = np.asarray(data, dtype=np.float32)
        images = images[None] if images.ndim == 2 else images
        finite = np.isfinite(images)
        offset_of_data = float(images.mean(where=finite, dtype=np.float64)) if finite.any() else 0.0
        centred = np.where(finite, images - np.float32(offset_of_data), np.float32(0.0))
        deviation = _signal_deviation(centred)
        scale = _SIGNAL_SPAN * deviation if deviation > 0 else 1.0
        return cls(offset_of_data - 0.5 * scale, scale)

    def to_model(self, data: ArrayLike) -> NDArray[np.float32]:
        """Return `data` in model range as float32, same shape."""
        values = np.asarray(data, dtype=np.float32)
        return (values - np.float32(self.offset)) / np.float32(self.scale)

    def to_input(self, data: NDArray[Any]) -> NDArray[np.float32]:
        """Return `data` in input units as float32, same shape."""
        return data.astype(np.float32, copy=False) * np.float32(self.scale) + np.float32(self.offset)


def _signal_deviation(centred: NDArray[np.float32]) -> float:
    """Return the noise-free standard deviation of zero-mean images (N, Y, X)."""
    variance = _mean_product(centred, centred)
    covariances = [
        _mean_product(centred[:, lag:], centred[:, :-lag]) / 2
        + _mean_product(centred[:, :, lag:], centred[:, :, :-lag]) / 2
        for lag in (1, 2)
        if min(centred.shape[1:]) > lag
    ]
    # A blank image has no covariance; 1 % of its variance keeps the noise of such an image within range.
    return float(np.sqrt(max([0.01 * variance, *covariances])))


def _mean_product(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    return float(np.mean([np.vdot(x, y).item() / x.size for x, y in zip(a, b, strict=True)]))
