"""What a scanning microscope adds: probe blur, row jitter, charging streaks and shading."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import fft

from napari_emrestore.training.draws import Span, fixed

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class ScanRange:
    """What a scan may be like.

    Attributes
    ----------
    defocus_px, astigmatism_px : Span
        Signed defocus and astigmatism, in pixels of probe sigma.
    probe_px : Span
        Sigma of the probe in focus.
    jitter_px : Span
        Standard deviation of the row displacement.
    jitter_memory : Span
        Correlation of neighbouring rows' displacement.
    baseline : float
        Standard deviation of whole-row offsets, relative to full intensity.
    streak : Span
        Strength of charging streaks behind bright runs.
    shading : float
        Largest relative gain change across the field.
    """

    defocus_px: Span = fixed(0.0)
    astigmatism_px: Span = fixed(0.0)
    probe_px: Span = fixed(0.0)
    jitter_px: Span = fixed(0.0)
    jitter_memory: Span = Span(0.3, 0.95)
    baseline: float = 0.0
    streak: Span = fixed(0.0)
    shading: float = 0.0


def probe_transfer(
    ranges: ScanRange, shape: tuple[int, int], rng: np.random.Generator
) -> tuple[NDArray[np.float32], dict[str, float]]:
    """Return the Fourier factor of a drawn probe and what was drawn.

    The widths along the two astigmatic axes are ``sqrt(probe² + (defocus ± astigmatism/2)²)``, so that
    the long axis turns by 90 degrees through focus. Half of the probes are Gaussian (small apertures),
    half are uniform ellipses with semi-axes of two widths (large apertures).
    """
    defocus = ranges.defocus_px.draw(rng) * rng.choice((-1.0, 1.0))
    astigmatism, probe = ranges.astigmatism_px.draw(rng), ranges.probe_px.draw(rng)
    angle, gaussian = rng.uniform(0, np.pi), bool(rng.random() < 0.5)
    widths = [np.hypot(probe, defocus + side * astigmatism / 2) for side in (1, -1)]
    fy, fx = fft.fftfreq(shape[0])[:, None], fft.rfftfreq(shape[1])[None]
    along, across = fy * np.cos(angle) + fx * np.sin(angle), fx * np.cos(angle) - fy * np.sin(angle)
    radius = np.sqrt((widths[0] * along) ** 2 + (widths[1] * across) ** 2)
    factor = np.exp(-2 * (np.pi * radius) ** 2) if gaussian else _airy(4 * np.pi * radius)
    drawn = {"defocus_px": float(defocus), "astigmatism_px": astigmatism, "probe_px": probe}
    return factor.astype(np.float32), drawn | {"angle": float(angle), "gaussian": float(gaussian)}


def _airy(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return 2 J1(x) / x, the transform of a uniform disc."""
    from scipy.special import j1

    safe = np.maximum(x, 1e-9)
    return np.asarray(2 * j1(safe) / safe)


def distort_rows(
    image: NDArray[np.float32], ranges: ScanRange, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return `image` (Y, X) with each row displaced along x by correlated jitter, noise-free."""
    deviation = ranges.jitter_px.draw(rng)
    if deviation == 0:
        return image
    from scipy.signal import lfilter

    memory = ranges.jitter_memory.draw(rng)
    steps = rng.normal(0.0, deviation * np.sqrt(1 - memory**2), image.shape[0])
    shift = lfilter([1.0], [1.0, -memory], steps)
    phase = np.exp(2j * np.pi * np.outer(shift, fft.rfftfreq(image.shape[1]))).astype(np.complex64)
    return np.asarray(fft.irfft(fft.rfft(image, axis=1) * phase, n=image.shape[1], axis=1), np.float32)


def charge(image: NDArray[np.float32], ranges: ScanRange, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return `image` (Y, X) with shading, dark streaks behind bright runs and row offsets."""
    result = image
    if ranges.shading:
        result = result * _shading(image.shape, ranges.shading, rng)
    strength = ranges.streak.draw(rng)
    if strength:
        result = result - np.float32(strength) * _streaks(result, rng.uniform(20, 300))
    if ranges.baseline:
        result = result + rng.normal(0.0, ranges.baseline, (image.shape[0], 1)).astype(np.float32)
    return result


def _streaks(image: NDArray[np.float32], length_px: float) -> NDArray[np.float32]:
    from scipy.signal import lfilter

    excess = np.maximum(image - np.float32(np.percentile(image, 90)), 0)
    return np.asarray(lfilter([0.0, 1.0], [1.0, -np.exp(-1 / length_px)], excess, axis=1), np.float32)


def _shading(shape: tuple[int, ...], depth: float, rng: np.random.Generator) -> NDArray[np.float32]:
    y, x = np.linspace(-1, 1, shape[0])[:, None], np.linspace(-1, 1, shape[1])[None]
    a, b, c = rng.uniform(-1, 1, 3)
    field = a * y + b * x + c * (x**2 + y**2 - 2 / 3)
    return np.asarray(1 + depth * field / max(np.abs(field).max(), 1.0), np.float32)
