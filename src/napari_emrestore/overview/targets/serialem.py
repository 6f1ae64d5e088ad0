"""Items of SerialEM's Navigator: points and polygons, in map pixels or under the stage.

With a Navigator file that holds the map the overview was saved from, items are *externally defined*: they
carry pixels of that map, and SerialEM turns these into stage positions itself, so nothing needs calibrating.
Without one they carry stage positions. https://bio3d.colorado.edu/SerialEM/hlp/html/about_formats.htm
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from napari_emrestore.core import InputError
from napari_emrestore.overview.region_geometry import centre
from napari_emrestore.overview.targets.gathering import Gathering, Imported
from napari_emrestore.overview.targets.nav_maps import (
    MAP,
    FirstRow,
    MapView,
    NavMap,
    choose_map,
    map_section,
    maps_of,
)
from napari_emrestore.overview.targets.nav_text import (
    ENCODING,
    Section,
    file_text,
    number_text,
    one_line,
    read_sections,
)
from napari_emrestore.overview.targets.parsing import finite, parsing
from napari_emrestore.overview.targets.rings import closed_ring, open_ring, rings_of
from napari_emrestore.overview.targets.stage_map import stage_needed

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from numpy.typing import NDArray

    from napari_emrestore.overview.regions import Overview, Region, RegionSet
    from napari_emrestore.overview.targets.stage_map import StageMap

Pieces = Literal["nominal", "aligned", "very sloppy"]
PIECES: tuple[Pieces, ...] = get_args(Pieces)
# SerialEM's own numbers are from here up, so that ours below never meet one of its
FIRST_ID_OF_SERIALEM = 100_000

COORDINATES: dict[Pieces, str] = {
    "nominal": "CoordsInMap",
    "aligned": "CoordsInAliMont",
    "very sloppy": "CoordsInAliMontVS",
}
_POINT, _POLYGON = 0, 1
# red, green, blue, yellow, magenta, black
_COLOURS = ("#ff0000", "#00ff00", "#0000ff", "#ffff00", "#ff00ff", "#000000")
_COLOUR_NAMES = ("red", "green", "blue", "yellow", "magenta", "black")
_NOTE = re.compile(r"(.+?) \| (unsaid|[0-9.e-]+) \|(.*)")
_UNSAID = "unsaid"


def write(
    path: Path,
    regions: RegionSet,
    stage: StageMap | None,
    *,
    nav: str | Path | None = None,
    map_label: str = "",
    first_row: FirstRow = "auto",
    pieces: Pieces = "nominal",
    merge: bool = True,
    acquire: bool = True,
    registration: int = 1,
    map_magnification_index: int | None = None,
    map_camera: int = 0,
) -> tuple[str, ...]:
    """Write regions as items.

    Parameters
    ----------
    path : Path
        The file.
    regions : RegionSet
        Points become points; others polygons, a painted region its longest outline.
    stage : StageMap, optional
        Needed without `nav`.
    nav : str or Path, optional
        A Navigator file with the map that the overview was saved from.
    map_label : str
        Its label; empty if only one map there has the overview's proportions.
    first_row : {"auto", "top", "bottom"}
        Where the overview's first row is on SerialEM's screen. "auto" knows it of an overview that is an MRC
        file (bottom) and of maps that are not (top).
    pieces : {"nominal", "aligned", "very sloppy"}
        How the pieces lie on an overview that is a montage: where they were to be taken, or aligned by
        SerialEM without or with its option of that name (the map then needs its ``.mdoc``).
    merge : bool
        Whether the items of `nav` stand in the new file before ours; SerialEM can also merge a file of
        external items alone into an open Navigator.
    acquire : bool
        Whether items are marked for "Acquire at Items".
    registration : int
        Of items without a map.
    map_magnification_index : int, optional
        Writes the overview's own file as a map, too, at this index of SerialEM's table of magnifications;
        without `nav`.
    map_camera : int
        Index of the camera of that map.
    """
    if pieces not in PIECES:
        raise InputError(f"Pieces of a montage are {', '.join(PIECES)}", came=f"{pieces!r} came")
    before, sections = read_sections(Path(nav).expanduser()) if nav is not None else ("", [])
    taken = ids_of(sections)
    extra: list[Section] = []
    places: _Places
    if nav is not None:
        its_map = choose_map(maps_of(sections, Path(nav)), map_label, regions.overview.shape, Path(nav))
        view = MapView.of_overview(its_map, regions.overview, first_row)
        places = _OnMap(view, COORDINATES[pieces])
    elif stage is None:
        raise stage_needed("A Navigator file without a map")
    else:
        places = _OnStage(stage, registration)
        if map_magnification_index is not None:
            extra = [_own_map(regions.overview, stage, registration, map_magnification_index, map_camera)]
            taken.add(extra[0].whole("MapID"))
    numbers = free_ids(taken, len(regions.regions))
    items = [
        _item(one, regions, places, acquire, number)
        for one, number in zip(regions.regions, numbers, strict=True)
    ]
    text = file_text([*extra, *items], before if merge else "")
    path.write_bytes(text.encode(ENCODING, errors="replace"))
    return tuple(_lost(regions, text))


def read(
    path: Path,
    overview: Overview,
    stage: StageMap | None,
    *,
    map_label: str = "",
    first_row: FirstRow = "auto",
    maps: bool = False,
) -> Imported:
    """Return points and polygons of a Navigator file.

    Parameters
    ----------
    path : Path
        The file.
    overview : Overview
        What they are wanted on.
    stage : StageMap, optional
        From the overview to the stage; without it, the file must hold the map that the overview is.
    map_label : str
        That map; empty if only one has the overview's proportions.
    first_row : {"auto", "top", "bottom"}
        As `write`.
    maps : bool
        Whether the outlines of other maps come in as regions, too.
    """
    _, sections = read_sections(path)
    known = maps_of(sections, path)
    look = partial(MapView.of_overview, overview=overview, first_row=first_row)
    gathering = Gathering(overview, path.name)
    own = None
    if stage is None or map_label:
        own = choose_map(known, map_label, overview.shape, path)
        stage = stage or look(own).stage_map()
    with parsing(path, "Navigator file"):
        items = [one for one in sections if one.kind == "Item"]
        registration = None if own is None else own.registration
        others = [one for one in items if registration not in (None, one.whole("Regis"))]
        if others:
            gathering.note(f"{len(others)} items of another registration than the map's were left out.")
        for one in items:
            if one not in others:
                _take(one, look, stage, own, known, maps, gathering)
        return gathering.finish()


def free_ids(taken: Collection[int], count: int) -> list[int]:
    """Return numbers for new items, below those that SerialEM gives itself."""
    free = [number for number in range(1, FIRST_ID_OF_SERIALEM) if number not in taken][:count]
    if len(free) < count:
        raise InputError(
            f"Fewer than {FIRST_ID_OF_SERIALEM} items have numbers of their own", came=f"{count} came"
        )
    return free


def ids_of(sections: Sequence[Section]) -> set[int]:
    """Return the numbers of the items of a Navigator file."""
    return {int(one.values["MapID"]) for one in sections if one.values.get("MapID", "").isdigit()}


@dataclass(frozen=True, slots=True)
class _OnMap:
    """Places as pixels of a map."""

    view: MapView
    key: str

    def entries(self, middle: tuple[float, float]) -> dict[str, str]:
        x, y = self.xy(np.asarray(middle)).tolist()
        return {
            self.key: number_text((x, y, self.view.its_map.stage_um[2])),
            "Regis": str(self.view.its_map.registration),
            "DrawnID": str(self.view.its_map.map_id),
        }

    def xy(self, places: NDArray[np.float64]) -> NDArray[np.float64]:
        return self.view.from_overview(places)


@dataclass(frozen=True, slots=True)
class _OnStage:
    """Places in micrometres under the stage."""

    stage: StageMap
    registration: int

    def entries(self, middle: tuple[float, float]) -> dict[str, str]:
        x, y = self.xy(np.asarray(middle)).tolist()
        return {
            "StageXYZ": number_text((x, y, self.stage.z_um or 0.0)),
            "Regis": str(self.registration),
        }

    def xy(self, places: NDArray[np.float64]) -> NDArray[np.float64]:
        return self.stage.to_stage(places)[..., ::-1]


_Places = _OnMap | _OnStage


def _item(region: Region, regions: RegionSet, places: _Places, acquire: bool, number: int) -> Section:
    corners = places.xy(np.asarray(closed_ring(rings_of(region)[0])))
    is_point = region.kind == "point"
    if is_point:
        corners = corners[:1]
    sure = _UNSAID if region.confidence is None else repr(region.confidence)
    values = {
        "Color": str(_nearest_colour(regions.region_class(region.class_name).colour)),
        "NumPts": str(len(corners)),
        "Type": str(_POINT if is_point else _POLYGON),
        "Note": one_line(f"{region.class_name} | {sure} | {region.note}"),
        "Acquire": str(int(acquire)),
        "MapID": str(number),
        **places.entries(centre(region)),
        "PtsX": number_text(corners[:, 0]),
        "PtsY": number_text(corners[:, 1]),
    }
    return Section("Item", f"R{region.id}", values)


def _own_map(
    overview: Overview, stage: StageMap, registration: int, magnification_index: int, camera: int
) -> Section:
    if Path(overview.path).suffix.lower() not in (".mrc", ".st", ".map", ".tif", ".tiff"):
        raise InputError(
            "A map of SerialEM is an MRC or TIFF file",
            item=overview.name,
            came=f"lies in {overview.path or 'no file'}",
            remedy="Save the overview as MRC first.",
        )
    its_map = NavMap.from_stage_map(overview, stage, "Overview", FIRST_ID_OF_SERIALEM - 1, registration)
    return map_section(its_map, magnification_index, camera)


def _nearest_colour(colour: str) -> int:
    wanted = np.array(list(bytes.fromhex(colour[1:])), np.float64)
    apart = [float(np.linalg.norm(wanted - list(bytes.fromhex(one[1:])))) for one in _COLOURS]
    return int(np.argmin(apart))


def _lost(regions: RegionSet, text: str) -> Iterator[str]:
    painted = sum(one.kind == "label" for one in regions.regions)
    if painted:
        yield f"{painted} painted regions became their longest outlines."
    if any(one.note != one_line(one.note) for one in regions.regions):
        yield "Line breaks in notes became spaces."
    if text.encode(ENCODING, errors="replace") != text.encode(ENCODING, errors="ignore"):
        yield "Characters that a Navigator file cannot hold became question marks."


def _take(
    item: Section,
    look: Callable[[NavMap], MapView],
    stage: StageMap,
    own: NavMap | None,
    known: Sequence[NavMap],
    maps: bool,
    gathering: Gathering,
) -> None:
    kind = item.whole("Type")
    if kind == MAP and (not maps or (own is not None and item.whole("MapID") == own.map_id)):
        return
    corners = _corners(item)
    external = [key for key in (*COORDINATES.values(), "CoordsInPiece") if key in item.values]
    if not external:
        ring = stage.to_pixels(corners[:, ::-1])
    elif external[0] == "CoordsInPiece":
        gathering.note(f"Item {item.name!r} was left out: it counts pixels of a single piece of a montage.")
        return
    else:
        ring = look(_map_of(item, known)).to_overview(corners)
    name, facts = _facts(item, kind)
    gathering.add_class(name, _COLOURS[item.whole("Color") % len(_COLOURS)])
    vertices = [(y, x) for y, x in ring.tolist()]
    if kind == _POINT:
        gathering.add_point(vertices[0], name, **facts)
    else:
        gathering.add_ring(open_ring(vertices), name, **facts)


def _corners(item: Section) -> NDArray[np.float64]:
    """Return the points of an item ``(x, y)``; of one without any its own place."""
    count = item.whole("NumPts")
    if count == 0 or "PtsX" not in item.values:
        keys = (*COORDINATES.values(), "CoordsInPiece", "StageXYZ")
        key = next((k for k in keys if k in item.values), "StageXYZ")
        return np.array([item.numbers(key, 3)[:2]])
    return np.stack([item.numbers("PtsX", count), item.numbers("PtsY", count)], -1)


def _map_of(item: Section, known: Sequence[NavMap]) -> NavMap:
    drawn = item.whole("DrawnID")
    for one in known:
        if one.map_id == drawn:
            return one
    raise ValueError(f"item {item.name!r} was drawn on map {drawn}, which the file does not hold")


def _facts(item: Section, kind: int) -> tuple[str, dict[str, Any]]:
    note = item.values.get("Note", "")
    ours = _NOTE.fullmatch(note)
    if ours is None:
        name = "map" if kind == MAP else _COLOUR_NAMES[item.whole("Color") % len(_COLOUR_NAMES)]
        return name, {"note": note}
    facts: dict[str, Any] = {"note": ours[3].strip()}
    if ours[2] != _UNSAID:
        facts["confidence"] = finite(ours[2])
    return ours[1], facts
