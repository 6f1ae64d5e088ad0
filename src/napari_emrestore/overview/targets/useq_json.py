"""Positions as pymmcore-plus, pymmcore-widgets and napari-micromanager load them: JSON of ``useq``."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from napari_emrestore.overview.region_geometry import centre
from napari_emrestore.overview.targets.gathering import Gathering, Imported
from napari_emrestore.overview.targets.micromanager import middles_only
from napari_emrestore.overview.targets.parsing import finite, parsing, read_json
from napari_emrestore.overview.targets.stage_map import stage_needed

if TYPE_CHECKING:
    from pathlib import Path

    from napari_emrestore.overview.regions import Overview, RegionSet
    from napari_emrestore.overview.targets.stage_map import StageMap

_NAME = re.compile(r"(.+)-\d+")


def write(
    path: Path, regions: RegionSet, stage: StageMap | None, *, sequence: bool = False
) -> tuple[str, ...]:
    """Write the middle of every region as a position.

    Parameters
    ----------
    path : Path
        The file.
    regions : RegionSet
        What to visit.
    stage : StageMap
        From the overview to the stage.
    sequence : bool
        Whether a whole ``MDASequence`` is written, for ``CMMCorePlus.run_mda``, and not the bare list that
        the table of positions loads.
    """
    if stage is None:
        raise stage_needed("A list of positions")
    height = {} if stage.z_um is None else {"z": stage.z_um}
    positions = []
    for one in regions.regions:
        y, x = stage.to_stage(centre(one)).tolist()
        positions.append({"x": x, "y": y, **height, "name": f"{one.class_name}-{one.id}"})
    record: Any = {"stage_positions": positions} if sequence else positions
    path.write_text(json.dumps(record, indent=2, allow_nan=False), encoding="utf-8")
    lost = any(one.note or one.confidence is not None for one in regions.regions)
    return (*middles_only(regions), *(["It has no room for notes and confidences."] if lost else []))


def read(path: Path, overview: Overview, stage: StageMap | None) -> Imported:
    """Return a point for every position with x and y; others mean "stay where you are"."""
    if stage is None:
        raise stage_needed(path.name)
    record = read_json(path)
    gathering = Gathering(overview, path.name)
    with parsing(path, "list of positions"):
        positions = record if isinstance(record, list) else record["stage_positions"]
        for number, position in enumerate(positions):
            _take(position, number, stage, gathering)
        return gathering.finish()


def _take(position: Any, number: int, stage: StageMap, gathering: Gathering) -> None:
    if isinstance(position, list):  # useq reads a bare [x, y, z], too
        position = dict(zip("xyz", position, strict=False))
    name = str(position.get("name") or "")
    if position.get("x") is None or position.get("y") is None:
        gathering.note(f"Position {name or number} was left out: it has no place in the plane.")
        return
    y, x = stage.to_pixels((finite(position["y"]), finite(position["x"]))).tolist()
    matched = _NAME.fullmatch(name)
    gathering.add_point((y, x), matched[1] if matched else name)
