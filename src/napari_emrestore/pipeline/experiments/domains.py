"""Kinds of samples: which scenes, how they are degraded, and four sequences of each that share nothing."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from napari_emrestore.training.data import Batch, Scene
from napari_emrestore.training.scenes import draw_scene

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from napari_emrestore.training.data import SampleMaker

SEQUENCES = (1, 2, 3, 4)


@dataclass(frozen=True, slots=True)
class Domain:
    """One kind of sample under one microscope.

    Attributes
    ----------
    scenes : tuple of str
        Kinds of procedural scenes, see `draw_scene`.
    presets : mapping of str to float
        Degradations and how often each is drawn.
    """

    scenes: tuple[str, ...]
    presets: Mapping[str, float]


DOMAINS: dict[str, Domain] = {
    "kidney": Domain(("sections", "cells"), {"tem_stream_kidney": 1.0}),
    "grid": Domain(("grid",), {"tem_stream_grid": 1.0}),
    "sem-1": Domain(("sections", "shapes"), {"sem_blur_m1": 0.4, "sem_defocus": 0.3, "sem_astigmatism": 0.3}),
    "sem-2": Domain(("cells", "particles"), {"sem_blur_m2": 0.4, "sem_defocus": 0.3, "sem_astigmatism": 0.3}),
}


@lru_cache(maxsize=32)
def draw_sequence(name: str, sequence: int, count: int, size_px: int, seed: int) -> tuple[Scene, ...]:
    """Return the scenes of one sequence of a domain; no two sequences share a draw.

    The last few sequences are kept: the arms of an experiment learn from the same ones.

    Parameters
    ----------
    name : str
        In `DOMAINS`.
    sequence : int
        One of `SEQUENCES`.
    count, size_px : int
        Scenes of each kind, and their side.
    seed : int
        Of all sequences.
    """
    domain = DOMAINS[name]
    rng = np.random.default_rng([seed, list(DOMAINS).index(name), sequence])
    kinds = [kind for _ in range(count) for kind in domain.scenes]
    return tuple(Scene(draw_scene(kind, size_px, rng), kind, real=False) for kind in kinds)


class Mixture:
    """Samples of several makers in turn, the same share of each.

    Parameters
    ----------
    makers : sequence of SampleMaker
        Sample `n` is made by number ``n % len(makers)``; all draw bursts of the same lengths.
    """

    def __init__(self, makers: Sequence[SampleMaker]) -> None:
        self._makers = makers

    def batch(self, indices: Iterable[int], frames: int) -> Batch:
        """Return the samples of some indices, all with the same number of frames."""
        samples = [self._makers[n % len(self._makers)].sample(n, frames) for n in indices]
        bursts, noise, truths = (np.stack(part) for part in zip(*samples, strict=True))
        return Batch(bursts, noise, truths)

    def draw_frames(self, step: int) -> int:
        """Return the burst length of a training step."""
        return self._makers[0].draw_frames(step)
