"""What a network is shown while it adapts: frames that predict other frames, or hidden pixels.

Frames: noise2noise (Lehtinen et al. 2018, arXiv 1803.04189). A registered burst shows the same scene with
independent noise, so the mean of the frames a network did not see is a target without bias.

Pixels: noise2void (Krull et al. 2019, DOI 10.1109/CVPR.2019.00223). A few pixels are replaced by others from
their neighbourhood and the network predicts what they were; it cannot learn noise that is independent from
pixel to pixel.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from napari_emrestore.training.adapting.fields import choose_frames, shown_to

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_emrestore.training.adapting.fields import Area, Field
    from napari_emrestore.training.adapting.sharpness import Blurs

_HIDDEN_SHARE = 0.015
_REACH_PX = 2


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """One batch.

    Attributes
    ----------
    bursts : ndarray, shape (B, N, Y, X), float32
        What the network sees, in model range.
    noise : ndarray, shape (B, 2), float32
        Its noise lines.
    targets : ndarray, shape (B, Y, X), float32
        What it should predict.
    counted : ndarray, shape (B, Y, X), bool, optional
        Pixels that count; ``None`` for all.
    blur : ndarray, shape (K, K), optional
        By what a restoration is blurred before it is compared; ``None`` for nothing.
    """

    bursts: NDArray[np.float32]
    noise: NDArray[np.float32]
    targets: NDArray[np.float32]
    counted: NDArray[np.bool_] | None = None
    blur: NDArray[np.float32] | None = None


class Samples(Protocol):
    """Gives one batch per training step, the same one for the same step."""

    def draw(self, step: int) -> Shown:
        """Return the batch of a step."""
        ...


class FrameSamples:
    """Random crops of the area to learn from, in which some frames predict the others.

    Parameters
    ----------
    fields : sequence of Field
        Bursts of at least two frames.
    taken : tuple of int
        Fewest and most frames of the network; one that takes a single frame gets means of several too.
    crop_px, batch : int
        Side of a crop, a multiple of the stride, and crops per step.
    seed : int
        First part of the seed of every step.
    blurs : Blurs, optional
        For a network that sharpens: how blurred each frame is.
    """

    def __init__(
        self,
        fields: Sequence[Field],
        taken: tuple[int, int],
        crop_px: int,
        batch: int,
        seed: int,
        blurs: Blurs | None = None,
    ) -> None:
        self._fields, self._taken = fields, taken
        self._crop_px, self._batch = crop_px, batch
        self._seed, self._blurs = seed, blurs

    def draw(self, step: int) -> Shown:
        """Return the batch of a step: crops of one field, all with the same frames."""
        rng = np.random.default_rng([self._seed, step])
        place = int(rng.integers(len(self._fields)))
        field, merge = self._fields[place], self._taken[1] == 1
        taken = (1, len(field.frames) - 1) if merge else self._taken
        seen, left = choose_frames(field, taken, rng)
        crops = [random_crop(field.learn, self._crop_px, rng) for _ in range(self._batch)]
        pairs = [shown_to(field, seen, crop, merge=merge) for crop in crops]
        wanted = np.stack([field.frames[(left, *crop)].mean(0) for crop in crops])
        bursts, targets = _flipped(np.stack([pair[0] for pair in pairs]), wanted, rng, self._blurs)
        blur = None if self._blurs is None else self._blurs.of(place, left)
        return Shown(bursts, np.stack([pair[1] for pair in pairs]), targets, blur=blur)


class PixelSamples:
    """Random crops of single frames in which a few pixels are hidden and predicted.

    Parameters
    ----------
    fields : sequence of Field
        Single frames, or bursts of which a random frame is taken.
    crop_px, batch, seed : int
        As for `FrameSamples`.
    """

    def __init__(self, fields: Sequence[Field], crop_px: int, batch: int, seed: int) -> None:
        self._fields, self._crop_px, self._batch, self._seed = fields, crop_px, batch, seed

    def draw(self, step: int) -> Shown:
        """Return the batch of a step."""
        rng = np.random.default_rng([self._seed, step])
        field = self._fields[int(rng.integers(len(self._fields)))]
        frame = int(rng.choice(field.plain))
        crops = [random_crop(field.learn, self._crop_px, rng) for _ in range(self._batch)]
        whole = np.stack([field.frames[(frame, *crop)] for crop in crops])
        seen, hidden = hide_pixels(whole, rng)
        noise = np.tile(np.asarray(field.noise, np.float32), (self._batch, 1))
        return Shown(seen[:, None], noise, whole, counted=hidden)


def hide_pixels(
    images: NDArray[np.float32], rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return images ``(B, Y, X)`` with 1.5 % of their pixels replaced by neighbours, and which they are.

    A neighbour is drawn within 2 px; at the rim the nearest pixel inside stands for one that is not there.
    """
    hidden = rng.random(images.shape) < _HIDDEN_SHARE
    b, y, x = np.nonzero(hidden)
    offsets = np.array(
        [(dy, dx) for dy in range(-_REACH_PX, _REACH_PX + 1) for dx in range(-_REACH_PX, _REACH_PX + 1)]
    )
    offsets = offsets[(offsets != 0).any(1)]
    step = offsets[rng.integers(len(offsets), size=len(b))]
    rows = np.clip(y + step[:, 0], 0, images.shape[1] - 1)
    columns = np.clip(x + step[:, 1], 0, images.shape[2] - 1)
    seen = images.copy()
    seen[b, y, x] = images[b, rows, columns]
    return seen, hidden


def random_crop(area: Area, side: int, rng: np.random.Generator) -> Area:
    """Return a random part of an area, at most `side` px high and wide."""
    rows, columns = area

    def part(along: slice) -> slice:
        length = min(side, along.stop - along.start)
        start = along.start + int(rng.integers(0, along.stop - along.start - length + 1))
        return slice(start, start + length)

    return part(rows), part(columns)


def _flipped(
    bursts: NDArray[np.float32],
    targets: NDArray[np.float32],
    rng: np.random.Generator,
    blurs: Blurs | None,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return both mirrored alike; never turned, since the noise of a scan runs along its rows.

    Motion blur has a direction, so nothing is mirrored where it is modelled.
    """
    if blurs is not None:
        return bursts, targets
    axes = tuple(axis for axis in (-2, -1) if rng.random() < 0.5)
    return np.ascontiguousarray(np.flip(bursts, axes)), np.ascontiguousarray(np.flip(targets, axes))
