"""Work that takes its time on the way to the microscope; no Qt, so that it may run in a thread."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from napari_emrestore.core import InputError
from napari_emrestore.overview.targets.visiting import plan_stops, revisit, write_visit

if TYPE_CHECKING:
    from pathlib import Path

    from napari_emrestore.cameras.micromanager_stage import MicroManagerStage
    from napari_emrestore.core import Monitor
    from napari_emrestore.overview.regions import RegionSet
    from napari_emrestore.overview.targets.stage_map import StageMap
    from napari_emrestore.overview.targets.visiting import Arrival, StageLimits, Stop
    from napari_emrestore.widgets.jobs import JobMonitor


@dataclass(slots=True)
class Round:
    """How far a round of visits has come; grows in its thread, and is whole even if that is stopped.

    Attributes
    ----------
    folder : Path
        Where the frames are.
    total : int
        Places that are to be visited.
    arrivals : list of Arrival
        Places that were, in order; the frames of each are written.
    """

    folder: Path
    total: int = 0
    arrivals: list[Arrival] = field(default_factory=list)


def connect(config: str | None, monitor: Monitor) -> MicroManagerStage:
    """Return the stage of a configuration, or without one of the core that is loaded."""
    from napari_emrestore.cameras import open_stage

    return open_stage(config=config)


def visit_all(
    chosen: RegionSet,
    stage: StageMap,
    device: MicroManagerStage,
    limits: StageLimits,
    made: Round,
    monitor: JobMonitor,
    *,
    frames: int,
    nearest: bool,
    fields: bool,
) -> Round:
    """Drive to regions and write frames of each into the folder of a new round, shown after every visit."""
    field_um = device.field_um if fields else None
    if fields and field_um is None:
        raise InputError(
            "Several fields need the pixel size of the camera",
            came="the configuration has none",
            remedy="Set it in Micro-Manager, or visit one field of each.",
        )
    stops: tuple[Stop, ...] = plan_stops(
        chosen.regions,
        stage,
        field_um=field_um,
        start_um=device.position_um() if nearest else None,
    )
    made.total = len(stops)
    for visit in revisit(stops, device, limits, frames=frames, monitor=monitor):
        write_visit(visit, chosen.overview, made.folder)
        made.arrivals.append(visit.arrival)
        monitor.show(made)
    return made


def cut_crops(chosen: RegionSet, raw: Any, folder: str, look: dict[str, Any], monitor: Monitor) -> list[Path]:
    """Write raw crops of regions that look as `CropView.turned` takes it, and return the files."""
    from napari_emrestore.overview.targets.crops import CropView, write_crops

    return write_crops(chosen, raw, CropView.turned(chosen.overview, **look), folder, monitor=monitor)


def cut_virtual_maps(
    chosen: RegionSet, raw: Any, folder: str, options: dict[str, Any], monitor: Monitor
) -> list[Path]:
    """Write raw crops of regions as virtual maps, as `write_virtual_maps` does, and return the files."""
    from napari_emrestore.overview.targets.virtual_maps import write_virtual_maps

    return write_virtual_maps(chosen, raw, folder=folder, monitor=monitor, **options)
