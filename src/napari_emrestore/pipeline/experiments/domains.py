"""Kinds of samples: which scenes, how they are degraded, and four sequences of each that share nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_emrestore.training.data import Scene
from napari_emrestore.training.scenes import draw_scene

if TYPE_CHECKING:
    from collections.abc import Mapping

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


def draw_sequence(name: str, sequence: int, count: int, size_px: int, seed: int) -> list[Scene]:
    """Return the scenes of one sequence of a domain; no two sequences share a draw.

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
    return [Scene(draw_scene(kind, size_px, rng), kind, real=False) for kind in kinds]
