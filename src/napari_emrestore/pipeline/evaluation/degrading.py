"""How each paper degraded its images: a clean image in 0 to 1 in, an `Instance` out."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.core import Burst
from napari_emrestore.training.draws import Span
from napari_emrestore.training.presets import find_preset
from napari_emrestore.training.simulator import simulate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from napari_emrestore.core import RegisteredBurst
    from napari_emrestore.training.presets import Preset
    from napari_emrestore.training.simulator import Simulated

    Image = NDArray[np.float32]
    Degrade = Callable[[Image, int, np.random.Generator], "Instance"]

STREAM_FRAMES = 5


@dataclass(frozen=True, slots=True, eq=False)
class Instance:
    """One degraded input and what it should have been, all in the units that are measured in.

    Attributes
    ----------
    frames : ndarray, shape (N, Y, X), float32
        Registered, if there are several.
    truth : ndarray, shape (Y, X), float32
        What the input was made from.
    others : mapping of str to ndarray, shape (Y, X)
        Further targets, for example ``"noisy"``.
    registered : RegisteredBurst, optional
        The burst that `frames` come from, with its frames as they were taken.
    place : tuple of slice, optional
        Rows and columns of the clean image that it shows, where it was neither moved nor turned.
    labels : ndarray of int, shape (Y, X), optional
        True regions of that place.
    psf : ndarray, shape (P, P), optional
        True blur of the frames' average, for methods that must be told.
    """

    frames: Image
    truth: Image
    others: Mapping[str, Image] = field(default_factory=dict)
    registered: RegisteredBurst | None = None
    place: tuple[slice, slice] | None = None
    labels: NDArray[np.int32] | None = None
    psf: NDArray[np.float64] | None = None


def stream(clean: Image, side: int, rng: np.random.Generator) -> Instance:
    """Return five frames of a moving stage, registered onto the first, and the scene at its pose."""
    return stream_of(find_preset("tem_stream"), clean, side, rng)


def stream_of(preset: Preset, clean: Image, side: int, rng: np.random.Generator) -> Instance:
    """Return what `stream` does, of another microscope."""
    from napari_emrestore.bursts import register

    room = min(clean.shape[0] - side, clean.shape[1] - side)
    gap = min(preset.gap_px.draw(rng), max(0.0, (room - 4) / STREAM_FRAMES))
    made = simulate(
        clean, replace(preset, gap_px=Span(gap, gap)), frames=STREAM_FRAMES, frame_shape=(side, side), rng=rng
    )
    offset, span = _camera_range(made, (preset.intensity[0], preset.intensity[1] * 1.02))
    registered = register(Burst(_scale(made.frames, offset, span)), kind="euclidean", reference=0)
    (top, left), (height, width) = registered.origin_px, registered.aligned.shape[1:]
    truth = _scale(made.truths[0, top : top + height, left : left + width], offset, span)
    return Instance(registered.aligned, truth, registered=registered, psf=made.point_spread())


def defocus(clean: Image, side: int, rng: np.random.Generator) -> Instance:
    """Return a defocused or astigmatic scan, the noise-free scene, and a second scan in focus."""
    preset = find_preset(("sem_defocus", "sem_astigmatism")[int(rng.integers(2))])
    place = random_place(clean.shape, side, rng)
    scene = clean[place]
    blurred = simulate(scene, preset, frames=1, frame_shape=(side, side), rng=rng)
    dose = blurred.camera.dose_e
    steady = replace(preset.camera, dose_e=Span(2 * dose, 8 * dose))
    sharp = simulate(
        scene, replace(preset, camera=steady), frames=1, frame_shape=(side, side), rng=rng, clean=True
    )
    frames = _scale(blurred.frames, *_camera_range(blurred))
    return Instance(
        frames,
        _scale(blurred.truths[0], *_camera_range(blurred)),
        {"noisy": _scale(sharp.frames[0], *_camera_range(sharp))},
        place=place,
        psf=blurred.point_spread(),
    )


def low_dose(clean: Image, side: int, rng: np.random.Generator) -> Instance:
    """Return a frame at 5 to 10 electrons per pixel and one at 1000, each scaled by its percentiles."""
    preset = find_preset("lde_hde")
    place = random_place(clean.shape, side, rng)
    scene = clean[place]
    low = simulate(scene, preset, frames=1, frame_shape=(side, side), rng=rng)
    high_dose = replace(preset, camera=replace(preset.camera, dose_e=Span(1000.0, 1000.0)))
    high = simulate(scene, high_dose, frames=1, frame_shape=(side, side), rng=rng, clean=True)
    return Instance(
        by_percentiles(low.frames.astype(np.float32)), by_percentiles(high.frames[0]), place=place
    )


def poisson(dose_e: Callable[[np.random.Generator], float]) -> Degrade:
    """Return Ede's degradation: Poisson counts of a crop, min-max scaled, the target scaled alike."""

    def degrade(clean: Image, side: int, rng: np.random.Generator) -> Instance:
        crop = _min_max(clean[random_place(clean.shape, side, rng)])
        crop = np.rot90(crop, int(rng.integers(4)))[:: 1 - 2 * int(rng.integers(2))]
        noisy = _min_max(rng.poisson(crop * dose_e(rng)).astype(np.float32))
        return Instance(noisy[None], np.asarray(crop * (noisy.mean() / crop.mean()), np.float32))

    return degrade


def random_place(shape: tuple[int, ...], side: int, rng: np.random.Generator) -> tuple[slice, slice]:
    """Return a random square of an image as an index."""
    y, x = (int(rng.integers(length - side + 1)) for length in shape)
    return np.s_[y : y + side, x : x + side]


def _camera_range(made: Simulated, intensity: tuple[float, float] = (0.0, 1.0)) -> tuple[float, float]:
    """Return offset and span in counts of a range of intensities in front of the drawn camera."""
    gain = made.camera.dose_e * made.camera.gain_adu
    low, high = intensity
    return made.camera.offset_adu + low * gain, (high - low) * gain


def _scale(counts: NDArray[Any], offset: float, span: float) -> Image:
    return (counts.astype(np.float32) - np.float32(offset)) / np.float32(span)


def _min_max(image: NDArray[Any]) -> Image:
    low, high = float(image.min()), float(image.max())
    return _scale(image, low, high - low or 1.0)


def by_percentiles(image: NDArray[Any]) -> Image:
    """Return the image with its own 0.1 and 99.9 percentiles at 0 and 1, unclipped."""
    low, high = np.percentile(image, (0.1, 99.9))
    return _scale(image, low, float(high - low) or 1.0)
