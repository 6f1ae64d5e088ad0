"""The white noise under fine texture: a small trained regression on the power of an image's 8 x 8 blocks.

A mask that takes off planes and edges, as `noise_sigma` uses, counts texture as fine as the pixels as
noise. White noise has the same power at every spatial frequency and in every block, texture has not: how the
power falls with frequency, and how it differs between quiet and busy blocks, tells the two apart.
`training.noise_floor` makes the weights from images and simulated cameras.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

BLOCK_PX = 8
LEAST_BLOCKS = 64
PARTS = 3
_BANDS = 8
_FIRST_FINE_BAND = 5
_COARSER = slice(2, _FIRST_FINE_BAND)
_EDGES = (1.5, 2.6, 3.7, 4.8, 5.9, 7.0, 8.2)
_SHARES = (0.05, 0.2, 0.5)
_SMALLEST = 1e-4
_WHITE = 1.15
_WEIGHTS = "noise_floor.npz"


class NoiseFloor(NamedTuple):
    """White-noise variances of the dark, middle and bright third of an image's blocks.

    Attributes
    ----------
    means : ndarray, shape (3,)
        Mean intensities of the thirds, input units.
    variances : ndarray, shape (3,)
        Noise variances there, squared input units.
    """

    means: NDArray[np.float64]
    variances: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class BlockPowers:
    """What the regression is shown of an image.

    Attributes
    ----------
    features : ndarray, shape (F,), float32
        Logarithms of powers relative to `reference`, free of the image's units.
    means : ndarray, shape (3,)
        Mean intensities of the dark, middle and bright third, input units.
    reference : float
        Median power of the finest detail, squared input units.
    colour : float
        Median power of coarser detail relative to `reference`; near 1 where most blocks hold noise alone.
    """

    features: NDArray[np.float32]
    means: NDArray[np.float64]
    reference: float
    colour: float


def noise_floor(image: NDArray[Any]) -> NoiseFloor | None:
    """Return the white noise of an image by its brightness, texture not counted.

    Parameters
    ----------
    image : ndarray, shape (Y, X)
        Finite.

    Returns
    -------
    NoiseFloor or None
        ``None`` if fewer than 64 blocks of 8 x 8 pixels have any detail, which are too few to tell, and if
        most blocks look like noise alone: then nothing is to be told apart, and `noise_sigma` is exact.

    Notes
    -----
    `examples/train_noise_floor.py` trains it, on the images and simulated cameras of the recipe naf-denoise
    (their credits stand there), and prints its error: 2.4 % of the deviation at the median on images kept
    out of training. Texture that is white itself cannot be told from noise.
    """
    powers = block_powers(image)
    if powers is None or powers.colour < _WHITE:
        return None
    network = _network()
    # What no training image showed would be extrapolated.
    shown = np.clip(powers.features, network["lowest"], network["highest"])
    hidden = (shown - network["centre"]) / network["spread"]
    for layer in ("first", "second"):
        hidden = np.maximum(hidden @ network[f"{layer}.weight"].T + network[f"{layer}.bias"], 0)
    logarithms = hidden @ network["last.weight"].T + network["last.bias"]
    return NoiseFloor(powers.means, powers.reference * np.exp(logarithms.astype(np.float64)))


def block_powers(image: NDArray[Any]) -> BlockPowers | None:
    """Return powers by frequency and brightness of an image (Y, X); ``None`` if few blocks have detail."""
    rows, columns = (length // BLOCK_PX for length in image.shape)
    if rows * columns < LEAST_BLOCKS:
        return None
    level = float(image.mean(dtype=np.float64))
    pixels = image[: rows * BLOCK_PX, : columns * BLOCK_PX].astype(np.float32) - np.float32(level)
    blocks = pixels.reshape(rows, BLOCK_PX, columns, BLOCK_PX).swapaxes(1, 2).reshape(-1, BLOCK_PX, BLOCK_PX)
    blocks = blocks[np.ptp(blocks, axis=(1, 2)) > 0]  # dead or saturated blocks have no noise at all
    if len(blocks) < LEAST_BLOCKS:
        return None
    bands, means = _band_powers(blocks), blocks.mean((1, 2), dtype=np.float64)
    reference = float(np.median(bands[:, _FIRST_FINE_BAND:].mean(1)))
    if reference == 0:
        return None
    parts = np.array_split(np.argsort(means, kind="stable"), PARTS)
    rows_of_part = [row for part in parts for row in _summary(bands[part])]
    features = np.log(np.stack(rows_of_part).ravel() / reference + _SMALLEST)
    size = np.log([len(means), means.var() / reference + _SMALLEST])
    return BlockPowers(
        np.concatenate([features, size]).astype(np.float32),
        np.array([means[part].mean() + level for part in parts]),
        reference,
        float(np.median(bands[:, _COARSER].mean(1))) / reference,
    )


def _summary(bands: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """Return quantiles and mean of band powers (B, 8) over blocks, and their mean over the quietest tenth."""
    texture = bands[:, _COARSER].mean(1)
    quiet = np.argsort(texture, kind="stable")[: max(4, len(bands) // 10)]
    return [*np.quantile(bands, _SHARES, axis=0), bands.mean(0), bands[quiet].mean(0)]


def _band_powers(blocks: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the mean power of each of 8 frequency bands of blocks (B, 8, 8), shape (B, 8)."""
    basis, band = _cosines()
    power = np.square(basis @ blocks @ basis.T)
    return np.stack([power[:, band == k].mean(1) for k in range(_BANDS)], 1)


@lru_cache(maxsize=1)
def _cosines() -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return the orthonormal cosine transform (8, 8) and the band of each coefficient, -1 for the mean."""
    index = np.arange(BLOCK_PX)
    basis = np.cos(np.pi * (2 * index + 1) * index[:, None] / (2 * BLOCK_PX)) * np.sqrt(2 / BLOCK_PX)
    basis[0] /= np.sqrt(2)
    band = np.digitize(np.hypot(index, index[:, None]), _EDGES)
    band[0, 0] = -1
    return basis.astype(np.float32), band


@lru_cache(maxsize=1)
def _network() -> dict[str, NDArray[np.float32]]:
    with files("napari_emrestore.metrics").joinpath(_WEIGHTS).open("rb") as file:
        return dict(np.load(file, allow_pickle=False))
