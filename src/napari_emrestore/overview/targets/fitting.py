"""Measured pairs of pixel and stage position to a `StageMap`, with what remains between them."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from napari_emrestore.core import InputError
from napari_emrestore.overview.targets.stage_map import StageFit, StageMap

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

FitKind = Literal["auto", "similarity", "affine"]
FIT_KINDS: tuple[FitKind, ...] = get_args(FitKind)

_UNKNOWNS = {"similarity": 4, "affine": 6}
# breadth over length of the places; below the first they are one line, below the second a thin strip
_LINE, _STRIP = 1e-3, 0.05
_ROUNDS = 30
_MAD_TO_SIGMA = 1.4826
_FAR = 4.0
_FLOOR_UM = 1e-6


def fit_stage_map(
    places_px: ArrayLike,
    places_um: ArrayLike,
    *,
    kind: FitKind = "auto",
    pixel_size_nm: tuple[float, float] | None = None,
    mirrored: bool | None = None,
    reject: bool = False,
    z_um: float | None = None,
    source: str = "",
) -> StageMap:
    """Return the stage map that fits places known on both sides best, by least squares.

    Three places determine an affine map exactly, so that it agrees with them however wrong they are.
    ``"auto"`` therefore fits a similarity (shift, turn, scale, mirroring: four unknowns) to three places, or
    to places in a thin strip, and the residual means something; it fits an affine map to four or more.

    Parameters
    ----------
    places_px, places_um : array_like, shape (N, 2)
        ``(y, x)`` on the overview in pixels and under the stage in micrometres, in the same order.
    kind : {"auto", "similarity", "affine"}
        What may differ between overview and stage.
    pixel_size_nm : tuple of float, optional
        ``(y, x)`` of the overview, so that a similarity knows unequal sides; equal by default.
    mirrored : bool, optional
        Whether the overview is mirrored against the stage; needed for places in one line, found otherwise.
    reject : bool
        Whether places far from all others' agreement are left out and listed; needs six or more.
    z_um : float, optional
        Height of the stage there.
    source : str
        What the places are, in words.

    Returns
    -------
    StageMap
        With its `StageFit`.

    Raises
    ------
    InputError
        If there are too few places for the kind, two are the same, or they lie in one line where that
        leaves the answer open.
    """
    pixels, stage = _checked(places_px, places_um)
    if kind not in FIT_KINDS:
        raise InputError(f"A fit is one of {', '.join(FIT_KINDS)}", came=f"{kind!r} came")
    aspect = np.array(pixel_size_nm or (1.0, 1.0))
    aspect = aspect / aspect[1]
    chosen = _choose(kind, pixels * aspect, mirrored)
    kept = _agreeing(pixels, stage, chosen, aspect, mirrored) if reject else np.ones(len(pixels), bool)
    matrix = _solve(pixels[kept], stage[kept], chosen, aspect, mirrored, np.ones(int(kept.sum())))
    fit = replace(
        _judged(matrix, pixels[kept], stage[kept], chosen), rejected=tuple(np.flatnonzero(~kept).tolist())
    )
    words = source or f"{len(pixels)} places known on both sides"
    return StageMap(tuple(tuple(row) for row in matrix.tolist()), words, z_um, fit)


def _checked(places_px: ArrayLike, places_um: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    pixels, stage = np.asarray(places_px, np.float64), np.asarray(places_um, np.float64)
    if pixels.ndim != 2 or pixels.shape[1:] != (2,) or stage.shape != pixels.shape:
        raise InputError(
            "Places are pairs (y, x), as many in pixels as in µm",
            came=f"shapes {pixels.shape} and {stage.shape} came",
        )
    if not (np.isfinite(pixels).all() and np.isfinite(stage).all()):
        raise InputError("Places are finite numbers", came="one is not a number")
    return pixels, stage


def _choose(kind: FitKind, pixels: NDArray[np.float64], mirrored: bool | None) -> str:
    """Return the kind of map these places can determine."""
    length, breadth = _extent(pixels)
    thin = breadth / length if length > 0 else 0.0
    chosen = kind if kind != "auto" else "affine" if len(pixels) >= 4 and thin > _STRIP else "similarity"
    fewest = 3 if chosen == "affine" or mirrored is None else 2
    if len(pixels) < fewest or length == 0:
        raise InputError(
            f"A fit needs {fewest} different places",
            came=f"{len(pixels) if length else 'the same one'} came",
            remedy="Mark places far apart, in corners of the overview.",
        )
    if thin < _LINE and (chosen == "affine" or mirrored is None):
        raise InputError(
            "Places must not lie in one line",
            came=f"they are {breadth / length:.2g} times as broad as long",
            remedy="Add one beside the line, or say whether the overview is mirrored.",
        )
    return chosen


def _extent(pixels: NDArray[np.float64]) -> tuple[float, float]:
    if len(pixels) < 2:
        return 0.0, 0.0
    spread = np.linalg.svd(pixels - pixels.mean(axis=0), compute_uv=False)
    return float(spread[0]), float(spread[1])


def _solve(
    pixels: NDArray[np.float64],
    stage: NDArray[np.float64],
    kind: str,
    aspect: NDArray[np.float64],
    mirrored: bool | None,
    weights: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the 3×3 matrix of least weighted squares; about the centres, for digits' sake."""
    here, there = (np.average(places, axis=0, weights=weights) for places in (pixels, stage))
    moved, target = (pixels - here) * aspect, stage - there
    if kind == "affine":
        root = np.sqrt(weights)[:, None]
        linear = np.linalg.lstsq(moved * root, target * root, rcond=None)[0].T
    else:
        hands = (False, True) if mirrored is None else (mirrored,)
        linear = min(
            (_similarity(moved, target, weights, hand) for hand in hands),
            key=lambda found: float((weights[:, None] * (moved @ found.T - target) ** 2).sum()),
        )
    linear = linear * aspect
    matrix = np.eye(3)
    matrix[:2, :2] = linear
    matrix[:2, 2] = there - linear @ here
    return matrix


def _similarity(
    moved: NDArray[np.float64], target: NDArray[np.float64], weights: NDArray[np.float64], mirrored: bool
) -> NDArray[np.float64]:
    """Return the turn and scale, as one complex factor, that bring centred places onto each other."""
    flip = np.array([-1.0 if mirrored else 1.0, 1.0])
    here = (moved * flip) @ np.array([1j, 1.0])
    there = target @ np.array([1j, 1.0])
    factor = (weights * here.conj() * there).sum() / (weights * abs(here) ** 2).sum()
    turn = np.array([[factor.real, factor.imag], [-factor.imag, factor.real]])
    return np.asarray(turn * flip)


def _agreeing(
    pixels: NDArray[np.float64],
    stage: NDArray[np.float64],
    kind: str,
    aspect: NDArray[np.float64],
    mirrored: bool | None,
) -> NDArray[np.bool_]:
    """Return which places agree, by a fit of least distances, which outliers pull little."""
    if len(pixels) < 6:
        raise InputError(
            "Six places are needed to tell a wrong one",
            came=f"{len(pixels)} came",
            remedy="Fit all of them, without rejecting any.",
        )
    weights = np.ones(len(pixels))
    for _ in range(_ROUNDS):
        matrix = _solve(pixels, stage, kind, aspect, mirrored, weights)
        apart = _distances(matrix, pixels, stage)
        weights = 1 / np.maximum(apart, max(float(np.median(apart)) * 1e-3, _FLOOR_UM))
    spread = _MAD_TO_SIGMA * float(np.median(apart))
    return np.asarray(apart <= max(_FAR * spread, _FLOOR_UM))


def _distances(
    matrix: NDArray[np.float64], pixels: NDArray[np.float64], stage: NDArray[np.float64]
) -> NDArray[np.float64]:
    return np.asarray(np.linalg.norm(pixels @ matrix[:2, :2].T + matrix[:2, 2] - stage, axis=1))


def _judged(
    matrix: NDArray[np.float64], pixels: NDArray[np.float64], stage: NDArray[np.float64], kind: str
) -> StageFit:
    apart = _distances(matrix, pixels, stage)
    spare = 2 * len(pixels) - _UNKNOWNS[kind]
    if spare <= 0:
        return StageFit(kind, len(pixels))
    squares = float((apart**2).sum())
    return StageFit(
        kind,
        len(pixels),
        math.sqrt(squares / len(pixels)),
        float(apart.max()),
        math.sqrt(2 * squares / spare),
    )
