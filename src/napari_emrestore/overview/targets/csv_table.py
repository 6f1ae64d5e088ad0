"""A table with one row per vertex, its place in pixels, in the viewer's world and under the stage.

Read back, pixels win over the stage, for they need no map. Lengths stand as decimal numbers with a point,
whatever the country.
"""

from __future__ import annotations

import csv
import io
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.core import FormatError
from napari_emrestore.overview.targets.gathering import Gathering, Imported
from napari_emrestore.overview.targets.parsing import finite, parsing, read_text
from napari_emrestore.overview.targets.rings import Ring, rings_of
from napari_emrestore.overview.targets.stage_map import stage_needed

if TYPE_CHECKING:
    from pathlib import Path

    from napari_emrestore.overview.regions import Overview, Region, RegionSet
    from napari_emrestore.overview.targets.stage_map import StageMap

COLUMNS = (
    "region", "class", "colour", "kind", "ring", "vertex", "y_px", "x_px", "world_y", "world_x", "world_unit",
    "stage_y_um", "stage_x_um", "confidence", "note",
)  # fmt: skip
_PIXELS, _STAGE = ("y_px", "x_px"), ("stage_y_um", "stage_x_um")
_KINDS = ("point", "rectangle", "polygon", "label")


def write(path: Path, regions: RegionSet, stage: StageMap | None) -> tuple[str, ...]:
    """Write all vertices; the stage's columns stay empty without a map."""
    text = io.StringIO()
    table = csv.DictWriter(text, COLUMNS, lineterminator="\r\n")
    table.writeheader()
    for region in regions.regions:
        table.writerows(_rows(region, regions, stage))
    path.write_bytes(text.getvalue().encode())
    return () if stage else ("Without a stage map, the columns of the stage are empty.",)


def read(path: Path, overview: Overview, stage: StageMap | None) -> Imported:
    """Return the regions; a table without ``kind`` and ``region`` is one point per row.

    Raises
    ------
    FormatError
        If columns are missing or values damaged.
    InputError
        If it holds places under the stage only, and there is no stage map.
    """
    table = csv.DictReader(io.StringIO(read_text(path, encoding="utf-8-sig"), newline=""))
    gathering = Gathering(overview, path.name)
    with parsing(path, "table of regions"):
        columns = tuple(table.fieldnames or ())
        places = next((pair for pair in (_PIXELS, _STAGE) if set(pair) <= set(columns)), None)
        if places is None:
            raise FormatError(
                "A table of regions has columns y_px and x_px, or stage_y_um and stage_x_um",
                item=path.name,
                came=f"has {', '.join(columns) or 'none'}",
            )
        if places == _PIXELS:
            stage = None
        rows = list(table)
    if places == _STAGE and stage is None:
        raise stage_needed(path.name)
    with parsing(path, "table of regions"):
        for number, (_, group) in enumerate(groupby(enumerate(rows), _same_region)):
            _take([row for _, row in group], places, stage, gathering, number + 1)
        return gathering.finish()


def _rows(region: Region, regions: RegionSet, stage: StageMap | None) -> list[dict[str, Any]]:
    known = {
        "region": region.id,
        "class": region.class_name,
        "colour": regions.region_class(region.class_name).colour,
        "kind": region.kind,
        "world_unit": regions.overview.world_unit,
        "confidence": "" if region.confidence is None else repr(region.confidence),
        "note": region.note,
    }
    rows = []
    for number, ring in enumerate(rings_of(region), start=1):
        for vertex, place in enumerate(ring, start=1):
            row = {**known, "ring": number, "vertex": vertex}
            row |= dict(zip(_PIXELS, map(_decimal, place), strict=True))
            row |= dict(zip(("world_y", "world_x"), _world(regions.overview, place), strict=True))
            if stage is not None:
                row |= dict(zip(_STAGE, map(_decimal, stage.to_stage(place)), strict=True))
            rows.append(row)
    return rows


def _world(overview: Overview, place: tuple[float, float]) -> tuple[str, str]:
    y, x, scale = np.asarray(overview.to_world) @ (*place, 1.0)
    return _decimal(y / scale), _decimal(x / scale)


def _decimal(value: float) -> str:
    # to a picometre or a millionth of a pixel, without the noise of the last binary digit
    return f"{float(value):.6f}"


def _same_region(numbered: tuple[int, dict[str, Any]]) -> Any:
    """Return what the rows of one region share: its number, or the row's own place without one."""
    position, row = numbered
    return row.get("region") or ("row", position)


def _take(
    rows: list[dict[str, Any]],
    columns: tuple[str, str],
    stage: StageMap | None,
    gathering: Gathering,
    number: int,
) -> None:
    first = rows[0]
    kind = first.get("kind") or "point"
    if kind not in _KINDS:
        raise ValueError(f"region {number} is a {kind!r}")
    facts: dict[str, Any] = {"note": first.get("note") or ""}
    if first.get("confidence"):
        facts["confidence"] = finite(first["confidence"])
    name = gathering.add_class(first.get("class") or "", first.get("colour") or None)
    rings = [_ring(list(group), columns, stage) for _, group in groupby(rows, lambda row: row.get("ring"))]
    if kind == "label":
        gathering.add_rings(rings, name, **facts)
    elif kind == "point":
        for place in rings[0]:
            gathering.add_point(place, name, **facts)
    else:
        gathering.add_ring(rings[0], name, **facts)


def _ring(rows: list[dict[str, Any]], columns: tuple[str, str], stage: StageMap | None) -> Ring:
    places = [[finite(row[column]) for column in columns] for row in rows]
    if stage is not None:
        places = stage.to_pixels(places).tolist()
    return [(y, x) for y, x in places]
