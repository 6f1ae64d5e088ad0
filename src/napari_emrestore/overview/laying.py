"""From a followed stream to the layout of its mosaic: pairs found, loops closed, brightness matched."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from napari_emrestore.core import SILENT, InputError
from napari_emrestore.overview.layout import Layout, PairVerdict
from napari_emrestore.overview.legs import legs_by_looks, legs_by_stage, put_by_stage, stage_matrices
from napari_emrestore.overview.links import (
    LEAST_OVERLAP_PX,
    compare_brightness,
    measure_link,
    overlap_share,
)
from napari_emrestore.overview.reading import EvenReader
from napari_emrestore.overview.shading import even, fit_shading
from napari_emrestore.overview.solving import groups_of, solve_places

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from napari_emrestore.core import Monitor
    from napari_emrestore.overview.links import Comparison, Link
    from napari_emrestore.overview.reading import FrameSeries
    from napari_emrestore.overview.shading import Shading
    from napari_emrestore.overview.solving import Solution
    from napari_emrestore.overview.tracking import Track

Matching = Literal["shading", "brightness", "none"]
_ROUNDS = 3
_MOST_NEIGHBOURS = 12
_AGREE_PX = 3.0
_STAGE_HOLD = 1e-5
"""Weight of a stage position against a pair: enough to hold what no pair reaches, too little to pull."""
_LOOSE = 1e-9
_LEAST_SHARE = 0.02
_DOUBTFUL = 0.8
"""A pair with less than this share of the usual evidence gets a second look."""
SURE_EVIDENCE = 8.0
"""Of frames that follow each other, which overlap nearly whole, more is asked than of rims of strips."""


def lay_out(
    track: Track,
    series: FrameSeries,
    *,
    use_stage: bool = True,
    matching: Matching = "shading",
    dark: float = 0.0,
    monitor: Monitor = SILENT,
) -> Layout:
    """Return where every frame lies, from what following told and from all pairs of frames that overlap.

    Parameters
    ----------
    track : Track
        Of the stream.
    series : FrameSeries
        The same frames, to compare pairs of them.
    use_stage : bool
        Whether stage positions, where the track has them, say where legs and unconnected frames lie.
    matching : {"shading", "brightness", "none"}
        What is evened out: illumination over the frame and brightness from frame to frame, the latter only,
        or nothing.
    dark : float
        Value of no signal, input units.
    monitor : Monitor
        Told after every compared pair.

    Returns
    -------
    Layout
        Frames that neither an overlapping pair nor the stage connects with the others are left out of it and
        counted in its notes.

    Raises
    ------
    InputError
        If track and series have different numbers of frames, or `matching` is unknown.
    Cancelled
        When `monitor` says so.
    """
    if len(track) != len(series):
        raise InputError(
            "A track belongs to its frames", came=f"{len(track)} places came for {len(series)} frames"
        )
    if matching not in ("shading", "brightness", "none"):
        raise InputError("Matched are 'shading', 'brightness' or 'none'", came=f"{matching!r} came")
    first_look = _shading(matching, list(track.comparisons), track, dark)
    search = _Search(track, EvenReader(series, first_look), monitor)
    size_nm = series.acquisition.pixel_size_nm
    size_um = None if size_nm is None else (size_nm[0] / 1000, size_nm[1] / 1000)
    search.check_following()
    matrices = stage_matrices(search.track, size_um) if use_stage else []
    solution, known = search.best(matrices)
    stage_um = track.stage_um if matrices else None
    places, placed_by, notes = _connected(search.links, solution, known, stage_um)
    corner = np.floor(np.nanmin(places, axis=0))
    height, width = np.ceil(np.nanmax(places - corner, axis=0)).astype(int) + track.frame_shape
    pairs = _verdicts(search.links, solution)
    return Layout(
        track.frame_shape,
        (int(height), int(width)),
        places - corner,
        _frame_residuals(len(track), pairs),
        placed_by,
        _shading(matching, _of_good_pairs((*track.comparisons, *search.compared), pairs), track, dark),
        (*pairs, *search.refused),
        track.stage_um,
        size_nm,
        notes,
    )


@dataclass(slots=True, eq=False)
class _Search:
    """The pairs found so far."""

    track: Track
    frames: EvenReader
    monitor: Monitor
    links: list[Link] = field(default_factory=list)
    refused: list[PairVerdict] = field(default_factory=list)
    compared: list[Comparison] = field(default_factory=list)
    tried: set[tuple[int, int]] = field(default_factory=set)

    def check_following(self) -> None:
        """Take over what following said, after a second look wherever much depends on it or it is doubtful.

        A key that was put in the wrong place would take everything after it along; a frame that is alike less
        than its neighbours are may have been put anywhere.
        """
        keys, usual = set(self.track.keys), _usual_evidence(self.track)
        for done, link in enumerate(self.track.links):
            if link.evidence < _DOUBTFUL * usual * np.sqrt(link.share):
                self._look_again(link)
            elif link.second in keys:
                self._confirm(link)
            else:
                self.links.append(link)
            self.monitor.step(done + 1, len(self.track.links), "checking the path")
        groups = groups_of(len(self.track), self.links, np.ones(len(self.links), np.bool_))
        chain = solve_places(self.track.chain_px, self.links).places_px
        self.track = replace(self.track, leg=groups, chain_px=chain)

    def _confirm(self, link: Link) -> None:
        """Measure the way from key to key once more."""
        self.tried.add((link.first, link.second))
        again = self._measure(link.first, link.second, link.offset_px)
        if again is None:
            self.links.append(link)
        elif _distance(again, link) <= _AGREE_PX:
            self.links += [link, again]
        else:
            self._look_again(link)

    def _look_again(self, link: Link) -> None:
        """Take the better of a doubtful pair and a search from scratch; failing both, ask its neighbours."""
        again = self._measure(link.first, link.second, None)
        better = link if again is None or again.evidence <= link.evidence else again
        if better.evidence >= SURE_EVIDENCE:
            self.links.append(better)
        if better is not link or better.evidence < SURE_EVIDENCE:
            self.refused.append(PairVerdict(link, _off(again, link), "a second look did not confirm it"))
        if better.evidence >= SURE_EVIDENCE:
            return
        for other in (link.second - 1, link.second + 1):
            if 0 <= other < len(self.track) and other != link.first:
                near = self._measure(other, link.second, None)
                self.links += [near] if near is not None and near.evidence >= SURE_EVIDENCE else []

    def best(self, matrices: list[NDArray[np.float64]]) -> tuple[Solution, NDArray[np.bool_]]:
        """Return the first solution that connects all frames, or else the one that connects most.

        Pairs found on the way to one stay and help the next.
        """
        tries: list[tuple[int, Solution, NDArray[np.bool_]]] = []
        for start, known, hold in self._starts(matrices):
            solution = self.close_loops(start, known, hold)
            groups = groups_of(len(self.track), self.links, solution.kept)
            tries.append((int(np.bincount(groups).max()), solution, known))
            if tries[-1][0] == len(self.track):
                break
        _, solution, known = max(tries, key=lambda tried: tried[0])
        # the pairs of later tries belong to the best one too
        return solve_places(solution.places_px, self.links, _STAGE_HOLD if matrices else _LOOSE), known

    def _starts(
        self, matrices: list[NDArray[np.float64]]
    ) -> Iterator[tuple[NDArray[np.float64], NDArray[np.bool_], float]]:
        """Yield where frames may lie before loops are closed, of which that is known, and how it is held."""
        everywhere = np.ones(len(self.track), np.bool_)
        for matrix in matrices:
            yield legs_by_stage(self.track, matrix), everywhere, _STAGE_HOLD
        if (self.track.leg == self.track.leg[0]).all():
            if not matrices:
                yield self.track.chain_px, everywhere, _LOOSE
            return
        places, known, proofs = legs_by_looks(
            self.track, self.frames, lambda done, total: self.monitor.step(done, total, "connecting strips")
        )
        self._add(proofs)
        yield places, known, _LOOSE

    def close_loops(self, start: NDArray[np.float64], known: NDArray[np.bool_], hold: float) -> Solution:
        """Compare the keys that overlap, solve, and again while that brings new ones together."""
        solution = solve_places(start, self.links, hold)
        for _ in range(_ROUNDS):
            wanted = [pair for pair in self._overlapping(solution.places_px, known) if pair not in self.tried]
            if not wanted:
                break
            for done, (a, b) in enumerate(wanted):
                self.monitor.step(done, len(wanted), "comparing overlaps")
                self.tried.add((a, b))
                y, x = solution.places_px[b] - solution.places_px[a]
                found = self._measure(a, b, (float(y), float(x)))
                if found is not None:
                    self._add([found])
            solution = solve_places(start, self.links, hold)
        return solution

    def _add(self, found: list[Link]) -> None:
        for link in found:
            self.links.append(link)
            self.tried.add((link.first, link.second))
            seen = compare_brightness(
                (self.frames.raw[link.first], self.frames.raw[link.second]),
                (link.first, link.second),
                link.offset_px,
                self.frames.shading.dark,
            )
            self.compared += [] if seen is None else [seen]

    def _measure(self, a: int, b: int, guess: tuple[float, float] | None) -> Link | None:
        return measure_link((self.frames[a], self.frames[b]), (a, b), guess)

    def _overlapping(self, places: NDArray[np.float64], known: NDArray[np.bool_]) -> list[tuple[int, int]]:
        """Return the pairs of keys that overlap there, those of each key limited to the largest overlaps."""
        from scipy.spatial import KDTree

        keys = np.array([k for k in self.track.keys if known[k]], dtype=np.int64)
        if len(keys) < 2:
            return []
        shape = self.track.frame_shape
        room = np.array([max(n - LEAST_OVERLAP_PX, 1) for n in shape])
        near = KDTree(places[keys] / room).query_pairs(1.0, p=np.inf, output_type="ndarray")
        shares = np.array([overlap_share(tuple(places[keys[b]] - places[keys[a]]), shape) for a, b in near])
        used: dict[int, int] = {}
        chosen = []
        for n in np.argsort(-shares) if len(near) else []:
            a, b = sorted(int(keys[k]) for k in near[n])
            if shares[n] < _LEAST_SHARE or max(used.get(a, 0), used.get(b, 0)) >= _MOST_NEIGHBOURS:
                continue
            used[a], used[b] = used.get(a, 0) + 1, used.get(b, 0) + 1
            chosen.append((a, b))
        # in order of time, so that frames are read in pieces
        return sorted(chosen)


def _connected(
    links: list[Link], solution: Solution, known: NDArray[np.bool_], stage_um: NDArray[np.float64] | None
) -> tuple[NDArray[np.float64], tuple[str, ...], tuple[str, ...]]:
    """Return the places of the frames that take part, what placed each, and a note on the others."""
    groups = groups_of(len(known), links, solution.kept)
    largest = np.bincount(groups[known]).argmax()
    by_image = groups == largest
    others = int((~by_image).sum())
    rest = "" if stage_um is None else "stage"
    placed_by = tuple("image" if own else rest for own in by_image)
    if not others:
        return solution.places_px, placed_by, ()
    if stage_um is not None:
        note = f"{others} frames overlap no other recognisably and lie where the stage says"
        return put_by_stage(solution.places_px, stage_um, groups, int(largest)), placed_by, (note,)
    note = f"{others} frames could not be connected with the others and are left out"
    return np.where(by_image[:, None], solution.places_px, np.nan), placed_by, (note,)


def _frame_residuals(count: int, pairs: tuple[PairVerdict, ...]) -> NDArray[np.float64]:
    """Return the residual of each frame over its pairs, by evidence; NaN with fewer than two pairs."""
    used = [pair for pair in pairs if not pair.reason]
    ends = np.array([(p.link.first, p.link.second) for p in used], dtype=np.int64).reshape(-1, 2)
    weight = np.array([p.link.weight for p in used])
    square = np.array([p.residual_px for p in used]) ** 2 * weight
    many = np.bincount(ends.ravel(), minlength=count)
    total = np.bincount(ends.ravel(), np.repeat(weight, 2), minlength=count)
    sums = np.bincount(ends.ravel(), np.repeat(square, 2), minlength=count)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(many >= 2, np.sqrt(sums / total), np.nan)


def _verdicts(links: list[Link], solution: Solution) -> tuple[PairVerdict, ...]:
    return tuple(
        PairVerdict(link, float(off), "" if ok else "contradicts the other pairs")
        for link, off, ok in zip(links, solution.residual_px, solution.kept, strict=True)
    )


def _of_good_pairs(compared: Sequence[Comparison], pairs: Sequence[PairVerdict]) -> list[Comparison]:
    """Return the comparisons of pairs that took part: the others compare two places."""
    good = {(pair.link.first, pair.link.second) for pair in pairs if not pair.reason}
    return [one for one in compared if (one.first, one.second) in good]


def _shading(matching: Matching, compared: list[Comparison], track: Track, dark: float) -> Shading:
    if matching == "none":
        return even(track.frame_shape, len(track), dark)
    return fit_shading(compared, track.frame_shape, len(track), dark=dark, field=matching == "shading")


def _usual_evidence(track: Track) -> float:
    """Return what pairs of whole overlap bring in this stream."""
    found = [link.evidence / np.sqrt(max(link.share, 0.01)) for link in track.links]
    return float(np.median(found)) if found else 0.0


def _off(again: Link | None, link: Link) -> float:
    return float("nan") if again is None else _distance(again, link)


def _distance(a: Link, b: Link) -> float:
    return float(np.hypot(*np.subtract(a.offset_px, b.offset_px)))
