"""Places of all frames at once from what pairs of them say: robust least squares over the whole graph."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_emrestore.overview.links import Link

_ROUNDS = 20
_FLOOR_PX = 0.3
"""Residuals below this are what pairs are good for; none is held against a pair."""
_FARTHEST_DEVIATIONS = 5.0
_GAUGE = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """Places that agree best with the pairs.

    Attributes
    ----------
    places_px : ndarray, shape (N, 2)
        ``(y, x)``.
    residual_px : ndarray, shape (P,)
        How far each pair says otherwise.
    kept : ndarray, shape (P,), bool
        Pairs that took part in the end.
    """

    places_px: NDArray[np.float64]
    residual_px: NDArray[np.float64]
    kept: NDArray[np.bool_]


def solve_places(start_px: NDArray[np.float64], links: Sequence[Link], hold: float = _GAUGE) -> Solution:
    """Return the places that fit the pairs best, without the pairs that contradict the others.

    The sum of distances is minimised first, which a few wrong pairs cannot pull; pairs that then lie farther
    off than five robust standard deviations (at least 1.5 px) are left out of the least squares that follow,
    until nothing changes.

    Parameters
    ----------
    start_px : ndarray, shape (N, 2)
        Where frames would lie without the pairs; frames no pair reaches stay there.
    links : sequence of Link
        Weighted by their evidence.
    hold : float
        Weight of `start_px` against a usual pair.
    """
    if not links:
        return Solution(start_px.copy(), np.zeros(0), np.zeros(0, np.bool_))
    pairs = np.array([(link.first, link.second) for link in links])
    offsets = np.array([link.offset_px for link in links])
    base = np.array([link.weight for link in links])
    base /= np.median(base)
    places, kept = start_px, np.ones(len(links), np.bool_)
    weights = base.copy()
    for _ in range(_ROUNDS):
        places = _least_squares(start_px, pairs, offsets, weights, hold)
        weights = base / np.maximum(_residuals(places, pairs, offsets), _FLOOR_PX)
    for _ in range(_ROUNDS):
        residuals = _residuals(places, pairs, offsets)
        near = residuals <= _limit(residuals[kept])
        if (near == kept).all():
            break
        kept = near
        places = _least_squares(start_px, pairs, offsets, base * kept, hold)
    places = _least_squares(start_px, pairs, offsets, base * kept, hold)
    return Solution(places, _residuals(places, pairs, offsets), kept)


def groups_of(count: int, links: Sequence[Link], kept: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return for each frame the number of its group; kept pairs connect the frames of a group."""
    from scipy.sparse import coo_array, csgraph

    used = np.array([(k.first, k.second) for k, ok in zip(links, kept, strict=True) if ok]).reshape(-1, 2)
    graph = coo_array((np.ones(len(used)), (used[:, 0], used[:, 1])), shape=(count, count))
    return np.asarray(csgraph.connected_components(graph, directed=False)[1], np.int64)


def solve_values(
    pairs: NDArray[np.int64], differences: NDArray[np.float64], count: int, hold: float
) -> NDArray[np.float64]:
    """Return values ``(N,)`` whose differences (second less first) fit best, held at 0 with weight `hold`."""
    start = np.zeros((count, 2))
    both = np.stack([differences, np.zeros_like(differences)], axis=1)
    return _least_squares(start, pairs, both, np.ones(len(pairs)), hold)[:, 0]


def _limit(residuals: NDArray[np.float64]) -> float:
    spread = 1.4826 * float(np.median(residuals)) if residuals.size else 0.0
    return _FARTHEST_DEVIATIONS * max(spread, _FLOOR_PX)


def _residuals(
    places: NDArray[np.float64], pairs: NDArray[np.int64], offsets: NDArray[np.float64]
) -> NDArray[np.float64]:
    return np.asarray(np.linalg.norm(places[pairs[:, 1]] - places[pairs[:, 0]] - offsets, axis=1))


def _least_squares(
    start: NDArray[np.float64],
    pairs: NDArray[np.int64],
    offsets: NDArray[np.float64],
    weights: NDArray[np.float64],
    hold: float,
) -> NDArray[np.float64]:
    """Solve the normal equations for both axes; `hold` ties every frame to its start."""
    from scipy.sparse import coo_array, diags_array
    from scipy.sparse.linalg import splu

    rows = np.repeat(np.arange(len(pairs)), 2)
    signs = np.tile([-1.0, 1.0], len(pairs))
    graph: Any = coo_array((signs, (rows, pairs.ravel())), shape=(len(pairs), len(start))).tocsr()
    weighted = graph.T @ diags_array(weights)
    normal = (weighted @ graph + hold * diags_array(np.ones(len(start)))).tocsc()
    return np.asarray(splu(normal).solve(weighted @ offsets + hold * start))
