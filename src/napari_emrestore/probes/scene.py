"""The image that patterns are added to: its range, its noise, and how a signal is put into it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

from napari_emrestore.core import InputError, IntensityMap
from napari_emrestore.metrics import NoiseModel, noise_model
from napari_emrestore.probes.degrading import blur, motion_kernel
from napari_emrestore.probes.stamps import Kind, Stamp, draw_stamp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_SMOOTH_PX = 3.0


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """The image that patterns are added to, and what was measured on it.

    Attributes
    ----------
    frames : ndarray, shape (N, Y, X)
        In detector units; not-a-number where nothing was measured.
    kind : Kind
        What is added.
    motion_px : float
        Blur of what is added.
    span : float
        Input units of contrast 1: four standard deviations of the signal.
    noise : NoiseModel
        Of one frame.
    smooth : ndarray, shape (Y, X)
        Local mean of the frames.
    """

    frames: NDArray[np.float32]
    kind: Kind
    motion_px: float
    span: float
    noise: NoiseModel
    smooth: NDArray[np.float32]

    @classmethod
    def of(cls, frames: NDArray[np.float32], kind: Kind, motion_px: float) -> Scene:
        """Return the scene of some frames.

        Raises
        ------
        InputError
            If they hold no finite pixel.
        """
        finite = np.isfinite(frames)
        if not finite.any():
            raise InputError("An image holds finite pixels", came="none came")
        whole = np.where(finite, frames, frames.mean(where=finite, dtype=np.float64)).astype(np.float32)
        span = IntensityMap.from_signal(whole).scale
        smooth = ndimage.gaussian_filter(whole.mean(axis=0), _SMOOTH_PX)
        return cls(frames, kind, motion_px, span, noise_model(whole), smooth)

    def record(self) -> dict[str, Any]:
        """Return what was measured and chosen, as plain JSON values."""
        return {
            "pattern": self.kind,
            "motion_px": self.motion_px,
            "range_of_image": self.span,
            "noise": asdict(self.noise),
        }

    def noise_sigma(self) -> float:
        """Return the noise of the mean of the frames at the image's mean, in input units."""
        return float(np.sqrt(self.noise.variance(self.smooth.mean()) / len(self.frames)))

    def expected(self, stamps: Sequence[Stamp]) -> NDArray[np.float64]:
        """Return the expected signal of stamps, shape (Y, X), in input units."""
        added = np.zeros(self.smooth.shape)
        for stamp in stamps:
            added[stamp.area] += stamp.contrast * self.span * draw_stamp(stamp, self.kind)
        return added

    def with_pattern(
        self, added: NDArray[np.float64], rng: np.random.Generator
    ) -> tuple[NDArray[np.float32], float]:
        """Return the frames with a signal in them, and the largest share of noise variance left too much."""
        frames, excess = np.empty_like(self.frames), 0.0
        before = self.noise.variance(self.smooth)
        for frame, given in zip(frames, self.frames, strict=True):
            signal = blur(added, motion_kernel(self.motion_px, rng))
            more = self.noise.variance(self.smooth + signal) - before
            frame[...] = given + signal + rng.normal(size=signal.shape) * np.sqrt(np.maximum(more, 0))
            excess = max(excess, float((-more / np.maximum(before, np.finfo(float).tiny)).max()))
        return frames, excess
