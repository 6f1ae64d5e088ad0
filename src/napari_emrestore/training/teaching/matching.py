"""A degradation preset that does to clean images what a person's microscope does, read off raw frames."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.core import InputError
from napari_emrestore.metrics import noise_model, radial_spectrum
from napari_emrestore.training.camera import CameraRange
from napari_emrestore.training.draws import Span, fixed
from napari_emrestore.training.presets import Preset
from napari_emrestore.training.scanning import ScanRange

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_emrestore.metrics import NoiseModel

_BRIGHT, _DARK = 99.5, 0.5
_SPREAD = 1.3
_SEEN = 2.0
_LEAST_RINGS = 6
_LEAST_BLUR_PX = 0.3
_NOISE_ALONE = 0.45


def matched_preset(
    frames: NDArray[Any], clean: Sequence[NDArray[np.float32]], *, noise: NoiseModel | None = None
) -> Preset:
    """Return the preset whose gain, offset, read noise, dose and blur are those of some frames.

    Parameters
    ----------
    frames : ndarray, shape (N, Y, X)
        Of one scene, as the detector gave them.
    clean : sequence of ndarray, shape (Y, X)
        The images that will be degraded; the blur is what their spectrum lacks to be like that of the frames.
    noise : NoiseModel, optional
        A camera's calibration; ``None`` measures it.

    Raises
    ------
    InputError
        If the noise does not rise with the signal, so that no dose can be told.
    """
    from scipy.ndimage import uniform_filter

    camera = noise_model(frames) if noise is None else noise
    if camera.gain == 0:
        raise InputError(
            "The dose is read off noise that rises with the signal",
            item="the frames",
            came="show noise of one strength everywhere",
            remedy="Give a calibration of the camera, made on frames with bright and dark parts.",
        )
    # over 3 x 3 px too, or the noise of few frames would count as bright places
    mean = uniform_filter(np.asarray(frames, np.float32).mean(0), 3)
    dark, bright = (float(v) - camera.offset for v in np.percentile(mean, (_DARK, _BRIGHT)))
    dose = bright / camera.gain
    blur = match_blur(frames, clean)
    ranges = CameraRange(
        dose_e=Span(dose / _SPREAD, dose * _SPREAD, log=True),
        gain_adu=fixed(camera.gain),
        offset_adu=fixed(camera.offset),
        read_noise_e=fixed(camera.read_noise / camera.gain),
    )
    scan = ScanRange(probe_px=Span(blur / _SPREAD, blur * _SPREAD)) if blur > _LEAST_BLUR_PX else None
    return Preset("matched", ranges, scan=scan, intensity=(min(max(dark / bright, 0.0), 0.9), 1.0))


def match_blur(frames: NDArray[Any], clean: Sequence[NDArray[np.float32]]) -> float:
    """Return the standard deviation in px of the Gaussian that brings clean images' spectrum to the frames'.

    The spectra of single frames are averaged, which motion between them does not change; the power of the
    noise is that of the highest frequencies. Both spectra are compared where the scene stands out from noise;
    0 if it does so nowhere, or the frames are as sharp.

    Parameters
    ----------
    frames : ndarray, shape (N, Y, X)
        Of one scene, still or moving.
    clean : sequence of ndarray, shape (Y, X)
        Of the same kind of sample, at the same pixel size.
    """
    frequency, seen, noise = _signal_power(np.asarray(frames, np.float32))
    sharp = np.mean([_resampled(frequency, image) for image in clean], 0)
    told = (seen > _SEEN * noise) & (frequency > 0.02) & (frequency < 0.45) & (sharp > 0)
    if told.sum() < _LEAST_RINGS:
        return 0.0
    slope, _ = np.polyfit(frequency[told] ** 2, np.log(seen[told] / sharp[told]), 1)
    return float(np.sqrt(max(0.0, -slope) / (4 * np.pi**2)))


def _signal_power(
    frames: NDArray[np.float32],
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Return frequencies, the power of the scene in one frame, and that of its white noise."""
    spectra = [radial_spectrum(frame) for frame in frames]
    frequency = spectra[0].frequency_per_px
    power = np.mean([spectrum.power for spectrum in spectra], 0)
    noise = float(np.median(power[frequency > _NOISE_ALONE]))
    return frequency, np.maximum(power - noise, 0), noise


def _resampled(frequency: NDArray[np.float64], image: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return an image's spectrum at some frequencies, for a variance of 1."""
    found = radial_spectrum(image)
    power = np.interp(frequency, found.frequency_per_px, found.power)
    return np.asarray(power / max(float(np.var(image)), 1e-12))
