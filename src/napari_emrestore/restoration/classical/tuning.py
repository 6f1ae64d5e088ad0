"""The best a classical row can do: its parameters by grid search on calibration images with ground truth.

Never call this on the images a table is made of: parameters found on test images are not a result.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.core import SILENT, InputError, IntensityMap

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from napari_emrestore.core import Monitor, Restorer

    Score = Callable[[NDArray[np.float32], NDArray[Any]], float]

_STRENGTHS = (0.6, 0.75, 0.9, 1.0, 1.15, 1.35, 1.6)

# What is worth searching for each id; calibrated rows have one knob. Weights and cut-offs are in model range.
GRIDS: dict[str, Mapping[str, Sequence[Any]]] = {
    "gaussian": {"sigma_px": (0.4, 0.5, 0.6, 0.8, 1.0, 1.3, 1.6, 2.0, 2.5, 3.2)},
    "bilateral": {"sigma_color": (0.05, 0.1, 0.2, 0.4, 0.8), "sigma_px": (0.7, 1.2, 2.0)},
    "median": {"size_px": (3, 5, 7, 9)},
    "wiener": {"size_px": (3, 5, 7, 9)},
    "wavelet": {"name": ("db1", "db4", "sym4")},
    "tv-chambolle": {"weight": (0.02, 0.04, 0.07, 0.1, 0.15, 0.2, 0.3, 0.45, 0.7)},
    "tv-bregman": {"weight": (1.0, 2.0, 3.0, 5.0, 7.0, 10.0, 15.0, 25.0, 40.0)},
    "nlmeans": {
        "strength": (0.05, 0.1, 0.2, 0.3, 0.5, 0.8),
        "patch_px": (5,),
        "distance_px": (6,),
    },
    "bm3d": {"strength": _STRENGTHS},
    **{
        f"{name}-calibrated": {"strength": _STRENGTHS}
        for name in (
            "gaussian",
            "bilateral",
            "median",
            "wiener",
            "wavelet",
            "tv-chambolle",
            "tv-bregman",
            "nlmeans",
            "bm3d",
        )
    },
}


@dataclass(frozen=True, slots=True)
class Tuning:
    """The outcome of a grid search.

    Attributes
    ----------
    restorer : Restorer
        Made with the best parameters.
    parameters : mapping
        The best parameters.
    score : float
        Their mean score over the calibration images; lower is better.
    trials : tuple of (mapping, float)
        Every grid point and its score, in grid order.
    """

    restorer: Restorer
    parameters: Mapping[str, Any]
    score: float
    trials: tuple[tuple[Mapping[str, Any], float], ...]


def mean_squared_error(image: NDArray[np.float32], truth: NDArray[Any]) -> float:
    """Return the mean squared difference, in the square of the input units."""
    difference = np.asarray(image, dtype=np.float64) - truth
    return float(np.mean(difference * difference))


def tune(
    restorer_family: Callable[..., Restorer],
    noisy: Sequence[NDArray[Any]],
    truth: Sequence[NDArray[Any]],
    grid: Mapping[str, Sequence[Any]],
    *,
    score: Score = mean_squared_error,
    monitor: Monitor = SILENT,
) -> Tuning:
    """Return the parameters of a family of restorers that do best on calibration images.

    Parameters
    ----------
    restorer_family : callable
        Called with one value per name in `grid` as keywords, for example
        ``functools.partial(load_classical, "nlmeans")`` or a deconvolution factory with its PSF bound.
    noisy : sequence of ndarray, shape (Y, X) or (N, Y, X)
        Calibration images or registered bursts, input units.
    truth : sequence of ndarray, shape (Y, X)
        Ground truth of each, same units.
    grid : mapping
        Values to try for each parameter; every combination is tried (see `GRIDS`).
    score : callable
        Of (restored, truth) in input units; lower is better.
    monitor : Monitor
        Told after each combination.

    Raises
    ------
    InputError
        If there is no image, counts or shapes differ, the grid is empty, or no combination scores finitely.

    Notes
    -----
    Of equal scores the first in grid order wins.
    """
    _check(noisy, truth, grid)
    scenes = [_to_model(frames) for frames in noisy]
    points = [dict(zip(grid, values, strict=True)) for values in product(*grid.values())]
    trials: list[tuple[Mapping[str, Any], float]] = []
    for point in points:
        trials.append((point, _mean_score(restorer_family(**point), scenes, truth, score)))
        monitor.step(len(trials), len(points), "tuning parameters")
    parameters, best = min(trials, key=lambda trial: (not np.isfinite(trial[1]), trial[1]))
    if not np.isfinite(best):
        raise InputError(
            "Tuning needs a finite score",
            came=f"all {len(points)} combinations scored {best}",
            remedy=_FINITE,
        )
    return Tuning(restorer_family(**parameters), parameters, best, tuple(trials))


_FINITE = "Check the calibration images for pixels that are not finite."


def _to_model(frames: NDArray[Any]) -> tuple[NDArray[np.float32], IntensityMap]:
    burst = np.asarray(frames)
    burst = burst[None] if burst.ndim == 2 else burst
    intensity = IntensityMap.from_signal(burst)
    return intensity.to_model(burst), intensity


def _mean_score(
    restorer: Restorer,
    scenes: Sequence[tuple[NDArray[np.float32], IntensityMap]],
    truth: Sequence[NDArray[Any]],
    score: Score,
) -> float:
    scores = [
        score(intensity.to_input(restorer.restore_window(frames)), clean)
        for (frames, intensity), clean in zip(scenes, truth, strict=True)
    ]
    return float(np.mean(scores))


def _check(
    noisy: Sequence[NDArray[Any]], truth: Sequence[NDArray[Any]], grid: Mapping[str, Sequence[Any]]
) -> None:
    if not noisy or len(noisy) != len(truth):
        raise InputError(
            "Tuning needs calibration images and one ground truth for each",
            came=f"{len(noisy)} images and {len(truth)} ground truths came",
        )
    for index, (frames, clean) in enumerate(zip(noisy, truth, strict=True)):
        if np.shape(frames)[-2:] != np.shape(clean):
            raise InputError(
                "A calibration image and its ground truth share one shape (Y, X)",
                item=f"image {index}",
                came=f"is {np.shape(frames)}, its ground truth {np.shape(clean)}",
            )
    if not grid or not all(grid.values()):
        raise InputError("Tuning needs at least one value for each parameter", came=f"{dict(grid)} came")
