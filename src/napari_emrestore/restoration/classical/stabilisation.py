"""From counted electrons to noise of deviation 1 and back: the generalised Anscombe transform."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Image = NDArray[Any]

# The stabilised value of zero electrons; below it the inverse below has no meaning.
_DARK = 2 * np.sqrt(3 / 8)
# Fewer rows or columns hold no noise that could be told from signal.
_LEAST_PX = 3


@dataclass(frozen=True, slots=True)
class Stabiliser:
    """The transform for noise of variance ``gain * value + intercept``.

    Only this line matters: how a camera's offset and read noise share the intercept changes nothing.

    Attributes
    ----------
    gain : float
        Variance per intensity unit; 0 for noise that does not depend on the signal.
    intercept : float
        Variance at value 0; positive if `gain` is 0.

    References
    ----------
    Makitalo & Foi 2013, DOI 10.1109/TIP.2012.2202675 (inverse: closed-form exact unbiased).
    """

    gain: float
    intercept: float

    def forward(self, image: Image) -> Image:
        """Return `image` with noise of deviation about 1; values below any possible signal become 0."""
        if self.gain == 0:
            return np.asarray(image / np.sqrt(self.intercept))
        electrons = (image + self.intercept / self.gain) / self.gain
        return np.asarray(2 * np.sqrt(np.maximum(electrons + 3 / 8, 0)))

    def backward(self, stabilised: Image) -> Image:
        """Return the unbiased estimate of the signal from denoised `stabilised` values."""
        if self.gain == 0:
            return np.asarray(stabilised * np.sqrt(self.intercept))
        d = np.maximum(stabilised, _DARK)
        root = np.sqrt(3 / 2)
        electrons = d**2 / 4 + root / (4 * d) - 11 / (8 * d**2) + 5 * root / (8 * d**3) - 1 / 8
        return np.asarray(np.maximum(electrons, 0) * self.gain - self.intercept / self.gain)


def stabiliser_for(image: Image) -> Stabiliser | None:
    """Return the transform for the noise estimated in `image`, or ``None`` if no noise is found in it."""
    from napari_emrestore.metrics import noise_model

    sigma = noise_deviation(image)
    if sigma == 0:
        return None
    model = noise_model(image)
    if model.gain == 0:
        return Stabiliser(0.0, sigma**2)
    return Stabiliser(model.gain, model.read_noise**2 - model.gain * model.offset)


def noise_deviation(image: Image) -> float:
    """Return the noise deviation of `image`, 0 for one of fewer than 3 rows or columns."""
    from napari_emrestore.metrics import noise_sigma

    return noise_sigma(image) if min(image.shape) >= _LEAST_PX else 0.0


def left_deviation(stabilised: Image, image: Image) -> float:
    """Return the noise deviation of a stabilised `image`: 1, or less where counts are too few; 0 if tiny.

    A mask tells how far the transform fell short. What it takes for noise, and what it misses of noise that
    neighbours share, it does so in the image too.
    """
    from napari_emrestore.metrics import noise_sigma

    if min(stabilised.shape) < _LEAST_PX:
        return 0.0
    white = noise_sigma(image, mask_alone=True)
    missed = max(1.0, noise_sigma(image) / white) if white > 0 else 1.0
    return min(1.0, missed * noise_sigma(stabilised, mask_alone=True))
