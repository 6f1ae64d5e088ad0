"""What a person reads off an image, on scenes where it is known: a diameter, an edge width, a distance.

After Katsuno et al. 2022 (DOI 10.1017/S1431927621013799), who fitted particles in restored low-dose images
and compared the numbers with those of a long exposure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_emrestore.core import SILENT, InputError
from napari_emrestore.pipeline.evaluation.degrading import low_dose

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from napari_emrestore.core import Monitor
    from napari_emrestore.pipeline.evaluation.methods import Method

    Image = NDArray[np.float32]

_SIDE_PX = 192
_MIDDLE = (_SIDE_PX - 1) / 2
_DIAMETER_PX, _SMALL_PX, _APART_PX = 48.0, 28.0, 44.0
_EDGE_SIGMA_PX = 1.5
_EDGE_PX = 2.5631 * _EDGE_SIGMA_PX  # from 10 to 90 percent of an error function
_FILM, _DEPTH = 0.85, 0.6
_LINE_WIDTH_PX = 5
_INSTANCES = 6


@dataclass(frozen=True, slots=True)
class PhysicalCheck:
    """One length read off the restorations of one scene.

    Attributes
    ----------
    method, quantity : str
        What restored, what was measured.
    true_px : float
        In the scene.
    mean_px, sd_px : float
        Measured, over instances with noise of their own; not-a-number if no fit succeeded.
    instances, unreadable : int
        How many there were, and how many gave no number.
    """

    method: str
    quantity: str
    true_px: float
    mean_px: float
    sd_px: float
    instances: int
    unreadable: int


def check_lengths(
    methods: Sequence[Method], seed: int, *, monitor: Monitor = SILENT
) -> tuple[PhysicalCheck, ...]:
    """Return what each method leaves of three known lengths, at 5 to 10 electrons per pixel.

    Parameters
    ----------
    methods : sequence of Method
        The same noise for all of them.
    seed : int
        Of the noise.
    monitor : Monitor
        Told per scene and method.
    """
    rows = []
    for done, (method, quantity) in enumerate((m, q) for m in methods for q in _QUANTITIES):
        draw, read, true = _QUANTITIES[quantity]
        values = []
        for instance in range(_INSTANCES):
            rng = np.random.default_rng([seed, 3, instance])
            seen = low_dose(draw(), _SIDE_PX, rng)
            try:
                values.append(read(method.apply(seen)))
            except InputError:
                values.append(np.nan)
        found = np.array(values)[np.isfinite(values)]
        mean, sd = (float(found.mean()), float(found.std())) if found.size else (np.nan, np.nan)
        rows.append(PhysicalCheck(method.name, quantity, true, mean, sd, _INSTANCES, _INSTANCES - found.size))
        monitor.step(done + 1, len(methods) * len(_QUANTITIES), "measuring known lengths")
    return tuple(rows)


def _ball(x_px: float, diameter_px: float) -> Image:
    """Return how dark a ball at ``(middle, x)`` is on the film, by its thickness."""
    y, x = np.mgrid[:_SIDE_PX, :_SIDE_PX].astype(np.float32)
    away = ((y - _MIDDLE) ** 2 + (x - x_px) ** 2) / (diameter_px / 2) ** 2
    return np.asarray(_DEPTH * np.sqrt(np.clip(1 - away, 0, None)), np.float32)


def _one_ball() -> Image:
    return np.float32(_FILM) - _ball(_MIDDLE, _DIAMETER_PX)


def _two_balls() -> Image:
    left, right = (_ball(_MIDDLE + side * _APART_PX / 2, _SMALL_PX) for side in (-1, 1))
    return np.float32(_FILM) - left - right


def _half_plane() -> Image:
    from scipy.special import ndtr

    step = ndtr((np.arange(_SIDE_PX) - _MIDDLE) / _EDGE_SIGMA_PX)
    return np.broadcast_to(_FILM - _DEPTH * step, (_SIDE_PX, _SIDE_PX)).astype(np.float32)


def _diameter(image: Image, x_px: float = _MIDDLE, half_px: float = 0.9 * _DIAMETER_PX) -> float:
    return _ball_at(image, x_px, half_px)[0]


def _ball_at(image: Image, x_px: float, half_px: float) -> tuple[float, float]:
    """Return the diameter of a ball and how far right of `x_px` its centre is."""
    from napari_emrestore.metrics import line_profile, particle_diameter

    ends = (_MIDDLE, x_px - half_px), (_MIDDLE, x_px + half_px)
    ball = particle_diameter(line_profile(image, *ends, width_px=_LINE_WIDTH_PX))
    return ball.diameter_px, ball.centre_px - half_px


def _distance(image: Image) -> float:
    half = 0.5 * _APART_PX
    left, right = (_ball_at(image, _MIDDLE + side * half, half)[1] for side in (-1, 1))
    return _APART_PX + right - left


def _width(image: Image) -> float:
    from napari_emrestore.metrics import edge_width, line_profile

    ends = (_MIDDLE, _MIDDLE - 20), (_MIDDLE, _MIDDLE + 20)
    return edge_width(line_profile(image, *ends, width_px=_LINE_WIDTH_PX)).width_px


_QUANTITIES: dict[str, tuple[Callable[[], Image], Callable[[Image], float], float]] = {
    "particle diameter": (_one_ball, _diameter, _DIAMETER_PX),
    "edge width": (_half_plane, _width, _EDGE_PX),
    "pair distance": (_two_balls, _distance, _APART_PX),
}
