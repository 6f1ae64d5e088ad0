"""Samples with ground truth for the training loop: crops of pairs, or clean images degraded to measure."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import numpy as np

from napari_emrestore.core import InputError, IntensityMap
from napari_emrestore.training.adapting.fields import split_areas
from napari_emrestore.training.adapting.samples import random_crop
from napari_emrestore.training.camera import noise_line
from napari_emrestore.training.data import Batch
from napari_emrestore.training.simulator import MARGIN_PX, simulate

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from napari_emrestore.training.presets import Preset
    from napari_emrestore.training.teaching.pairs import Pair

    Sample = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]

_CROP_PX = 64
_VALIDATION = 10_000


class _Lessons(ABC):
    """Batches of samples, each drawn with a seed of its own."""

    def __init__(self, taken: tuple[int, int], stride: int, seed: int) -> None:
        self._taken, self._seed = taken, seed
        self._crop_px = max(2 * stride, _CROP_PX // stride * stride)

    def batch(self, indices: Iterable[int], frames: int) -> Batch:
        """Return the samples of some indices, all with the same number of frames."""
        samples = [self._sample(np.random.default_rng([self._seed, 3, index]), frames) for index in indices]
        bursts, noise, truths = (np.stack(part) for part in zip(*samples, strict=True))
        return Batch(bursts, noise, truths)

    def draw_frames(self, step: int) -> int:
        """Return the burst length of a training step; short bursts are drawn more often."""
        low, high = self._taken
        drawn = np.random.default_rng([self._seed, 2, step]).uniform(np.log(low), np.log(high + 1))
        return min(int(np.exp(drawn)), high)

    @abstractmethod
    def _sample(self, rng: np.random.Generator, frames: int) -> Sample:
        """Return a burst (N, Y, X), its noise line and its truth (Y, X), in model range."""


class PairLessons(_Lessons):
    """Crops of pairs.

    Parameters
    ----------
    pairs : sequence of Pair
        Each with at least as many frames as the network takes at least.
    taken : tuple of int
        Fewest and most frames of the network.
    stride : int
        Of the network.
    held_out : bool
        Take the last quarter of each pair, along its longer side, not the first five eighths.
    seed : int
        First part of the seed of every sample.
    """

    def __init__(
        self, pairs: Sequence[Pair], taken: tuple[int, int], stride: int, *, held_out: bool, seed: int = 0
    ) -> None:
        fewest = min(len(pair.frames) for pair in pairs)
        if fewest < taken[0]:
            raise InputError(
                f"This model is shown at least {taken[0]} frames of a place", came=f"{fewest} came"
            )
        super().__init__((taken[0], min(taken[1], fewest)), stride, seed + _VALIDATION * held_out)
        self._pairs = pairs
        self._areas = [split_areas(pair.truth.shape, stride)[2 if held_out else 0] for pair in pairs]
        self._crop_px = min(self._crop_px, *(part.stop - part.start for area in self._areas for part in area))
        self._crop_px = self._crop_px // stride * stride

    def _sample(self, rng: np.random.Generator, frames: int) -> Sample:
        place = int(rng.integers(len(self._pairs)))
        pair, crop = self._pairs[place], random_crop(self._areas[place], self._crop_px, rng)
        chosen = rng.permutation(len(pair.frames))[:frames]
        return pair.frames[(chosen, *crop)], np.asarray(pair.noise, np.float32), pair.truth[crop]


class CleanLessons(_Lessons):
    """Crops of clean images, degraded by a preset.

    Parameters
    ----------
    images : sequence of ndarray, shape (Y, X)
        From 0 to 1. One image is parted: its last quarter is held out; of several, the last one is.
    preset : Preset
        What microscope to be; of `matched_preset`.
    taken, stride, held_out, seed
        As for `PairLessons`.
    """

    def __init__(
        self,
        images: Sequence[NDArray[np.float32]],
        preset: Preset,
        taken: tuple[int, int],
        stride: int,
        *,
        held_out: bool,
        seed: int = 0,
    ) -> None:
        super().__init__(taken, stride, seed + _VALIDATION * held_out)
        self._preset = preset
        if len(images) == 1:
            areas = split_areas(images[0].shape, 1)
            self._images = [images[0][areas[2 if held_out else 0]]]
        else:
            self._images = [images[-1]] if held_out else list(images[:-1])
        least = min(min(image.shape) for image in self._images)
        if least < self._crop_px:
            raise InputError(
                f"Clean images give crops of {self._crop_px} px to learn from and to be judged on",
                came=f"a part of {least} px came",
                remedy="Take larger images, or several.",
            )

    def _sample(self, rng: np.random.Generator, frames: int) -> Sample:
        image = self._images[int(rng.integers(len(self._images)))]
        side = self._crop_px
        crop = random_crop((slice(0, image.shape[0]), slice(0, image.shape[1])), side + 2 * MARGIN_PX, rng)
        scene = image[crop][:: rng.choice((-1, 1)), :: rng.choice((-1, 1))]
        corner = (np.asarray(scene.shape) - side) / 2
        made = simulate(
            np.ascontiguousarray(scene),
            self._preset,
            frames=frames,
            frame_shape=(side, side),
            rng=rng,
            poses_px=np.tile(np.floor(corner), (frames, 1)),
        )
        intensity = IntensityMap.from_signal(made.frames)
        slope, height = noise_line(made.camera)
        line = slope / intensity.scale, (slope * intensity.offset + height) / intensity.scale**2
        return (
            intensity.to_model(made.frames),
            np.asarray(line, np.float32),
            intensity.to_model(made.truths[0]),
        )
