"""GeoJSON as QuPath writes and reads it: pixels ``[x, y]``, y down, counted from the corner of the image.

QuPath counts from the corner of the first pixel and we from its centre, so half a pixel is added. What QuPath
has no field for stands in the string map ``metadata``, which it shows.
"""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

from napari_emrestore.overview.targets.gathering import Gathering, Imported
from napari_emrestore.overview.targets.parsing import finite, parsing, read_json
from napari_emrestore.overview.targets.rings import Ring, closed_ring, open_ring, polygons_of

if TYPE_CHECKING:
    from pathlib import Path

    from napari_emrestore.overview.regions import Overview, Region, RegionClass, RegionSet
    from napari_emrestore.overview.targets.stage_map import StageMap

_HALF = 0.5
_FEW_VERTICES = 3


def write(path: Path, regions: RegionSet, stage: StageMap | None) -> tuple[str, ...]:
    """Write a collection of annotations, in pixels of the overview."""
    features = [_feature(one, regions.region_class(one.class_name)) for one in regions.regions]
    record = {"type": "FeatureCollection", "features": features}
    path.write_text(json.dumps(record, allow_nan=False), encoding="utf-8")
    return ()


def read(path: Path, overview: Overview, stage: StageMap | None) -> Imported:
    """Return points and polygons; polygons with holes and of several parts come in as painted regions."""
    gathering = Gathering(overview, path.name)
    record = read_json(path)
    with parsing(path, "GeoJSON file"):
        for feature in _features(record):
            _take(feature, gathering)
        return gathering.finish()


def _feature(region: Region, its_class: RegionClass) -> dict[str, Any]:
    facts = {"id": str(region.id), "kind": region.kind, "note": region.note}
    if region.confidence is not None:
        facts["confidence"] = repr(region.confidence)
    return {
        "type": "Feature",
        "id": str(uuid.uuid4()),
        "geometry": _geometry(region),
        "properties": {
            "objectType": "annotation",
            "name": f"{region.class_name} {region.id}",
            "classification": {"name": its_class.name, "color": _rgb(its_class.colour)},
            "metadata": facts,
        },
    }


def _geometry(region: Region) -> dict[str, Any]:
    if region.kind == "point":
        return {"type": "Point", "coordinates": _xy(region.vertices[0])}
    polygons = [
        [[_xy(place) for place in closed_ring(ring)] for ring in polygon] for polygon in polygons_of(region)
    ]
    if len(polygons) == 1:
        return {"type": "Polygon", "coordinates": polygons[0]}
    return {"type": "MultiPolygon", "coordinates": polygons}


def _features(record: Any) -> list[dict[str, Any]]:
    """Return the features of a collection, of a bare list (older QuPath) or of one feature."""
    if isinstance(record, list):
        return record
    if record["type"] == "Feature":
        return [record]
    features: list[dict[str, Any]] = record["features"]
    return features


def _take(feature: dict[str, Any], gathering: Gathering) -> None:
    properties = feature.get("properties") or {}
    classification = properties.get("classification") or {}
    rgb = classification.get("color")
    name = gathering.add_class(str(classification.get("name", "")), None if rgb is None else _colour(rgb))
    metadata = properties.get("metadata") or {}
    facts: dict[str, Any] = {"note": str(metadata.get("note", properties.get("description", "")))}
    if "confidence" in metadata:
        facts["confidence"] = finite(metadata["confidence"])
    painted = metadata.get("kind") == "label"
    _take_geometry(feature["geometry"], gathering, name, painted, facts)


def _take_geometry(
    geometry: dict[str, Any], gathering: Gathering, name: str, painted: bool, facts: dict[str, Any]
) -> None:
    kind, places = geometry["type"], geometry["coordinates"]
    if kind == "Point":
        gathering.add_point(_place(places), name, **facts)
    elif kind == "MultiPoint":
        for place in places:
            gathering.add_point(_place(place), name, **facts)
    elif kind in ("Polygon", "MultiPolygon"):
        polygons = [places] if kind == "Polygon" else places
        rings = [_ring(ring) for polygon in polygons for ring in polygon]
        if painted or len(rings) > 1:
            gathering.add_rings(rings, name, **facts)
        else:
            gathering.add_ring(rings[0], name, **facts)
    else:
        gathering.note(f"A {kind} was left out: regions are points and areas.")


def _ring(places: list[Any]) -> Ring:
    ring = open_ring([_place(place) for place in places])
    if len(ring) < _FEW_VERTICES:
        raise ValueError(f"a ring of {len(ring)} vertices")
    return ring


def _place(xy: list[Any]) -> tuple[float, float]:
    return finite(xy[1]) - _HALF, finite(xy[0]) - _HALF


def _xy(place: tuple[float, float]) -> list[float]:
    return [place[1] + _HALF, place[0] + _HALF]


def _rgb(colour: str) -> list[int]:
    return list(bytes.fromhex(colour[1:]))


def _colour(rgb: list[int]) -> str:
    red, green, blue = bytes(rgb[:3])
    return f"#{red:02x}{green:02x}{blue:02x}"
