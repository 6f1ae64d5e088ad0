"""The noise of the frames a model is given, measured once per image or stack."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.metrics import NoiseModel, noise_model, noise_readings, noise_sigma

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_emrestore.core import IntensityMap
    from napari_emrestore.restoration.inputs import Inputs

_SIDE_PX = 1024
_FRAMES = 8
_SMALLEST_PX = 3
_IN_DOUBT = 2.0


def measure_noise(inputs: Inputs) -> NoiseModel:
    """Return the noise model of the frames in `inputs`, as the detector gave them.

    Up to 8 frames and the central 1024 x 1024 px are looked at. Frames of a registered burst are taken
    before they were resampled, since interpolation hides noise. Images too small to tell (below 3 px)
    count as free of noise.
    """
    pixels = _looked_at(inputs)
    return NoiseModel(0.0, 0.0, 0.0) if pixels is None else noise_model(pixels)


def doubt_of_noise(inputs: Inputs) -> str | None:
    """Return a sentence if the noise of a single image hangs on what is taken for texture, else ``None``.

    One image cannot tell texture as fine as its pixels, white noise and noise that neighbouring pixels share
    apart for sure. A stack can, and so can a calibration of the camera.
    """
    pixels = _looked_at(inputs)
    if pixels is None or pixels.ndim == 3:
        return None
    readings = noise_readings(pixels)
    low, high = min(readings), max(readings)
    if high <= _IN_DOUBT * low:
        return None
    return (
        f"The noise was taken as {noise_sigma(pixels):.3g}, but may lie between {low:.3g} and {high:.3g}: "
        "one image cannot tell texture as fine as its pixels from noise for sure, a burst or a calibration "
        "of the camera can"
    )


def _looked_at(inputs: Inputs) -> NDArray[Any] | None:
    """Return the pixels that the noise is measured on, (Y, X) or (N, Y, X); ``None`` for too few."""
    raw = inputs.data if inputs.raw is None else inputs.raw
    rows, columns = (_centre(length) for length in raw.shape[-2:])
    if min(raw.shape[-2:]) < _SMALLEST_PX:
        return None
    alone = inputs.frames == 1
    frames = raw[..., rows, columns] if raw.ndim == 2 else raw[: 1 if alone else _FRAMES, rows, columns]
    pixels = _without_gaps(np.asarray(frames))
    return pixels[0] if alone and pixels.ndim == 3 else pixels


def line_in_model_range(noise: NoiseModel, intensity: IntensityMap) -> tuple[float, float]:
    """Return slope and height of the line from intensity to noise variance, both in model range."""
    slope = noise.gain / intensity.scale
    at_zero = noise.gain * (intensity.offset - noise.offset) + noise.read_noise**2
    return slope, at_zero / intensity.scale**2


def _centre(length: int) -> slice:
    start = max(0, (length - _SIDE_PX) // 2)
    return slice(start, start + _SIDE_PX)


def _without_gaps(pixels: NDArray[Any]) -> NDArray[Any]:
    """Return `pixels` with the mean of the others where one is not finite."""
    finite = np.isfinite(pixels)
    if finite.all():
        return pixels
    return np.where(finite, pixels, pixels.mean(where=finite) if finite.any() else 0.0)
