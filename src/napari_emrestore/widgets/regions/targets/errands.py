"""Work that takes its time on the way to the microscope; no Qt, so that it may run in a thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_emrestore.core import InputError
from napari_emrestore.overview.targets.visiting import plan_stops, revisit, write_visit

if TYPE_CHECKING:
    from pathlib import Path

    from napari_emrestore.cameras.micromanager_stage import MicroManagerStage
    from napari_emrestore.core import Monitor
    from napari_emrestore.overview.regions import RegionSet
    from napari_emrestore.overview.targets.stage_map import StageMap
    from napari_emrestore.overview.targets.visiting import StageLimits, Stop


def connect(config: str | None, monitor: Monitor) -> MicroManagerStage:
    """Return the stage of a configuration, or without one of the core that is loaded."""
    from napari_emrestore.cameras import open_stage

    return open_stage(config=config)


def visit_all(
    chosen: RegionSet,
    stage: StageMap,
    device: MicroManagerStage,
    limits: StageLimits,
    folder: Path,
    monitor: Monitor,
    *,
    frames: int,
    nearest: bool,
    fields: bool,
) -> list[Path]:
    """Drive to regions, write frames of each, and return the files."""
    field = device.field_um if fields else None
    if fields and field is None:
        raise InputError(
            "Several fields need the pixel size of the camera",
            came="the configuration has none",
            remedy="Set it in Micro-Manager, or visit one field of each.",
        )
    stops: tuple[Stop, ...] = plan_stops(
        chosen.regions,
        stage,
        field_um=field,
        start_um=device.position_um() if nearest else None,
    )
    visits = revisit(stops, device, limits, frames=frames, monitor=monitor)
    return [write_visit(visit, chosen.overview, folder) for visit in visits]
