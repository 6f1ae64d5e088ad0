"""assemble(): from the frames of a scan to its mosaic on disk."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from napari_emrestore import __version__
from napari_emrestore.core import SILENT, Provenance
from napari_emrestore.overview.composing import mosaic_tile
from napari_emrestore.overview.laying import lay_out
from napari_emrestore.overview.mosaic_files import MosaicFile, checked_place, open_mosaic
from napari_emrestore.overview.planning import plan_mosaic
from napari_emrestore.overview.reading import EvenReader
from napari_emrestore.overview.tracking import Tracker

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from napari_emrestore.core import Monitor, Restorer
    from napari_emrestore.overview.composing import TileImages
    from napari_emrestore.overview.laying import Matching
    from napari_emrestore.overview.layout import Layout
    from napari_emrestore.overview.mosaic_files import Mosaic
    from napari_emrestore.overview.planning import Composition, MosaicPlan
    from napari_emrestore.overview.reading import FrameSeries
    from napari_emrestore.overview.tracking import Track
    from napari_emrestore.restoration.plan import Rect


@dataclass(frozen=True, slots=True)
class MosaicSettings:
    """How a mosaic is made.

    Attributes
    ----------
    composition : {"blend", "best"}
        Of the raw mosaic, see `MosaicPlan`.
    frames : int
        Frames that each place is restored from.
    matching : {"shading", "brightness", "none"}
        What is evened out, see `lay_out`.
    dark : float
        Value of no signal, input units.
    use_stage : bool
        Whether stage positions are used where there are any.
    maps : bool
        Whether maps are written.
    """

    composition: Composition = "blend"
    frames: int = 5
    matching: Matching = "shading"
    dark: float = 0.0
    use_stage: bool = True
    maps: bool = True


_DEFAULT = MosaicSettings()

TileMakers = Callable[["Path", "MosaicPlan", Sequence["Rect"], "Callable[[TileImages], None]"], str]
"""Makes tiles of a plan elsewhere, for example on a cluster: told the mosaic's folder, which holds its
layout, the plan, the tiles that are missing, and what takes each finished tile; returns the devices."""


def assemble(
    frames: FrameSeries,
    output: str | Path,
    *,
    restorer: Restorer | None = None,
    settings: MosaicSettings = _DEFAULT,
    track: Track | None = None,
    layout: Layout | None = None,
    stage_um: NDArray[np.float64] | None = None,
    grown: Callable[[Mosaic], None] | None = None,
    makers: TileMakers | None = None,
    monitor: Monitor = SILENT,
) -> Mosaic:
    """Make the mosaic of a scan: find where frames lie, then write it tile by tile.

    Memory holds a few frames and one tile, whatever the size of the mosaic. A mosaic of the same frames and
    settings that was interrupted is taken up where it stopped.

    Parameters
    ----------
    frames : FrameSeries
        A recording, file or folder as `open_frames` gives it.
    output : str or Path
        Ends in ``.zarr``. It can be opened while it grows.
    restorer : Restorer, optional
        What each place is restored with, of `load_restorer`; ``None`` makes the raw mosaic only.
    settings : MosaicSettings
        How it is made.
    track : Track, optional
        Of a `Tracker` that saw the frames already, for example while they were recorded.
    layout : Layout, optional
        Where frames lie, if that is known; nothing is aligned then.
    stage_um : ndarray, shape (N, 2), optional
        ``(y, x)`` stage positions, if the frames do not carry them.
    grown : callable, optional
        Told once the file is there, and again when it is finished.
    makers : callable, optional
        Others that make the tiles, see `TileMakers`; `restorer` is then only asked for its rules.
    monitor : Monitor
        Told after every frame, pair and tile.

    Returns
    -------
    Mosaic

    Raises
    ------
    InputError
        If settings, frames or output cannot be used.
    Cancelled
        When `monitor` says so; what was written stays and can be gone on with.
    """
    started = time.perf_counter()
    checked_place(output)
    if layout is None:
        layout = place_frames(frames, settings, track=track, stage_um=stage_um, monitor=monitor)
    plan = plan_mosaic(
        layout,
        frames,
        restorer,
        composition=settings.composition,
        frames=settings.frames,
        maps=settings.maps,
    )
    model = {} if restorer is None else restorer.describe()
    file = MosaicFile(output, plan, frames.acquisition, model)
    if grown is not None:
        grown(open_mosaic(file.path))
    device = "cpu" if restorer is None else restorer.device
    try:
        if makers is None:
            write_tiles(file, plan, frames, restorer, monitor)
        else:
            missing = [tile for tile in plan.tiles if not file.is_done(tile)]
            device = makers(file.path, plan, missing, file.put) or device
    finally:
        file.flush()
    made_by = _provenance(plan, frames, restorer, settings, time.perf_counter() - started)
    file.finish(replace(made_by, device=device))
    made = open_mosaic(file.path)
    if grown is not None:
        grown(made)
    return made


def place_frames(
    frames: FrameSeries,
    settings: MosaicSettings = _DEFAULT,
    *,
    track: Track | None = None,
    stage_um: NDArray[np.float64] | None = None,
    monitor: Monitor = SILENT,
) -> Layout:
    """Return where the frames of a scan lie; parameters as of `assemble`."""
    if track is None:
        track = follow_all(frames, settings.dark, monitor)
    if stage_um is not None:
        track = replace(track, stage_um=stage_um)
    return lay_out(
        track,
        frames,
        use_stage=settings.use_stage,
        matching=settings.matching,
        dark=settings.dark,
        monitor=monitor,
    )


def follow_all(frames: FrameSeries, dark: float = 0.0, monitor: Monitor = SILENT) -> Track:
    """Return the track of a recorded stream.

    Parameters
    ----------
    frames : FrameSeries
        Read once, in order.
    dark : float
        Value of no signal, input units.
    monitor : Monitor
        Told after every frame.
    """
    tracker, count = Tracker(dark), len(frames)
    for done, frame in enumerate(_in_order(frames), start=1):
        tracker.add(frame)
        monitor.step(done, count, "following the stage")
    return tracker.track()


def write_tiles(
    file: MosaicFile,
    plan: MosaicPlan,
    frames: FrameSeries,
    restorer: Restorer | None,
    monitor: Monitor = SILENT,
) -> None:
    """Make the tiles that are missing, one after the other, in the order in which the scan passed them."""
    reader = EvenReader(frames, plan.layout.shading)
    tiles = plan.tiles
    for done, tile in enumerate(tiles, start=1):
        if not file.is_done(tile):
            made: TileImages = mosaic_tile(plan, reader, tile, restorer)
            file.put(made)
        monitor.step(done, len(tiles), "making tiles")


def _in_order(frames: FrameSeries) -> Any:
    """Return the frames one by one; a stack that can be iterated reads whole pieces."""
    return iter(frames) if hasattr(frames, "__iter__") else (frames[k] for k in range(len(frames)))


def _provenance(
    plan: MosaicPlan, frames: FrameSeries, restorer: Restorer | None, settings: MosaicSettings, seconds: float
) -> Provenance:
    layout, known = plan.layout, frames.acquisition
    facts = {
        "frames_seen": len(layout),
        "placed": int(layout.placed.sum()),
        "pairs": len(layout.pairs),
        "rejected_pairs": len(layout.rejected),
        "rms_residual_px": None if not layout.pairs else round(layout.rms_residual_px, 4),
        "intensity": None if plan.intensity is None else asdict(plan.intensity),
        "noise": None if plan.noise is None else asdict(plan.noise),
    }
    notes = list(layout.notes)
    if plan.restores and plan.rule.mode == "blend":
        notes.append("the restorer uses statistics beyond its tile: tiles differ a little from one piece")
    return Provenance(
        "mosaic",
        model={} if restorer is None else restorer.describe(),
        inputs=({"name": known.name, "path": known.path},),
        settings=asdict(settings) | {"frames_per_place": plan.frames} | facts,
        device="cpu" if restorer is None else restorer.device,
        versions={"napari-emrestore": __version__},
        seconds=seconds,
        notes=tuple(notes),
    )
