"""Frames and a clean image of their place, brought onto one grid and into the range of a model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.core import SILENT, Burst, Frame, InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_emrestore.core import Acquisition, Monitor, WarpKind

_LEAST_CORRELATION = 0.2
_TILE_PX = 16


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """What a network is shown and what it should make of it.

    Attributes
    ----------
    frames : ndarray, shape (N, Y, X), float32
        In model range, on the grid of the clean image.
    truth : ndarray, shape (Y, X), float32
        The clean image, with the grey levels of the frames.
    noise : tuple of float
        Line from intensity to the noise variance of one frame, in model range.
    correlation : float
        Of the frames' mean with the clean image.
    """

    frames: NDArray[np.float32]
    truth: NDArray[np.float32]
    noise: tuple[float, ...]
    correlation: float


def gather_pair(
    frames: NDArray[Any],
    clean: NDArray[Any],
    *,
    acquisitions: tuple[Acquisition, Acquisition] | None = None,
    kind: WarpKind = "euclidean",
    monitor: Monitor = SILENT,
) -> Pair:
    """Return frames matched to a clean image of the same place.

    Parameters
    ----------
    frames : ndarray, shape (N, Y, X)
        As the detector gave them.
    clean : ndarray, shape (Y, X)
        Of the same shape, or twice as fine.
    acquisitions : tuple of Acquisition, optional
        Of frames and clean image; their pixel sizes tell whether the clean image is twice as fine.
    kind : str
        Family of warps between both.
    monitor : Monitor
        Told after each frame.

    Raises
    ------
    InputError
        If images differ in shape or are not finite, or hardly resemble each other once matched.
    RegistrationError
        If a frame cannot be matched.
    """
    from napari_emrestore.bursts import training_pair
    from napari_emrestore.core import Acquisition
    from napari_emrestore.restoration.inputs import Inputs
    from napari_emrestore.restoration.intensity import measure_intensity
    from napari_emrestore.restoration.noise import line_in_model_range, measure_noise

    of_frames, of_clean = acquisitions or (Acquisition(), Acquisition())
    burst = Burst(frames, of_frames)
    low, high = _ends(frames)
    matched = training_pair(
        burst,
        Frame(clean, 0, of_clean),
        frame_limits=(low, high),
        clean_limits=_ends(clean),
        kind=kind,
        tile_px=_TILE_PX,
        erosion_px=_TILE_PX,
        monitor=monitor,
    )
    seen = matched.frames * np.float32(high - low) + np.float32(low)
    truth, correlation = _fitted(matched.clean, seen.mean(0))
    if correlation < _LEAST_CORRELATION:
        raise InputError(
            "A clean image shows the place of the frames",
            came=f"once matched their correlation is {correlation:.2f}",
            remedy="Check that both show the same place, at the same or twice the sampling.",
        )
    inputs = Inputs(seen, 1, len(seen), of_frames, raw=frames)
    intensity = measure_intensity(inputs)
    line = line_in_model_range(measure_noise(inputs), intensity)
    return Pair(intensity.to_model(seen), intensity.to_model(truth), tuple(line), correlation)


def _ends(images: NDArray[Any]) -> tuple[float, float]:
    """Return limits that clip nothing."""
    low, high = float(images.min()), float(images.max())
    return low, high if high > low else low + 1.0


def _fitted(clean: NDArray[np.float32], seen: NDArray[np.float32]) -> tuple[NDArray[np.float32], float]:
    """Return the clean image on the grey levels of what was seen (least squares), and their correlation."""
    ours, theirs = clean - clean.mean(), seen - seen.mean()
    power, product = float((ours**2).mean()), float((ours * theirs).mean())
    deviation = float(np.sqrt(power) * theirs.std())
    slope = product / power if power > 0 else 0.0
    fitted = np.float32(slope) * ours + seen.mean()
    return np.asarray(fitted, np.float32), product / deviation if deviation > 0 else 0.0
