"""From a pattern to a burst: motion during each exposure, then the noise of a camera.

Kept simple on purpose: frames of a burst are already registered (each blurred about its own centre), so that
what is probed is the restorer, not the registration. The richer simulator for training is `training`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.core import InputError, IntensityMap
from napari_emrestore.metrics import NoiseModel, noise_model

if TYPE_CHECKING:
    from numpy.typing import NDArray

_STEPS = 256
_PUBLISHED_PX = 11.0
_DIRECTION_DEG, _CURVATURE_PX, _VIBRATION_PX, _CYCLES = 10.0, 0.5, (0.1, 1.5), (0.5, 3.0)
_LONGEST_PX = 64.0


@dataclass(frozen=True, slots=True)
class Degradation:
    """What is done to a pattern.

    Attributes
    ----------
    frames : int
        Frames of the burst.
    motion_px : float
        Travel of the stage during one exposure, along the vertical axis; 0 for none, at most 64.
    noise : NoiseModel
        Of one frame, in the units of `levels`.
    levels : tuple of float
        Detector values of pattern intensities 0 and 1.
    same_path : bool
        Whether all frames are blurred alike; a control, since a burst gains by blurs that differ.

    Raises
    ------
    InputError
        If a number is out of range.
    """

    frames: int = 5
    motion_px: float = _PUBLISHED_PX
    noise: NoiseModel = NoiseModel(0.0, 0.0, 0.05)  # noqa: RUF009
    levels: tuple[float, float] = (0.0, 1.0)
    same_path: bool = False

    def __post_init__(self) -> None:
        if self.frames < 1:
            raise InputError("A burst has at least one frame", came=f"frames={self.frames} came")
        if not 0 <= self.motion_px <= _LONGEST_PX:
            raise InputError(
                f"Motion is from 0 to {_LONGEST_PX:g} px in one exposure", came=f"{self.motion_px} px came"
            )
        if not (np.isfinite(self.levels).all() and self.levels[0] < self.levels[1]):
            raise InputError(
                "The levels of a pattern are two finite numbers, dark then bright",
                came=f"{self.levels} came",
                remedy="A constant image has no range to match; give the levels yourself.",
            )

    @property
    def span(self) -> float:
        """Detector units from pattern intensity 0 to 1."""
        return self.levels[1] - self.levels[0]

    def to_detector(self, pattern: NDArray[Any]) -> NDArray[np.float32]:
        """Return pattern intensities in detector units, as float32."""
        return (np.asarray(pattern, np.float64) * self.span + self.levels[0]).astype(np.float32)

    def to_pattern(self, image: NDArray[Any]) -> NDArray[np.float64]:
        """Return detector values as pattern intensities."""
        return (np.asarray(image, np.float64) - self.levels[0]) / self.span

    def relative_noise(self) -> float:
        """Return the standard deviation of the noise of one frame at mid-grey, in pattern intensities."""
        return float(np.sqrt(self.noise.variance(sum(self.levels) / 2))) / self.span

    def with_noise(self, relative: float) -> Degradation:
        """Return the same degradation with noise of another strength at mid-grey, in pattern intensities.

        The kind of noise stays: counted quanta become fewer or more, read noise weaker or stronger. Where
        there was none, normal noise is put.
        """
        if not 0 <= relative < np.inf:
            raise InputError("The strength of noise is not negative", came=f"{relative:g} came")
        before = self.relative_noise()
        if before == 0:
            return replace(self, noise=NoiseModel(0.0, self.noise.offset, relative * self.span))
        share = relative / before
        noise = NoiseModel(self.noise.gain * share**2, self.noise.offset, self.noise.read_noise * share)
        return replace(self, noise=noise)


def match_degradation(data: Any, *, frames: int = 5, motion_px: float = _PUBLISHED_PX) -> Degradation:
    """Return a degradation with the noise and the range of intensities of an image or burst.

    Parameters
    ----------
    data : array, shape (Y, X) or (N, Y, X)
        As it came from the detector. Its noise is measured by `metrics.noise_model`; pixels that are not
        finite count as the mean of the others.
    frames : int
        Frames of the burst to come.
    motion_px : float
        Not measured: how far the stage travels in an exposure is for the user to say.

    Returns
    -------
    Degradation
        Its levels put the pattern's middle grey at the mean of `data` and its range at two deviations of the
        signal, but never below the camera's value of no signal.

    Raises
    ------
    InputError
        If `data` is no such array, is smaller than 3 x 3 px or constant.
    """
    pixels = np.asarray(data)
    finite = np.isfinite(pixels)
    if finite.any() and not finite.all():
        pixels = np.where(finite, pixels, pixels.mean(where=finite))
    noise = noise_model(pixels)
    signal = IntensityMap.from_signal(pixels)
    if not np.ptp(pixels) > 0:
        raise InputError(
            "Noise and range are measured on an image with a range",
            came=f"an image that is {float(pixels.flat[0]):g} everywhere came",
            remedy="Choose another layer, or set noise and levels by hand.",
        )
    low = max(signal.offset, noise.offset) if noise.gain > 0 else signal.offset
    return Degradation(frames, motion_px, noise, (low, signal.offset + signal.scale))


def degrade(pattern: NDArray[Any], degradation: Degradation, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return a registered burst of a pattern, as a camera would have given it.

    Parameters
    ----------
    pattern : ndarray, shape (Y, X)
        Intensities in [0, 1].
    degradation : Degradation
        Motion, noise, levels.
    rng : numpy.random.Generator
        Draws paths and noise.

    Returns
    -------
    ndarray, shape (N, Y, X), float32
        In detector units, unclamped and not rounded.
    """
    kernel = motion_kernel(degradation.motion_px, rng)
    burst = np.empty((degradation.frames, *pattern.shape), np.float32)
    for index, frame in enumerate(burst):
        if index and not degradation.same_path:
            kernel = motion_kernel(degradation.motion_px, rng)
        expected = degradation.to_detector(blur(pattern, kernel))
        frame[...] = add_noise(expected, degradation.noise, rng)
    return burst


def motion_kernel(length_px: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return the blur of one exposure ``(K, K)``, sum 1, centred on its centroid.

    A vertical path of `length_px`, up to 10 degrees askew, slightly bent and shaken, in proportion to its
    length.
    """
    if length_px == 0:
        return np.ones((1, 1))
    share = length_px / _PUBLISHED_PX
    angle = np.deg2rad(rng.uniform(-_DIRECTION_DEG, _DIRECTION_DEG))
    time = (np.arange(_STEPS) + 0.5) / _STEPS
    path = np.outer(time, length_px * np.array([np.cos(angle), np.sin(angle)]))
    path += np.outer(time**2, rng.normal(0.0, _CURVATURE_PX * share, 2))
    amplitude = share * np.exp(rng.uniform(*np.log(_VIBRATION_PX)))
    turn, phase = rng.uniform(0, 2 * np.pi, 2)
    shaken = amplitude * np.sin(2 * np.pi * rng.uniform(*_CYCLES) * time + phase)
    path += np.outer(shaken, (np.cos(turn), np.sin(turn)))
    return _splat(path - path.mean(axis=0))


def blur(pattern: NDArray[Any], kernel: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the pattern under a kernel, mirrored at its rims."""
    from scipy import ndimage  # a second of loading, which a dock that only shows settings can do without

    blurred: NDArray[np.float64] = ndimage.convolve(np.asarray(pattern, np.float64), kernel, mode="reflect")
    return blurred


def add_noise(expected: NDArray[Any], noise: NoiseModel, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return one noisy measurement of expected detector values.

    Counted quanta where the noise has a gain (none below its offset), plus normal read noise.
    """
    read = rng.normal(0.0, noise.read_noise, expected.shape)
    if noise.gain == 0:
        return np.asarray(expected + read)
    quanta = rng.poisson(np.maximum(expected - noise.offset, 0) / noise.gain)
    return np.asarray(noise.offset + noise.gain * quanta + read)


def _splat(path: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the density of a path about the origin, each point shared by its four nearest pixels."""
    reach = int(np.ceil(np.abs(path).max())) + 1
    kernel = np.zeros((2 * reach + 1,) * 2)
    corner = np.floor(path).astype(int)
    rest = path - corner
    for dy in (0, 1):
        for dx in (0, 1):
            weight = np.abs(1 - dy - rest[:, 0]) * np.abs(1 - dx - rest[:, 1])
            np.add.at(kernel, (corner[:, 0] + dy + reach, corner[:, 1] + dx + reach), weight / len(path))
    return kernel
