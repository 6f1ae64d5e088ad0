"""The table of formats that regions go out to and come in from, and the two calls that use it."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from napari_emrestore.core import FormatError, InputError
from napari_emrestore.io.staging import staged
from napari_emrestore.overview.targets.parsing import parsing, read_json
from napari_emrestore.overview.targets.stage_map import stage_needed

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_emrestore.overview.regions import Overview, RegionKind, RegionSet
    from napari_emrestore.overview.targets.gathering import Imported
    from napari_emrestore.overview.targets.stage_map import StageMap

Places = Literal["overview", "stage", "either"]


@dataclass(frozen=True, slots=True)
class TargetFormat:
    """One row of the table.

    Attributes
    ----------
    name : str
        For `export_rois`, the command line and menus.
    title : str
        Whose format it is, for a person.
    suffixes : tuple of str
        File name endings in lower case; the first is the usual one.
    module : str
        Has ``write(path, regions, stage, **options)``, which returns notes, and ``read(path, overview,
        stage, **options)``, which returns an `Imported`.
    places : {"overview", "stage", "either"}
        Whether it speaks of pixels of the overview or of micrometres under the stage, which needs a
        `StageMap`.
    keeps : tuple of str
        Kinds of region that come back as they were; others become what `export_rois` notes.
    """

    name: str
    title: str
    suffixes: tuple[str, ...]
    module: str
    places: Places
    keeps: tuple[RegionKind, ...]


_HERE = "napari_emrestore.overview.targets"
_ALL: tuple[RegionKind, ...] = ("point", "rectangle", "polygon", "label")
TARGET_FORMATS: tuple[TargetFormat, ...] = (
    TargetFormat("regions", "napari-emrestore", (".regions.json",), f"{_HERE}.own_file", "overview", _ALL),
    TargetFormat(
        "serialem",
        "SerialEM Navigator",
        (".nav",),
        f"{_HERE}.serialem",
        "either",
        ("point", "rectangle", "polygon"),
    ),
    TargetFormat(
        "micromanager", "Micro-Manager 2 positions", (".pos",), f"{_HERE}.micromanager", "stage", ("point",)
    ),
    TargetFormat(
        "useq", "pymmcore-plus positions", (".positions.json",), f"{_HERE}.useq_json", "stage", ("point",)
    ),
    TargetFormat("geojson", "GeoJSON (QuPath)", (".geojson",), f"{_HERE}.geojson", "overview", _ALL),
    TargetFormat("csv", "Table of vertices", (".csv",), f"{_HERE}.csv_table", "either", _ALL),
    TargetFormat(
        "labels", "Label image (OME-TIFF)", (".ome.tif", ".tif", ".tiff"), f"{_HERE}.label_image",
        "overview", ("label",),
    ),
    TargetFormat("coco", "COCO training set", (".coco.json",), f"{_HERE}.coco", "overview", _ALL),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written.

    Attributes
    ----------
    path : Path
        The file.
    format : str
        Name of its format.
    count : int
        Regions in it.
    notes : tuple of str
        What of the regions the format could not keep; for a person to read.
    """

    path: Path
    format: str
    count: int
    notes: tuple[str, ...] = ()


def export_rois(
    rois: RegionSet,
    path: str | Path,
    format: str | None = None,
    *,
    stage: StageMap | None = None,
    **options: Any,
) -> Exported:
    """Write regions for another program; proposals that nobody has accepted are left out.

    Parameters
    ----------
    rois : RegionSet
        On their overview.
    path : str or Path
        An older file of this name is replaced when the new one is complete.
    format : str, optional
        Name of a `TargetFormat`; ``None`` goes by the ending of `path`.
    stage : StageMap, optional
        From the overview's pixels to the stage; needed where the format speaks of the stage.
    **options
        Of the format; see `format_options`.

    Returns
    -------
    Exported

    Raises
    ------
    InputError
        If there is no region to write, no such format or option, or a stage map is needed.
    WriteError
        If the system refuses to write.
    """
    final = Path(path).expanduser()
    row = target_format(format) if format else format_by_ending(final)
    known = _known(row, "write", options)
    if row.places == "stage" and stage is None:
        raise stage_needed(row.title)
    chosen = replace(rois, regions=rois.accepted)
    if not chosen.regions:
        waiting = len(rois.proposals)
        raise InputError(
            "An export holds one region or more",
            came=f"none came that is accepted; {waiting} wait" if waiting else "none came",
            remedy="Draw some, or accept proposals.",
        )
    with staged(final) as partial:
        notes = known(partial, chosen, stage, **options)
    if rois.proposals:
        notes = (*notes, f"{len(rois.proposals)} proposals that nobody has accepted were left out.")
    return Exported(final, row.name, len(chosen.regions), tuple(notes))


def import_rois(
    path: str | Path,
    overview: Overview,
    format: str | None = None,
    *,
    stage: StageMap | None = None,
    **options: Any,
) -> Imported:
    """Read regions that another program wrote.

    Parameters
    ----------
    path : str or Path
        The file.
    overview : Overview
        What its places lie on.
    format : str, optional
        Name of a `TargetFormat`; ``None`` goes by the ending of `path` and, for JSON, by the content.
    stage : StageMap, optional
        From the overview's pixels to the stage; needed for files that speak of the stage.
    **options
        Of the format; see `format_options`.

    Returns
    -------
    Imported
        The regions and what could not be taken over.

    Raises
    ------
    FormatError
        If the file is damaged or of another kind.
    InputError
        If it does not exist, there is no such format or option, or a stage map is needed.
    """
    place = Path(path).expanduser()
    row = target_format(format) if format else detect_format(place)
    known = _known(row, "read", options)
    if row.places == "stage" and stage is None:
        raise stage_needed(row.title)
    found: Imported = known(place, overview, stage, **options)
    return found


def target_format(name: str) -> TargetFormat:
    """Return the row of a name, or raise `InputError` if there is none."""
    for row in TARGET_FORMATS:
        if row.name == name:
            return row
    raise InputError(
        f"A format of regions is one of {', '.join(row.name for row in TARGET_FORMATS)}",
        came=f"{name!r} came",
    )


def detect_format(path: Path) -> TargetFormat:
    """Return the format of a file, by its ending and, for JSON, by what is in it.

    Raises
    ------
    FormatError
        If it is a JSON file of no known kind.
    InputError
        If no format has this ending, or the file cannot be read.
    """
    if path.suffix.lower() not in (".json", ".geojson"):
        return format_by_ending(path)
    record = read_json(path)
    with parsing(path, "JSON file of regions"):
        if isinstance(record, list) or "stage_positions" in record:
            return target_format("useq")
        if "annotations" in record:
            return target_format("coco")
        if str(record.get("type", "")).startswith("Feature"):
            return target_format("geojson")
        if "regions" in record:
            return target_format("regions")
        raise FormatError(
            "A JSON file of regions, positions, GeoJSON or COCO is needed",
            item=path.name,
            came=f"holds {', '.join(map(repr, list(record)[:5])) or 'nothing'}",
        )


def format_options(name: str, task: Literal["write", "read"]) -> dict[str, inspect.Parameter]:
    """Return the options of a format with their defaults and types, by name."""
    call = _call(target_format(name), task)
    parameters = inspect.signature(call, eval_str=False).parameters.values()
    return {p.name: p for p in parameters if p.kind is p.KEYWORD_ONLY}


def format_by_ending(path: Path) -> TargetFormat:
    """Return the format that a file's name asks for, or raise `InputError` if none does."""
    for row in TARGET_FORMATS:
        if path.name.lower().endswith(row.suffixes):
            return row
    endings = ", ".join(row.suffixes[0] for row in TARGET_FORMATS)
    raise InputError(
        f"A file of regions ends in one of {endings}",
        item=path.name,
        came=f"ends in {path.suffix or 'nothing'!r}",
        remedy="Give it such an ending, or name the format.",
    )


def _known(row: TargetFormat, task: Literal["write", "read"], options: dict[str, Any]) -> Callable[..., Any]:
    known = format_options(row.name, task)
    unknown = [option for option in options if option not in known]
    if unknown:
        raise InputError(
            f"Options of {row.name} to {task} are {', '.join(known) or 'none'}", came=f"{unknown[0]!r} came"
        )
    return _call(row, task)


def _call(row: TargetFormat, task: str) -> Callable[..., Any]:
    found: Callable[..., Any] = getattr(import_module(row.module), task)
    return found
