"""The usual scores of one image at once, and, under another name, its change against its input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_emrestore.metrics.deviations import mean_errors, psnr_of_mse
from napari_emrestore.metrics.pairs import check_data_range, check_pair
from napari_emrestore.metrics.similarity import ssim

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from napari_emrestore.metrics.windows import WindowName


@dataclass(frozen=True, slots=True)
class Scores:
    """How close an image comes to its ground truth.

    Attributes
    ----------
    ssim : float
        Mean structural similarity, at most 1.
    psnr_db : float
        Peak signal-to-noise ratio; infinite for equal images.
    mse : float
        Mean squared error, squared input units.
    mae : float
        Mean absolute error, input units.
    """

    ssim: float
    psnr_db: float
    mse: float
    mae: float


def score(
    image: ArrayLike,
    truth: ArrayLike,
    *,
    data_range: float,
    window: WindowName = "gaussian",
    mask: ArrayLike | None = None,
) -> Scores:
    """Return SSIM, PSNR, MSE and MAE of an image against its ground truth.

    Parameters and errors are those of `ssim`; a score needs a truth, a change does not (see
    `change_versus_input`).
    """
    peak = check_data_range(data_range)
    similarity = ssim(image, truth, data_range=peak, window=window, mask=mask)
    square, absolute = mean_errors(check_pair(image, truth, mask))
    return Scores(similarity, psnr_of_mse(square, peak), square, absolute)


@dataclass(frozen=True, slots=True)
class Change:
    """How much a restoration differs from what went in; says nothing about which of both is better.

    Attributes
    ----------
    mean : float
        Mean of restored minus input, input units; not 0 means the restorer changed the brightness.
    rms : float
        Root mean squared difference, input units; for a plain denoiser about the noise of the input.
    largest : float
        Largest absolute difference, input units.
    correlation : float
        Correlation coefficient of both, -1 to 1; NaN if one of them is constant.
    """

    mean: float
    rms: float
    largest: float
    correlation: float


def change_versus_input(restored: ArrayLike, degraded: ArrayLike, *, mask: ArrayLike | None = None) -> Change:
    """Return how much a restoration differs from its input.

    This is no score: a restorer that does nothing changes nothing, and one that removes all noise
    changes the image by the noise.

    Parameters
    ----------
    restored, degraded : array_like, shape (Y, X)
        Output and input of a restorer, in the same units.
    mask : array_like of bool, shape (Y, X), optional
        True where pixels are compared.

    Returns
    -------
    Change

    Raises
    ------
    InputError
        If the shapes differ, the mask is empty, or a compared pixel is not finite.
    """
    pair = check_pair(restored, degraded, mask)
    mean_squared, _ = mean_errors(pair)
    kept = slice(None) if pair.mask is None else pair.mask
    after, before = (part[kept].astype(np.float64).ravel() for part in (pair.image, pair.truth))
    difference = after - before
    after, before = after - after.mean(), before - before.mean()
    spread = float(np.sqrt(np.dot(after, after) * np.dot(before, before)))
    return Change(
        float(difference.mean()),
        float(np.sqrt(mean_squared)),
        float(np.abs(difference).max()),
        float(np.dot(after, before)) / spread if spread > 0 else float("nan"),
    )
