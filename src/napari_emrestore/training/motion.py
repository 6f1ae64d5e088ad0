"""Stage motion during an exposure, and the blur and displacement it causes.

The path is a constant velocity and acceleration plus vibration lines, Ornstein-Uhlenbeck jitter and
stick-slip steps. A frame's blur is the density of the path during its exposure, applied in the Fourier
domain, so that a sub-pixel displacement is exact and costs nothing extra.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import fft

from napari_emrestore.training.draws import Span, fixed

if TYPE_CHECKING:
    from numpy.typing import NDArray

_STEPS = 64
_SLIP_TIME_MS = 3.0


@dataclass(frozen=True, slots=True)
class MotionRange:
    """What a stage does during one exposure and between frames.

    Attributes
    ----------
    speed_px : Span
        Travel in pixels per exposure.
    direction_deg : float
        Half-width of the range of directions about the vertical; 180 allows any.
    curvature_px : float
        Standard deviation of half the acceleration times the exposure squared, px.
    vibration_lines : tuple of int
        Fewest and most sinusoids.
    vibration_px : Span
        Their amplitudes.
    jitter_px : Span
        Standard deviation of the Ornstein-Uhlenbeck jitter.
    jitter_time_ms : Span
        Its correlation time.
    slip_rate_per_ms, slip_px : float
        Rate of stick-slip steps and their standard deviation.
    exposure_ms : float
        Exposure time of one frame.
    """

    speed_px: Span = fixed(0.0)
    direction_deg: float = 10.0
    curvature_px: float = 0.0
    vibration_lines: tuple[int, int] = (0, 0)
    vibration_px: Span = fixed(0.0)
    jitter_px: Span = fixed(0.0)
    jitter_time_ms: Span = Span(1.0, 10.0)
    slip_rate_per_ms: float = 0.0
    slip_px: float = 0.0
    exposure_ms: float = 15.0


@dataclass(frozen=True, slots=True)
class StagePath:
    """The drawn constants of one stage movement; positions follow from `positions`.

    Attributes
    ----------
    velocity_px : tuple of float
        ``(y, x)`` travel per exposure.
    curvature_px : tuple of float
        ``(y, x)`` of half the acceleration times the exposure squared.
    vibrations : tuple of tuple of float
        ``(amplitude px, frequency 1/ms, phase, angle)`` of each line.
    jitter_px, jitter_time_ms : float
        Ornstein-Uhlenbeck jitter.
    """

    velocity_px: tuple[float, float]
    curvature_px: tuple[float, float]
    vibrations: tuple[tuple[float, float, float, float], ...]
    jitter_px: float
    jitter_time_ms: float


def draw_path(motion: MotionRange, rng: np.random.Generator) -> StagePath:
    """Return one stage movement drawn from `motion`."""
    speed = motion.speed_px.draw(rng)
    angle = np.deg2rad(rng.uniform(-motion.direction_deg, motion.direction_deg))
    sign = rng.choice((-1.0, 1.0))
    curvature = rng.normal(0.0, motion.curvature_px, 2)
    low, high = motion.vibration_lines
    lines = tuple(_draw_vibration(motion, rng) for _ in range(rng.integers(low, high + 1)))
    return StagePath(
        (float(sign * speed * np.cos(angle)), float(sign * speed * np.sin(angle))),
        (float(curvature[0]), float(curvature[1])),
        lines,
        motion.jitter_px.draw(rng),
        motion.jitter_time_ms.draw(rng),
    )


def _draw_vibration(motion: MotionRange, rng: np.random.Generator) -> tuple[float, float, float, float]:
    mains = rng.choice((50.0, 100.0, 150.0)) + rng.uniform(-1, 1)
    frequency_hz = mains if rng.random() < 0.5 else rng.uniform(10, 400)
    phase, angle = rng.uniform(0, 2 * np.pi, 2)
    return motion.vibration_px.draw(rng), frequency_hz / 1000.0, float(phase), float(angle)


def positions(
    path: StagePath, motion: MotionRange, start_ms: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return where the stage is during one exposure.

    Parameters
    ----------
    path : StagePath
        The movement.
    motion : MotionRange
        Its exposure time and the rate of stick-slip steps.
    start_ms : float
        When the exposure opens.
    rng : numpy.random.Generator
        Draws jitter and steps.

    Returns
    -------
    ndarray, shape (S, 2)
        ``(y, x)`` in frame pixels at S equal time steps; the velocity and curvature act on the time
        since the exposure opened, so that a burst does not run away with its curvature.
    """
    fraction = (np.arange(_STEPS) + 0.5) / _STEPS
    times_ms = start_ms + fraction * motion.exposure_ms
    track = np.outer(fraction, path.velocity_px) + np.outer(fraction**2, path.curvature_px)
    for amplitude, frequency, phase, angle in path.vibrations:
        wave = amplitude * np.sin(2 * np.pi * frequency * times_ms + phase)
        track += np.outer(wave, (np.cos(angle), np.sin(angle)))
    track += _jitter(path, motion.exposure_ms / _STEPS, rng)
    return track + _slips(motion, fraction, rng)


def _jitter(path: StagePath, step_ms: float, rng: np.random.Generator) -> NDArray[np.float64]:
    from scipy.signal import lfilter

    keep = np.exp(-step_ms / path.jitter_time_ms)
    noise = rng.normal(0.0, path.jitter_px * np.sqrt(1 - keep**2), (_STEPS, 2))
    noise[0] = rng.normal(0.0, path.jitter_px, 2)
    return np.asarray(lfilter([1.0], [1.0, -keep], noise, axis=0))


def _slips(
    motion: MotionRange, fraction: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.float64]:
    track = np.zeros((_STEPS, 2))
    for _ in range(rng.poisson(motion.slip_rate_per_ms * motion.exposure_ms)):
        elapsed_ms = (fraction - rng.random()) * motion.exposure_ms
        rise = np.where(elapsed_ms > 0, 1 - np.exp(-np.maximum(elapsed_ms, 0) / _SLIP_TIME_MS), 0.0)
        track += np.outer(rise, rng.normal(0.0, motion.slip_px, 2))
    return track


def transfer(track_px: NDArray[np.float64], shape: tuple[int, int]) -> NDArray[np.complex64]:
    """Return the Fourier factor that moves and blurs an image along a path.

    Multiplying ``rfft2`` of the scene by it gives the frame seen while the stage ran along `track_px`:
    ``frame(r) = mean_t scene(r + track(t))``. The path's density is splatted bilinearly.

    Parameters
    ----------
    track_px : ndarray, shape (S, 2)
        Positions ``(y, x)``, all within half of `shape`.
    shape : tuple of int
        ``(Y, X)`` of the periodic image.
    """
    density = np.zeros(shape, np.float32)
    corner = np.floor(-track_px).astype(int)
    rest = -track_px - corner
    for dy in (0, 1):
        for dx in (0, 1):
            weight = np.abs(1 - dy - rest[:, 0]) * np.abs(1 - dx - rest[:, 1])
            index = (corner[:, 0] + dy) % shape[0], (corner[:, 1] + dx) % shape[1]
            np.add.at(density, index, (weight / len(track_px)).astype(np.float32))
    return np.asarray(fft.rfft2(density), dtype=np.complex64)
