"""The work behind the dock: from a snapshot to numbers, maps and plots, in a thread, touching no layer."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

from napari_emrestore.core import InputError
from napari_emrestore.metrics import shared_histograms
from napari_emrestore.pipeline.comparison import (
    compare,
    compare_segmentations,
    difference_map,
    measure_profiles,
    measure_spectra,
    plots,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from napari_emrestore.core import Monitor
    from napari_emrestore.pipeline.comparison import Candidate, Comparison, DifferenceMap, SegmentationTable
    from napari_emrestore.pipeline.comparison.maps import MapKind
    from napari_emrestore.widgets.compare.sources import Snapshot
    from napari_emrestore.widgets.compare.state import PlotKind

    Drawing = Callable[..., None]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which parts are to be measured.

    Attributes
    ----------
    numbers, visible : bool
        The table of the whole field and its regions; the rows of the visible field.
    maps : frozenset of str
        Kinds of difference maps, of the candidate `mapped`, stretched to `stretch`.
    plot : str
        Kind of plot, ``"none"`` for none.
    width_px : int
        Of the line profile.
    data_range : float, optional
        Of the visible field: that of the whole table, if it is known.
    """

    numbers: bool = False
    visible: bool = False
    maps: frozenset[MapKind] = frozenset()
    mapped: str = ""
    stretch: float = 0.995
    plot: PlotKind = "none"
    width_px: int = 1
    data_range: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """What came out, with the snapshot that it is of.

    Attributes
    ----------
    snapshot : Snapshot
        What was measured.
    wanted : Wanted
        What was asked for.
    numbers, visible : Comparison, optional
        Tables.
    maps : mapping of str to DifferenceMap
        By kind.
    drawing : callable, optional
        ``drawing(figure, look=…)`` draws the plot.
    problems : tuple of str
        Sentences about what could not be measured.
    """

    snapshot: Snapshot
    wanted: Wanted
    numbers: Comparison | None = None
    visible: Comparison | None = None
    maps: Mapping[MapKind, DifferenceMap] = field(default_factory=dict)
    drawing: Drawing | None = None
    problems: tuple[str, ...] = ()


def measure(snapshot: Snapshot, wanted: Wanted, monitor: Monitor) -> Measured:
    """Return what is wanted of a snapshot; one part that fails does not take the others along.

    Raises
    ------
    Cancelled
        When `monitor` says so.
    """
    monitor.step(0, 1, "reading the layers")
    candidates = [source.load() for source in snapshot.candidates]
    truth = None if snapshot.truth is None else snapshot.truth.load()
    settings: dict[str, Any] = {
        "reference": snapshot.reference,
        "pixel_size_nm": snapshot.pixel_size_nm,
        "monitor": monitor,
    }
    problems: list[str] = []
    numbers = visible = None
    if wanted.numbers:
        regions = snapshot.regions
        numbers = _tried(problems, partial(compare, candidates, truth, regions=regions, **settings))
    if (wanted.visible or wanted.numbers) and snapshot.visible is not None:
        settings["data_range"] = numbers.data_range if numbers is not None else wanted.data_range
        visible = _tried(
            problems,
            partial(compare, candidates, truth, regions=[snapshot.visible], whole=False, **settings),
        )
    maps = _maps(snapshot, wanted, candidates, truth, problems)
    if wanted.plot != "none":
        # what the main thread draws with, loaded while it is still free to answer
        import_module("matplotlib.backends.backend_agg")
        import_module("matplotlib.mathtext")
    drawing = _tried(problems, partial(_drawing, snapshot, wanted, candidates, truth, problems))
    return Measured(snapshot, wanted, numbers, visible, maps, drawing, tuple(dict.fromkeys(problems)))


def segment(snapshot: Snapshot, width_px: float, monitor: Monitor) -> SegmentationTable:
    """Return how well regions are found in the images of a snapshot; touches no layer."""
    monitor.step(0, 1, "reading the layers")
    return compare_segmentations(
        [source.load() for source in snapshot.candidates],
        None if snapshot.truth is None else snapshot.truth.load(),
        true_regions=None if snapshot.true_regions is None else snapshot.true_regions.load(),
        given=[source.load() for source in snapshot.given_labels],
        raw=snapshot.raw or "",
        regions=snapshot.regions,
        width_px=width_px,
        monitor=monitor,
    )


def _maps(
    snapshot: Snapshot,
    wanted: Wanted,
    candidates: Sequence[Candidate],
    truth: Candidate | None,
    problems: list[str],
) -> dict[MapKind, DifferenceMap]:
    by_name = {candidate.name: candidate for candidate in candidates}
    against = truth if truth is not None else by_name[snapshot.reference]
    image = by_name.get(wanted.mapped)
    if image is None or not wanted.maps:
        return {}
    import numpy as np

    span = float(np.nanmax(against.image)) - float(np.nanmin(against.image))
    made = {
        kind: _tried(
            problems,
            partial(
                difference_map, kind, image.image, against.image, data_range=span, stretch=wanted.stretch
            ),
        )
        for kind in wanted.maps
    }
    return {kind: found for kind, found in made.items() if found is not None}


def _drawing(
    snapshot: Snapshot,
    wanted: Wanted,
    candidates: Sequence[Candidate],
    truth: Candidate | None,
    problems: list[str],
) -> Drawing | None:
    shown = [*candidates, *([truth] if truth is not None and truth.name not in _names(candidates) else [])]
    name = "" if truth is None else truth.name
    if wanted.plot == "profile":
        if snapshot.line is None:
            raise InputError(
                "A line profile needs a line", came="none is drawn", remedy="Draw one with the line tool."
            )
        found = measure_profiles(
            shown, *snapshot.line, width_px=wanted.width_px, pixel_size_nm=snapshot.pixel_size_nm
        )
        return partial(plots.draw_profiles, profiles=found, truth=name)
    if wanted.plot == "histogram":
        made = shared_histograms({one.name: one.image for one in shown})
        return partial(plots.draw_histograms, histograms=made, truth=name)
    if wanted.plot in ("power", "correlation"):
        spectra = measure_spectra(candidates, truth, raw=snapshot.raw)
        problems += [f"{who}: {why}" for who, why in spectra.problems.items()]
        if wanted.plot == "power":
            return partial(plots.draw_power, spectra=spectra, truth=name)
        return partial(plots.draw_correlations, spectra=spectra)
    return None


def _names(candidates: Sequence[Candidate]) -> set[str]:
    return {candidate.name for candidate in candidates}


def _tried(problems: list[str], work: Callable[[], Any]) -> Any:
    """Return what the work gives, or None and its sentence among the problems."""
    try:
        return work()
    except InputError as error:
        problems.append(str(error))
        return None
