"""From expected electrons to 16-bit counts: Poisson, detector spread, read-out, gain, saturation.

Blur acts before Poisson and the detector's point spread after it: a scintillator camera spreads the
signal of electrons that were already counted, which makes the noise of neighbours correlated. So does
software that resamples or smooths what was read out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import fft

from napari_emrestore.training.draws import Span, fixed

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FULL_SCALE = 65535
_UNEVEN = 0.5
_RESPONSE_PX = 64
MASK = np.outer([1.0, -2.0, 1.0], [1.0, -2.0, 1.0])
# A mask takes off whole rows; the shipped networks were told a third of their variance, which is kept.
_WHITE_OF_ROWS = 1 / 3


@dataclass(frozen=True, slots=True)
class CameraRange:
    """What a camera may be like.

    Attributes
    ----------
    dose_e : Span
        Mean electrons per pixel and frame where the scene is 1.
    gain_adu : Span
        Counts per electron.
    offset_adu : Span
        Counts without any electron.
    read_noise_e, row_noise : Span
        Read noise in electrons; standard deviation of a whole row relative to it.
    spread_probability : float
        Chance of a camera with a point spread after Poisson (else a counting detector).
    excess_noise : Span
        Variance of the single-electron gain relative to its mean squared.
    gain_map : float
        Standard deviation of what is left of the pixel gain pattern after correction.
    hit_rate : float
        Mean number of X-ray hits per megapixel.
    lag_px : Span
        Time constant of the detector along the fast scan axis (SEM); 0 for area detectors.
    smoothing_px : Span
        Standard deviation of the Gaussian by which software smoothed the finished frame, as resampling and
        compression do. The truth is smoothed alike: what was lost there is not to be invented.
    """

    dose_e: Span = Span(20.0, 400.0, log=True)
    gain_adu: Span = Span(10.0, 60.0, log=True)
    offset_adu: Span = Span(100.0, 2000.0)
    read_noise_e: Span = fixed(0.0)
    row_noise: Span = fixed(0.0)
    spread_probability: float = 0.0
    excess_noise: Span = fixed(0.0)
    gain_map: float = 0.0
    hit_rate: float = 0.0
    lag_px: Span = fixed(0.0)
    smoothing_px: Span = fixed(0.0)


@dataclass(frozen=True, slots=True, eq=False)
class Camera:
    """One drawn camera.

    Attributes
    ----------
    dose_e, gain_adu, offset_adu, read_noise_e, row_noise_e, excess_noise, hit_rate, lag_px : float
        See `CameraRange`; `row_noise_e` in electrons.
    row_axis : int
        0 when rows share their noise, 1 when columns do.
    spread : tuple of float, optional
        ``(cut-off in cycles/px, weight of the long tail, its scale in px)``.
    smoothing_px : tuple of float
        Of the finished frame along y and x; see `CameraRange`.
    gain_pattern : ndarray, shape (Y, X), optional
        Left-over pixel gain, shared by all frames of the camera.
    """

    dose_e: float
    gain_adu: float
    offset_adu: float
    read_noise_e: float = 0.0
    row_noise_e: float = 0.0
    excess_noise: float = 0.0
    hit_rate: float = 0.0
    lag_px: float = 0.0
    row_axis: int = 0
    spread: tuple[float, float, float] | None = None
    smoothing_px: tuple[float, float] = (0.0, 0.0)
    gain_pattern: NDArray[np.float32] | None = None

    def record(self) -> dict[str, Any]:
        """Return the drawn numbers as plain JSON values."""
        names = "dose_e gain_adu offset_adu read_noise_e row_noise_e excess_noise hit_rate lag_px row_axis"
        drawn = {name: getattr(self, name) for name in names.split()}
        return drawn | {"spread": self.spread, "smoothing_px": self.smoothing_px}


def draw_camera(ranges: CameraRange, shape: tuple[int, int], rng: np.random.Generator) -> Camera:
    """Return one camera drawn from `ranges`, for frames of `shape` ``(Y, X)``.

    The gain is lowered where the dose would otherwise leave the 16-bit range.
    """
    dose = ranges.dose_e.draw(rng)
    read_noise = ranges.read_noise_e.draw(rng)
    spread = None
    if rng.random() < ranges.spread_probability:
        spread = (rng.uniform(0.3, 0.8), rng.uniform(0.02, 0.06), rng.uniform(8.0, 20.0))
    pattern = None
    if ranges.gain_map:
        pattern = 1 + rng.normal(0.0, ranges.gain_map, shape).astype(np.float32)
    return Camera(
        dose_e=dose,
        gain_adu=min(ranges.gain_adu.draw(rng), 30000.0 / dose),
        offset_adu=ranges.offset_adu.draw(rng),
        read_noise_e=read_noise,
        row_noise_e=ranges.row_noise.draw(rng) * read_noise,
        excess_noise=ranges.excess_noise.draw(rng),
        hit_rate=ranges.hit_rate,
        lag_px=ranges.lag_px.draw(rng),
        row_axis=int(rng.integers(2)),
        spread=spread,
        smoothing_px=_draw_smoothing(ranges.smoothing_px, rng),
        gain_pattern=pattern,
    )


def _draw_smoothing(span: Span, rng: np.random.Generator) -> tuple[float, float]:
    """Return smoothing along y and x, which differ by a factor of up to 1.6."""
    if span.high == 0:  # draws nothing, so that cameras without it stay those that their seeds gave
        return 0.0, 0.0
    smoothing_px = span.draw(rng)
    return smoothing_px, smoothing_px * float(np.exp(rng.uniform(-_UNEVEN, _UNEVEN)))


def detect(intensity: NDArray[np.float32], camera: Camera, rng: np.random.Generator) -> NDArray[np.uint16]:
    """Return the counts a camera reports for a noise-free image.

    Parameters
    ----------
    intensity : ndarray, shape (Y, X)
        Noise-free image, 1 where `Camera.dose_e` electrons are expected; negative values count as 0.
    camera : Camera
        What is in the way.
    rng : numpy.random.Generator
        Draws electrons and read-out noise.

    Returns
    -------
    ndarray, shape (Y, X), uint16
        Rounded and clipped to the range of the converter.
    """
    electrons = rng.poisson(np.maximum(intensity, 0) * camera.dose_e).astype(np.float32)
    if camera.excess_noise > 0:
        electrons = _gamma_gain(electrons, camera.excess_noise, rng)
    electrons = _detector(electrons, camera)
    if camera.read_noise_e > 0:
        electrons += rng.normal(0.0, camera.read_noise_e, electrons.shape).astype(np.float32)
    if camera.row_noise_e > 0:
        lines = rng.normal(0.0, camera.row_noise_e, (electrons.shape[camera.row_axis], 1))
        electrons += (lines if camera.row_axis == 0 else lines.T).astype(np.float32)
    if camera.gain_pattern is not None:
        electrons *= camera.gain_pattern
    counts = electrons * np.float32(camera.gain_adu) + np.float32(camera.offset_adu)
    _add_hits(counts, camera, rng)
    return np.asarray(np.clip(np.rint(_smooth(counts, camera)), 0, _FULL_SCALE), np.uint16)


def noise_line(camera: Camera, shared: float = 1.0) -> tuple[float, float]:
    """Return slope and height of the line from counts to the variance of a pixel's noise.

    With all of what neighbouring pixels share it is what repeated exposures of one scene would scatter by;
    with none, what passes the mask of a noise estimate (`metrics.noise_sigma`). Gain pattern and X-ray hits
    are not in it.

    Parameters
    ----------
    camera : Camera
        Whose noise.
    shared : float
        Share, 0 to 1, of the difference between the two that counts.

    Returns
    -------
    slope : float
        Counts of variance per count.
    height : float
        Variance at 0 counts, squared counts.
    """
    middle = _RESPONSE_PX // 2
    pixel = np.zeros((_RESPONSE_PX, _RESPONSE_PX), np.float32)
    pixel[middle, middle] = 1
    line = np.zeros_like(pixel)
    line[(slice(None), middle) if camera.row_axis else middle] = 1 / np.sqrt(_RESPONSE_PX)
    electron = _smooth(_detector(pixel, camera), camera)
    slope = camera.gain_adu * (1 + camera.excess_noise) * _counted(electron, shared)
    read = camera.read_noise_e**2 * _counted(_smooth(pixel, camera), shared)
    rows = camera.row_noise_e**2 * _counted(_smooth(line, camera), shared, least_white=_WHITE_OF_ROWS)
    return slope, (read + rows) * camera.gain_adu**2 - slope * camera.offset_adu


def _counted(response: NDArray[np.float32], shared: float, least_white: float = 0.0) -> float:
    """Return the variance of noise of deviation 1 with a pixel response (Y, X), as far as it is counted."""
    from scipy.signal import convolve2d

    whole = float(np.square(response).sum(dtype=np.float64))
    white = float(np.square(convolve2d(response, MASK)).sum(dtype=np.float64) / np.square(MASK).sum())
    return shared * whole + (1 - shared) * max(white, least_white * whole)


def expected_counts(intensity: NDArray[np.float32], camera: Camera) -> NDArray[np.float32]:
    """Return the counts `detect` gives on average for `intensity`, without saturation, shape kept.

    The detector's spread is not in them, the smoothing of the finished frame is.
    """
    scale = np.float32(camera.dose_e * camera.gain_adu)
    return _smooth(np.maximum(intensity, 0) * scale + np.float32(camera.offset_adu), camera)


def _detector(electrons: NDArray[np.float32], camera: Camera) -> NDArray[np.float32]:
    """Return counted electrons (Y, X) as the detector passes them on to its neighbours."""
    spread = electrons if camera.spread is None else _spread(electrons, camera.spread)
    return _lag(spread, camera.lag_px) if camera.lag_px > 0 else spread


def _smooth(counts: NDArray[np.float32], camera: Camera) -> NDArray[np.float32]:
    if not any(camera.smoothing_px):
        return counts
    from scipy.ndimage import gaussian_filter

    return np.asarray(gaussian_filter(counts, camera.smoothing_px, mode="nearest"), np.float32)


def _gamma_gain(
    electrons: NDArray[np.float32], excess: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    shape = np.maximum(electrons / excess, 1e-6)
    return np.where(electrons > 0, rng.gamma(shape, excess), 0.0).astype(np.float32)


def _spread(electrons: NDArray[np.float32], spread: tuple[float, float, float]) -> NDArray[np.float32]:
    cutoff, tail_weight, tail_px = spread
    rows, columns = electrons.shape
    squared = fft.fftfreq(rows)[:, None] ** 2 + fft.rfftfreq(columns)[None] ** 2
    core = 1 / (1 + squared / cutoff**2)
    tail = np.exp(-2 * (np.pi * tail_px) ** 2 * squared)
    factor = ((1 - tail_weight) * core + tail_weight * tail).astype(np.float32)
    return np.asarray(fft.irfft2(fft.rfft2(electrons) * factor, s=electrons.shape), np.float32)


def _lag(electrons: NDArray[np.float32], lag_px: float) -> NDArray[np.float32]:
    from scipy.signal import lfilter

    keep = np.exp(-1 / lag_px)
    start = keep * electrons[:, :1]
    return np.asarray(lfilter([1 - keep], [1, -keep], electrons, axis=1, zi=start)[0], np.float32)


def _add_hits(counts: NDArray[np.float32], camera: Camera, rng: np.random.Generator) -> None:
    for _ in range(rng.poisson(camera.hit_rate * counts.size / 1e6)):
        y, x = rng.integers(counts.shape[0]), rng.integers(counts.shape[1])
        long, wide = rng.integers(1, 4, 2)
        counts[y : y + long, x : x + wide] += rng.uniform(0.1, 0.6) * _FULL_SCALE
