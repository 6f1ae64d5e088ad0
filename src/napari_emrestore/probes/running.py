"""run_probe(): draw a pattern, degrade it, restore it, and say what went wrong with it."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.core import SILENT, Burst, InputError, Monitor, Provenance, Restoration, Restorer
from napari_emrestore.probes.degrading import Degradation, degrade
from napari_emrestore.probes.patterns import PROBES, Probe, draw_probe
from napari_emrestore.probes.scores import Case, Score, broken, judge
from napari_emrestore.probes.stages import Stages
from napari_emrestore.restoration import restore

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

PUBLISHED = Degradation()


@dataclass(frozen=True, slots=True, eq=False)
class ProbeReport:
    """What a restorer made of a known pattern; all images in the units of the degradation's levels.

    Attributes
    ----------
    probe : Probe
        The pattern in [0, 1] and what is judged on it.
    degradation : Degradation
        As it was done; see `provenance` for what differs from what was asked.
    pattern : ndarray, shape (Y, X)
        The truth.
    degraded : ndarray, shape (N, Y, X)
        The frames that the restorer was given.
    restored, difference : ndarray, shape (Y, X)
        What it made of them, and that minus the truth.
    scores : tuple of Score
        One for each artefact that has a meaning here.
    provenance : Provenance
        What ran, with which settings.
    """

    probe: Probe
    degradation: Degradation
    pattern: NDArray[np.float32]
    degraded: NDArray[np.float32]
    restored: NDArray[np.float32]
    difference: NDArray[np.float32]
    scores: tuple[Score, ...]
    provenance: Provenance

    @property
    def model(self) -> str:
        """Id of the restorer."""
        return str(self.provenance.model.get("id", ""))

    @property
    def passed(self) -> bool:
        """Whether every score passed."""
        return all(score.passed for score in self.scores)

    @property
    def given(self) -> NDArray[np.float32]:
        """Mean of the frames, shape (Y, X)."""
        return np.asarray(self.degraded.mean(axis=0, dtype=np.float64), np.float32)


def run_probe(
    name: str | Probe,
    restorer: Restorer,
    *,
    rng: np.random.Generator,
    degradation: Degradation = PUBLISHED,
    size_px: int = 512,
    monitor: Monitor = SILENT,
) -> ProbeReport:
    """Return what a restorer makes of a known pattern.

    Parameters
    ----------
    name : str or Probe
        A name of `list_probes`, or a pattern that was drawn before.
    restorer : Restorer
        Learned or classical. One that takes fewer frames gets a shorter burst, and a note says so.
    rng : numpy.random.Generator
        Draws motion and noise; the pattern is always the same.
    degradation : Degradation
        By default 5 frames, 11 px of vertical motion, normal noise of 0.05 of the range.
    size_px : int
        Side of the pattern, at least 32; not used for a pattern drawn before. From 256 on, "spots" holds
        enough structure for its numbers not to depend on single spots.
    monitor : Monitor
        Told of every tile.

    Raises
    ------
    InputError
        If there is no such probe, the size is too small, or the restorer needs more frames.
    Cancelled
        When `monitor` says so.
    """
    started = time.perf_counter()
    probe = draw_probe(name, size_px) if isinstance(name, str) else name
    suited = _suited(degradation, restorer)
    burst = degrade(probe.pattern, suited, rng)
    restoration = restore(Burst(burst), restorer, monitor=monitor)
    restored = np.asarray(restoration.image, np.float32)
    truth = suited.to_detector(probe.pattern)
    scores = _judged(probe, suited, burst, restored)
    provenance = _provenance(probe, degradation, suited, restoration, time.perf_counter() - started)
    return ProbeReport(probe, suited, truth, burst, restored, restored - truth, scores, provenance)


def run_probes(
    names: Sequence[str],
    restorers: Sequence[Restorer],
    *,
    seed: int = 0,
    degradation: Degradation = PUBLISHED,
    size_px: int = 512,
    monitor: Monitor = SILENT,
) -> Iterator[ProbeReport]:
    """Yield what each restorer makes of each pattern, pattern by pattern.

    All restorers get the same frames of a pattern, which depend on `seed` and on nothing else.

    Parameters
    ----------
    names : sequence of str
        Names of `list_probes`.
    restorers : sequence of Restorer
        Learned or classical.
    seed : int
        Of motion and noise.
    degradation, size_px
        As in `run_probe`.
    monitor : Monitor
        Told of every tile, as a share of all the work.

    Raises
    ------
    InputError, Cancelled
        As in `run_probe`.
    """
    stages = Stages(monitor, len(names) * len(restorers))
    for name in names:
        probe = draw_probe(name, size_px)
        for restorer in restorers:
            rng = np.random.default_rng([seed, list(PROBES).index(name)])
            watch = stages.begin(f"{probe.title}, {restorer.id}")
            yield run_probe(probe, restorer, rng=rng, degradation=degradation, monitor=watch)


def _suited(degradation: Degradation, restorer: Restorer) -> Degradation:
    """Return the degradation with as many frames as the restorer takes."""
    fewest, most = restorer.frames
    if degradation.frames < fewest:
        raise InputError(
            f"{restorer.id} needs at least {fewest} frames",
            came=f"a burst of {degradation.frames} was asked for",
            remedy=f"Probe it with {fewest} or more.",
        )
    return replace(degradation, frames=min(degradation.frames, most))


def _judged(
    probe: Probe, degradation: Degradation, burst: NDArray[Any], restored: NDArray[Any]
) -> tuple[Score, ...]:
    if not np.isfinite(restored).all():
        return (broken(restored),)
    given, made = (
        degradation.to_pattern(image) for image in (burst.mean(axis=0, dtype=np.float64), restored)
    )
    return judge(Case(probe, given, made, degradation.motion_px))


def _provenance(
    probe: Probe, asked: Degradation, done: Degradation, restoration: Restoration, seconds: float
) -> Provenance:
    fewer = f"the model takes {done.frames} frame(s); {asked.frames} were asked for"
    record = restoration.provenance
    settings = {
        "probe": probe.name,
        "size_px": len(probe.pattern),
        "degradation": asdict(done),
        "restore": record.settings,
    }
    notes = (*((fewer,) if asked.frames != done.frames else ()), *record.notes)
    return replace(record, tool="probe", inputs=(), settings=settings, seconds=seconds, notes=notes)
