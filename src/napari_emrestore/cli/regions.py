"""Take regions of interest to the microscope and to other programs, and theirs back."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_emrestore.cli import region_visits
from napari_emrestore.cli.terminal import Outcome, Terminal
from napari_emrestore.core import InputError

if TYPE_CHECKING:
    import inspect

    from napari_emrestore.overview.regions import Overview
    from napari_emrestore.overview.targets import StageMap

_REGIONS = "file of regions, as the dock saves it"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the actions and their options."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")

    export = actions.add_parser("export", help="write regions for another program")
    export.add_argument("regions", metavar="REGIONS", help=_REGIONS)
    export.add_argument("output", metavar="FILE", help="its ending tells the format")
    _add_format(export, "--format")
    _add_places(export)
    export.set_defaults(act=_export)

    take = actions.add_parser("import", help="read regions that another program wrote")
    take.add_argument("input", metavar="FILE", help="SerialEM .nav, Micro-Manager .pos, GeoJSON, CSV, ...")
    take.add_argument("overview", metavar="OVERVIEW", help="image that the places lie on, or its regions")
    take.add_argument("output", metavar="REGIONS", help="file of regions to write, ending in .regions.json")
    _add_format(take, "--format")
    _add_places(take)
    take.set_defaults(act=_import)

    convert = actions.add_parser("convert", help="from one program to another")
    convert.add_argument("input", metavar="FROM", help="file to read")
    convert.add_argument("output", metavar="TO", help="file to write")
    convert.add_argument("--overview", required=True, help="image that the places lie on, or its regions")
    _add_format(convert, "--from")
    _add_format(convert, "--to")
    _add_places(convert)
    convert.set_defaults(act=_convert)

    formats = actions.add_parser("formats", help="list the formats with what they keep and their options")
    formats.set_defaults(act=_formats)
    region_visits.add_actions(actions, _REGIONS)
    for action in actions.choices.values():
        # those of the command itself may also stand after the action; given nowhere, its own defaults hold
        for option in ("--json", "--debug"):
            action.add_argument(
                option, action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS
            )


def run(arguments: argparse.Namespace, terminal: Terminal) -> Outcome:
    """Do the action."""
    outcome: Outcome = arguments.act(arguments, terminal)
    return outcome


def _add_format(parser: argparse.ArgumentParser, option: str) -> None:
    parser.add_argument(
        option,
        dest=option.strip("-").replace("from", "from_"),
        metavar="NAME",
        help="see: napari-emrestore regions formats (default: by the file's ending)",
    )


def _add_places(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--stage", metavar="FILE", help="stage map, as 'regions calibrate' writes it")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="OPTION=VALUE",
        help="option of a format, for example nav=grid.nav",
    )


def _export(arguments: argparse.Namespace, terminal: Terminal) -> Outcome:
    from napari_emrestore.overview.region_files import read_regions
    from napari_emrestore.overview.targets import export_rois

    name = _format_of(arguments.output, arguments.format)
    written = export_rois(
        read_regions(arguments.regions),
        arguments.output,
        name,
        stage=_stage(arguments),
        **_options(arguments.set, name, "write"),
    )
    terminal.say(f"Wrote {written.count} regions to {written.path} ({written.format})")
    _tell(written.notes, terminal)
    return Outcome({"files": [written.path], "regions": written.count, "notes": written.notes})


def _import(arguments: argparse.Namespace, terminal: Terminal) -> Outcome:
    from napari_emrestore.overview.region_files import write_regions
    from napari_emrestore.overview.targets import import_rois

    name = _format_read(arguments.input, arguments.format)
    found = import_rois(
        arguments.input,
        overview_of(arguments.overview),
        name,
        stage=_stage(arguments),
        **_options(arguments.set, name, "read"),
    )
    write_regions(found.regions, arguments.output)
    count = len(found.regions.regions)
    terminal.say(f"Read {count} regions from {arguments.input} ({name}) and wrote {arguments.output}")
    _tell(found.notes, terminal)
    return Outcome({"files": [Path(arguments.output)], "regions": count, "notes": found.notes})


def _convert(arguments: argparse.Namespace, terminal: Terminal) -> Outcome:
    from napari_emrestore.overview.targets import export_rois, import_rois

    source = _format_read(arguments.input, arguments.from_)
    target = _format_of(arguments.output, arguments.to)
    stage = _stage(arguments)
    given = _split(arguments.set)
    reading = _accepted(given, source, "read")
    writing = _accepted(given, target, "write")
    unknown = [name for name in given if name not in (*reading, *writing)]
    if unknown:
        raise InputError(
            f"Neither {source} to read nor {target} to write has such an option", came=unknown[0]
        )
    found = import_rois(arguments.input, overview_of(arguments.overview), source, stage=stage, **reading)
    written = export_rois(found.regions, arguments.output, target, stage=stage, **writing)
    terminal.say(f"Wrote {written.count} regions to {written.path} ({source} to {target})")
    notes = (*found.notes, *written.notes)
    _tell(notes, terminal)
    return Outcome({"files": [written.path], "regions": written.count, "notes": notes})


def _formats(arguments: argparse.Namespace, terminal: Terminal) -> Outcome:
    from napari_emrestore.overview.targets import TARGET_FORMATS, format_options

    records: list[dict[str, Any]] = []
    for row in TARGET_FORMATS:
        options = {task: sorted(format_options(row.name, task)) for task in ("write", "read")}
        records.append(
            {
                "name": row.name,
                "title": row.title,
                "suffixes": row.suffixes,
                "places": row.places,
                "keeps": row.keeps,
                "options": options,
            }
        )
    terminal.table(
        ("name", "ending", "speaks of", "keeps", "options"),
        [
            (
                record["name"],
                record["suffixes"][0],
                {"either": "overview or stage"}.get(record["places"], record["places"]),
                "all kinds" if len(record["keeps"]) == 4 else ", ".join(record["keeps"]),
                ", ".join(sorted({*record["options"]["write"], *record["options"]["read"]})),
            )
            for record in records
        ],
    )
    return Outcome({"formats": records})


def overview_of(path: str) -> Overview:
    """Return the overview that an image or mosaic is, or that a file of regions was drawn on."""
    from napari_emrestore.io import open_frames
    from napari_emrestore.overview import open_mosaic
    from napari_emrestore.overview.region_files import read_regions
    from napari_emrestore.overview.regions import Overview
    from napari_emrestore.overview.targets.from_frames import mosaic_around

    if path.endswith(".json"):
        return read_regions(path).overview
    if (mosaic := mosaic_around(path)) is not None:
        layout = open_mosaic(mosaic).layout
        return Overview(mosaic.stem, layout.shape, layout.pixel_size_nm, str(mosaic))
    with open_frames(path) as stack:
        known = stack.acquisition
        return Overview(known.name, stack.frame_shape, known.pixel_size_nm, str(path), stack.sha256())


def _stage(arguments: argparse.Namespace) -> StageMap | None:
    from napari_emrestore.overview.targets import read_stage_map

    return read_stage_map(arguments.stage) if arguments.stage else None


def _format_of(path: str, name: str | None) -> str:
    from napari_emrestore.overview.targets.catalogue import format_by_ending

    return name or format_by_ending(Path(path)).name


def _format_read(path: str, name: str | None) -> str:
    from napari_emrestore.overview.targets import detect_format

    return name or detect_format(Path(path)).name


def _split(settings: list[str]) -> dict[str, str]:
    parts = [setting.partition("=") for setting in settings]
    wrong = [name for name, equals, _ in parts if not equals]
    if wrong:
        raise InputError("An option of a format is written OPTION=VALUE", came=f"{wrong[0]!r} came")
    return {name: value for name, _, value in parts}


def _options(settings: list[str], name: str, task: Any) -> dict[str, Any]:
    given = _split(settings)
    # those that the format does not have go on as they are: it says which it has
    return {**given, **_accepted(given, name, task)}


def _accepted(given: dict[str, str], name: str, task: Any) -> dict[str, Any]:
    from napari_emrestore.overview.targets import format_options

    known = format_options(name, task)
    return {option: _value(text, known[option]) for option, text in given.items() if option in known}


def _value(text: str, parameter: inspect.Parameter) -> Any:
    """Return an option's text as a value of its type."""
    kind = str(parameter.annotation)
    if kind == "bool":
        if text.lower() not in ("true", "false"):
            raise InputError(f"{parameter.name} is true or false", came=f"{text!r} came")
        return text.lower() == "true"
    if kind.startswith("int"):
        try:
            return int(text)
        except ValueError as error:
            raise InputError(f"{parameter.name} is a whole number", came=f"{text!r} came") from error
    return text


def _tell(notes: tuple[str, ...], terminal: Terminal) -> None:
    for note in notes:
        terminal.say(f"Note: {note}")
