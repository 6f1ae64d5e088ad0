"""Where the legs of a scan lie: strips or single fields between which the view was lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.overview.links import Link, measure_link, overlap_share
from napari_emrestore.overview.tracking import thumbnail_step

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from napari_emrestore.overview.reading import EvenReader
    from napari_emrestore.overview.tracking import Track

_LEGS_BACK = 8
_LEAST_COMMON = 0.05
_OVERLAPS = (0.3, 0.15, 0.06)
"""Least share of a leg that two legs have in common: few pixels correlate well by chance, so many first."""
_AGREE_SHARE = 0.04
_CHECKED_PAIRS = 3
_DAMPING = 1e-3
_FLAT = 0.01


def stage_matrices(track: Track, pixel_size_um: tuple[float, float] | None) -> list[NDArray[np.float64]]:
    """Return the 2 x 2 matrices from stage micrometres to pixels that may be right, the likelier first.

    Taken from how frames moved while they were followed, so that rotation, mirroring and a wrong scale of the
    stage do not matter. Where the stage moved along one line only, what is across is inferred from it by
    rotation and scale, and might be mirrored. Where nothing was followed, the axes are taken as parallel and
    the pixel size as right.

    Parameters
    ----------
    track : Track
        Without stage positions there is none.
    pixel_size_um : tuple of float, optional
        ``(y, x)``.
    """
    if track.stage_um is None:
        return []
    s, p = (_within_legs(values, track.leg) for values in (track.stage_um, track.chain_px))
    along = np.linalg.eigvalsh(s.T @ s)
    if float((p**2).sum()) < 1.0 or along[1] <= 0:
        return [] if pixel_size_um is None else [np.diag(1 / np.asarray(pixel_size_um))]
    guesses = sorted((_similarity(s, p, mirrored) for mirrored in (False, True)), key=lambda g: g[0])
    if along[0] > _FLAT * along[1]:  # it moved in both directions, which leaves no doubt
        guesses = guesses[:1]
    damping = _DAMPING * float(along.sum()) * np.eye(2)
    inverse = np.linalg.inv(s.T @ s + damping)
    return [np.asarray((inverse @ (s.T @ p + damping @ guess.T)).T) for _, guess in guesses]


def legs_by_stage(track: Track, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the place ``(N, 2)`` of every frame, each leg as a whole put where the stage says it was."""
    if track.stage_um is None:
        return track.chain_px
    told = track.stage_um @ matrix.T
    places = track.chain_px.copy()
    for leg in np.unique(track.leg):
        own = track.leg == leg
        places[own] += np.median(told[own] - track.chain_px[own], axis=0)
    return np.asarray(places)


def put_by_stage(
    places_px: NDArray[np.float64], stage_um: NDArray[np.float64], groups: NDArray[np.int64], sure: int
) -> NDArray[np.float64]:
    """Return places with every other group of frames put where the stage says, seen from the sure one.

    How the stage's axes lie in the image, its scales and their shear are fitted to the frames of the sure
    group by least squares; if these lie along one line, which tells nothing across it, places stay.

    Parameters
    ----------
    places_px : ndarray, shape (N, 2)
        ``(y, x)``.
    stage_um : ndarray, shape (N, 2)
        ``(y, x)`` the stage reported.
    groups : ndarray, shape (N,), int
        Frames of one group keep their distances.
    sure : int
        The group whose places are known from the images.
    """
    own = groups == sure
    spread = np.linalg.eigvalsh(np.cov(stage_um[own].T)) if own.sum() > 2 else np.zeros(2)
    if spread[0] <= _FLAT * spread[1]:
        return places_px
    known = np.column_stack([stage_um, np.ones(len(stage_um))])
    told = known @ np.linalg.lstsq(known[own], places_px[own], rcond=None)[0]
    places = places_px.copy()
    for group in np.unique(groups[~own]):
        members = groups == group
        places[members] += (told - places_px)[members].mean(axis=0)
    return places


def legs_by_looks(
    track: Track, frames: EvenReader, tell: Callable[[int, int], None]
) -> tuple[NDArray[np.float64], NDArray[np.bool_], list[Link]]:
    """Return the place of every frame found by comparing legs, and which frames could be placed.

    Each leg is sought in the eight before it, the latest first: reduced images are correlated at every
    displacement, and the displacement is believed if frames in full agree with it.

    Parameters
    ----------
    track : Track
        Of several legs.
    frames : EvenReader
        Gives a frame's pixels.
    tell : callable
        Told how many legs are done, of how many.

    Returns
    -------
    places_px : ndarray, shape (N, 2)
    placed : ndarray, shape (N,), bool
        Legs connected with the first leg that shows anything.
    links : list of Link
        That proved it.
    """
    legs = [leg for leg in np.unique(track.leg) if any(track.leg[k] == leg for k in track.keys)]
    origins = {legs[0]: np.zeros(2)} if legs else {}
    proofs: list[Link] = []
    for n, leg in enumerate(legs[1:], start=1):
        tell(n, len(legs))
        for other in [known for known in reversed(legs[:n]) if known in origins][:_LEGS_BACK]:
            found = _between(track, frames, int(other), int(leg))
            if found is not None:
                origins[leg] = origins[other] + found[0]
                proofs += found[1]
                break
    placed = np.isin(track.leg, list(origins))
    places = track.chain_px.copy()
    for leg, origin in origins.items():
        places[track.leg == leg] += origin
    return places, placed, proofs


def _between(
    track: Track, frames: EvenReader, known: int, sought: int
) -> tuple[NDArray[np.float64], list[Link]] | None:
    """Return the origin of one leg in the coordinates of another, with the pairs that prove it."""
    for shift in _candidates(track, frames, known, sought):
        found = _proven(track, frames, (known, sought), shift)
        if found is not None:
            return found
    return None


def _candidates(track: Track, frames: EvenReader, known: int, sought: int) -> Iterator[NDArray[np.float64]]:
    """Yield displacements worth a look: that of the frames next in time, then those of the reduced legs."""
    last, first = (
        int(np.flatnonzero(track.leg == known)[-1]),
        int(np.flatnonzero(track.leg == sought)[0]),
    )
    near = measure_link((frames[last], frames[first]), (last, first), None)
    if near is not None:
        yield near.offset_px + track.chain_px[last] - track.chain_px[first]
    for overlap in _OVERLAPS:
        yield _coarse_shift(track, frames, (known, sought), overlap)


def _proven(
    track: Track, frames: EvenReader, legs: tuple[int, int], shift: NDArray[np.float64]
) -> tuple[NDArray[np.float64], list[Link]] | None:
    """Return the origin near a displacement that pairs of frames in full agree on, and the pairs."""
    ours, theirs = ([k for k in track.keys if track.leg[k] == leg and k in track.thumbnails] for leg in legs)
    guesses = [(a, b, track.chain_px[b] + shift - track.chain_px[a]) for a in ours for b in theirs]
    guesses.sort(key=lambda guess: -overlap_share(tuple(guess[2]), track.frame_shape))
    links = []
    for a, b, guess in guesses[:_CHECKED_PAIRS]:
        if overlap_share(tuple(guess), track.frame_shape) < _LEAST_COMMON:
            break
        found = measure_link((frames[a], frames[b]), (a, b), (float(guess[0]), float(guess[1])))
        links += [] if found is None else [found]
    if not links or 2 * len(links) < min(len(guesses), _CHECKED_PAIRS):
        return None
    origins = np.array(
        [link.offset_px + track.chain_px[link.first] - track.chain_px[link.second] for link in links]
    )
    middle = np.median(origins, axis=0)
    agree = np.abs(origins - middle).max(axis=1) <= _AGREE_SHARE * min(track.frame_shape)
    return (middle, links) if 2 * agree.sum() > len(links) else None


def _coarse_shift(
    track: Track, frames: EvenReader, legs: tuple[int, int], overlap: float
) -> NDArray[np.float64]:
    """Return the displacement at which two legs' reduced images correlate best, in full pixels."""
    from skimage import registration

    (first, first_mask, first_px), (second, second_mask, second_px) = (
        _strip(track, frames, leg) for leg in legs
    )
    correlate: Any = registration.phase_cross_correlation
    shift, *_ = correlate(
        first,
        second,
        reference_mask=first_mask,
        moving_mask=second_mask,
        overlap_ratio=overlap,
    )
    return np.asarray(shift * thumbnail_step(track.frame_shape) + first_px - second_px)


def _strip(
    track: Track, frames: EvenReader, leg: int
) -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.float64]]:
    """Return the reduced image of a leg, where it shows anything, and the place of its first pixel."""
    step = thumbnail_step(track.frame_shape)
    keys = [k for k in track.keys if track.leg[k] == leg]
    corners = np.array([track.chain_px[k] for k in keys]) / step
    first = np.floor(corners.min(axis=0))
    at = np.round(corners - first).astype(int)
    field, dark = frames.thumbnail_field, frames.shading.dark
    h, w = field.shape
    total = np.zeros(at.max(axis=0) + np.array((h, w)), np.float32)
    count = np.zeros(total.shape, np.float32)
    for k, (y, x) in zip(keys, at, strict=True):
        total[y : y + h, x : x + w] += np.nan_to_num((track.thumbnails[k] - dark) / field)
        count[y : y + h, x : x + w] += 1
    shown = count > 0
    mean = np.asarray(total / np.maximum(count, 1), np.float32)
    return mean, shown, np.asarray(first * step, np.float64)


def _within_legs(values: NDArray[np.float64], leg: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return values ``(N, 2)`` less the mean of their leg."""
    number = np.unique(leg, return_inverse=True)[1]
    counts = np.bincount(number)
    means = np.stack([np.bincount(number, values[:, axis]) / counts for axis in (0, 1)], axis=1)
    return np.asarray(values - means[number])


def _similarity(
    s: NDArray[np.float64], p: NDArray[np.float64], mirrored: bool
) -> tuple[float, NDArray[np.float64]]:
    """Return how far off the best rotation and scale from s to p is, mirrored or not, and its matrix."""
    stage, pixels = s[:, 0] + 1j * s[:, 1], p[:, 0] + 1j * p[:, 1]
    turned = stage.conj() if mirrored else stage
    factor = (turned.conj() @ pixels) / (turned.conj() @ turned).real
    off = float((np.abs(pixels - factor * turned) ** 2).sum())
    rotation = np.array([[factor.real, -factor.imag], [factor.imag, factor.real]])
    return off, rotation @ np.diag([1.0, -1.0]) if mirrored else rotation
