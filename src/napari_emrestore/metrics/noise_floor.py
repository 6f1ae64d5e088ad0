"""The noise of an image beside texture: a small trained regression on the power of its blocks.

A mask that takes off planes and edges, as `noise_sigma` uses, counts texture as fine as the pixels as
noise, and sees little of noise that software smoothed. Noise has the same power in every block, texture
has not; white noise has it at every spatial frequency, while what was resampled or smoothed has next to none
at the finest. `training.noise_floor` makes the weights from images and simulated cameras.
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
# Between sections at 200 to 2500 electrons per pixel and crops of a real fast scan (5.3 to 10).
_HARDLY_WHITE = 5.0
_WINDOW_PX = 16
_WINDOW_EDGES = (1.6, 3.0, 4.4, 5.8, 7.2, 8.6)
_WINDOW_SHARES = (0.05, 0.2, 0.5, 0.8)
_LEAST_WINDOWS = 8
_WEIGHTS = "noise_floor.npz"


class NoiseFloor(NamedTuple):
    """Noise variances of the dark, middle and bright third of an image's blocks.

    Attributes
    ----------
    means : ndarray, shape (3,)
        Mean intensities of the thirds, input units.
    white : ndarray, shape (3,)
        Variances there of the noise that looks white, squared input units.
    whole : ndarray, shape (3,)
        Variances with the noise that neighbouring pixels share. Texture that is the same in every block is
        in it.
    """

    means: NDArray[np.float64]
    white: NDArray[np.float64]
    whole: NDArray[np.float64]

    @property
    def variances(self) -> NDArray[np.float64]:
        """The white ones, but for noise of which hardly any looks white, as in resampled files: the whole.

        Up to there what neighbours share counts as texture, which is kept rather than lost.
        """
        return self.whole if np.median(self.whole / self.white) > _HARDLY_WHITE else self.white


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
    """Return the noise of an image by its brightness, texture not counted.

    Parameters
    ----------
    image : ndarray, shape (Y, X)
        Finite.

    Returns
    -------
    NoiseFloor or None
        ``None`` if too few blocks have any detail to tell, and if most of them look like white noise alone:
        then nothing is to be told apart, and `noise_sigma` is exact.

    Notes
    -----
    `examples/train_noise_floor.py` trains it, on the images and simulated cameras of the recipe naf-denoise
    (their credits stand there), and prints its error: 3.4 % of the deviation at the median on images kept
    out of training. Texture that is the same in every block cannot be told from noise.
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
    white, whole = powers.reference * np.exp(logarithms.astype(np.float64)).reshape(2, PARTS)
    return NoiseFloor(powers.means, white, np.maximum(white, whole))


def block_powers(image: NDArray[Any]) -> BlockPowers | None:
    """Return powers by frequency and brightness of an image (Y, X); ``None`` if few blocks have detail."""
    level = float(image.mean(dtype=np.float64))
    pixels = image.astype(np.float32) - np.float32(level)
    blocks, windows = _live_blocks(pixels, BLOCK_PX), _live_blocks(pixels, _WINDOW_PX)
    if len(blocks) < LEAST_BLOCKS or len(windows) < _LEAST_WINDOWS:
        return None
    bands, means = _band_powers(blocks), blocks.mean((1, 2), dtype=np.float64)
    reference = float(np.median(bands[:, _FIRST_FINE_BAND:].mean(1)))
    if reference == 0:
        return None
    parts = np.array_split(np.argsort(means, kind="stable"), PARTS)
    powers = [row for part in parts for row in _summary(bands[part])]
    rings = _ring_powers(windows)
    powers += [*np.quantile(rings, _WINDOW_SHARES, axis=0), rings.mean(0)]
    features = np.log(np.concatenate(powers) / reference + _SMALLEST)
    size = np.log([len(means), means.var() / reference + _SMALLEST])
    return BlockPowers(
        np.concatenate([features, size]).astype(np.float32),
        np.array([means[part].mean() + level for part in parts]),
        reference,
        float(np.median(bands[:, _COARSER].mean(1))) / reference,
    )


def _live_blocks(image: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """Return the whole blocks (B, side, side) of an image without those that are dead or saturated."""
    rows, columns = (length // side for length in image.shape)
    whole = image[: rows * side, : columns * side].reshape(rows, side, columns, side)
    blocks = whole.swapaxes(1, 2).reshape(-1, side, side)
    alive: NDArray[np.float32] = blocks[np.ptp(blocks, axis=(1, 2)) > 0]  # the others have no noise at all
    return alive


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


def _ring_powers(blocks: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the mean power of each of 6 rings of frequency of blocks (B, 16, 16), shape (B, 6).

    Under a Hann window: what is coarser does not leak into the finest ring, where white noise is to be seen.
    """
    window, ring = _rings()
    level = blocks.mean((1, 2), keepdims=True)
    power = np.square(np.abs(np.fft.rfft2((blocks - level) * window)))
    return np.stack([power[:, ring == k].mean(1) for k in range(1, len(_WINDOW_EDGES) + 1)], 1)


@lru_cache(maxsize=1)
def _rings() -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return the window (16, 16), of square sum 1, and the ring of each coefficient of ``rfft2``."""
    hann = np.hanning(_WINDOW_PX + 1)[:-1]
    window = np.outer(hann, hann)
    rows, columns = np.fft.fftfreq(_WINDOW_PX)[:, None], np.fft.rfftfreq(_WINDOW_PX)[None]
    cycles = np.hypot(rows, columns) * _WINDOW_PX
    return (window / np.linalg.norm(window)).astype(np.float32), np.digitize(cycles, _WINDOW_EDGES)


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
