"""Position lists of Micro-Manager 2: a JSON property map of micrometres per device."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from napari_emrestore.core import InputError
from napari_emrestore.overview.region_geometry import centre
from napari_emrestore.overview.targets.gathering import Gathering, Imported
from napari_emrestore.overview.targets.parsing import finite, parsing, read_json
from napari_emrestore.overview.targets.stage_map import stage_needed

if TYPE_CHECKING:
    from pathlib import Path

    from napari_emrestore.overview.regions import Overview, Region, RegionSet
    from napari_emrestore.overview.targets.stage_map import StageMap

FORMAT = "Micro-Manager Property Map"
_LABEL = re.compile(r"(.+)-\d+")


def write(
    path: Path, regions: RegionSet, stage: StageMap | None, *, xy_device: str = "XYStage", z_device: str = ""
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
    xy_device : str
        Name of the stage in the microscope's configuration; names differ from one to the other.
    z_device : str
        Name of the focus drive; with it, positions carry the height of the stage map.
    """
    if stage is None:
        raise stage_needed("A position list of Micro-Manager")
    if not xy_device:
        raise InputError("A position list needs the name of the XY stage", came="none came")
    if z_device and stage.z_um is None:
        raise InputError(
            "A stage map with a height is needed for a focus drive",
            came="it has none",
            remedy="Give the height, or no focus drive.",
        )
    positions = [_position(one, stage, xy_device, z_device) for one in regions.regions]
    record = {
        "encoding": "UTF-8",
        "format": FORMAT,
        "major_version": 2,
        "minor_version": 0,
        "map": {"StagePositions": _maps(positions)},
    }
    path.write_text(json.dumps(record, indent=2, allow_nan=False), encoding="utf-8")
    return middles_only(regions)


def read(path: Path, overview: Overview, stage: StageMap | None) -> Imported:
    """Return a point for every position of the list that has a place in the plane."""
    if stage is None:
        raise stage_needed(path.name)
    record = read_json(path)
    gathering = Gathering(overview, path.name)
    with parsing(path, "position list of Micro-Manager 2"):
        if record["format"] != FORMAT:
            raise ValueError(f"it is a {record['format']!r}")
        for position in _array(record["map"]["StagePositions"]):
            _take(position, stage, gathering)
        return gathering.finish()


def middles_only(regions: RegionSet) -> tuple[str, ...]:
    """Return the remark that a list of positions needs, if any."""
    areas = sum(one.kind != "point" for one in regions.regions)
    return (f"A list of positions keeps the middle of {areas} regions, not their outlines.",) if areas else ()


def _position(region: Region, stage: StageMap, xy_device: str, z_device: str) -> dict[str, Any]:
    y, x = stage.to_stage(centre(region)).tolist()
    devices = [_device(xy_device, [x, y])]
    if z_device and stage.z_um is not None:
        devices.append(_device(z_device, [stage.z_um]))
    facts = {"class": region.class_name, "note": region.note}
    if region.confidence is not None:
        facts["confidence"] = repr(region.confidence)
    return {
        "Label": _text(f"{region.class_name}-{region.id}"),
        "GridRow": _whole(0),
        "GridCol": _whole(0),
        "DefaultXYStage": _text(xy_device),
        "DefaultZStage": _text(z_device),
        "DevicePositions": _maps(devices),
        "Properties": {"type": "PROPERTY_MAP", "scalar": {name: _text(facts[name]) for name in facts}},
    }


def _take(position: dict[str, Any], stage: StageMap, gathering: Gathering) -> None:
    label = str(_scalar(position, "Label"))
    default = _scalar(position, "DefaultXYStage")
    places = {
        _scalar(device, "Device"): _array(device["Position_um"])
        for device in _array(position["DevicePositions"])
    }
    plane = {name: values for name, values in places.items() if len(values) == 2}
    chosen = plane.get(default) or next(iter(plane.values()), None)
    if chosen is None:
        gathering.note(f"Position {label!r} was left out: it has no place in the plane.")
        return
    facts = (position.get("Properties") or {}).get("scalar") or {}
    matched = _LABEL.fullmatch(label)
    name = str(_scalar(facts, "class") or (matched[1] if matched else label))
    kept: dict[str, Any] = {"note": str(_scalar(facts, "note") or "")}
    if sure := _scalar(facts, "confidence"):
        kept["confidence"] = finite(sure)
    y, x = stage.to_pixels((finite(chosen[1]), finite(chosen[0]))).tolist()
    gathering.add_point((y, x), name, **kept)


def _device(name: str, position_um: list[float]) -> dict[str, Any]:
    return {"Device": _text(name), "Position_um": {"type": "DOUBLE", "array": position_um}}


def _text(value: str) -> dict[str, Any]:
    return {"type": "STRING", "scalar": value}


def _whole(value: int) -> dict[str, Any]:
    return {"type": "INTEGER", "scalar": value}


def _maps(values: list[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "PROPERTY_MAP", "array": values}


def _array(value: dict[str, Any]) -> list[Any]:
    """Return a list; Micro-Manager writes one of a single value as a scalar, too."""
    return value["array"] if "array" in value else [value["scalar"]]


def _scalar(values: dict[str, Any], name: str) -> Any:
    return (values.get(name) or {}).get("scalar")
