"""The actions of `regions` that know the stage: calibrate, go, visit, and crops to realign to."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_emrestore.cli.terminal import Outcome, Terminal
from napari_emrestore.core import InputError

if TYPE_CHECKING:
    from napari_emrestore.core import Monitor
    from napari_emrestore.overview.regions import RegionSet
    from napari_emrestore.overview.targets import StageMap
    from napari_emrestore.overview.targets.visiting import Arrival, StageLimits

_OFF = 1  # exit code of a stage that came to stand elsewhere


def add_actions(actions: Any, regions_help: str) -> None:
    """Add the actions to those of `regions`."""
    calibrate = actions.add_parser("calibrate", help="tell where an overview lies under the stage")
    calibrate.add_argument("output", metavar="STAGE", help="stage map to write, for example grid.stage.json")
    known = calibrate.add_mutually_exclusive_group(required=True)
    known.add_argument(
        "--point",
        action="append",
        type=_pair,
        metavar="Y,X=SY,SX",
        help="pixel of the overview and its stage position in µm; three or more times",
    )
    known.add_argument("--mosaic", metavar="ZARR", help="mosaic whose frames carry stage positions")
    known.add_argument("--nav", metavar="FILE", help="SerialEM Navigator file with the map of the overview")
    _add_map(calibrate)
    calibrate.add_argument("--overview", metavar="IMAGE", help="with --nav; with --point for unequal pixels")
    calibrate.add_argument("--kind", choices=("auto", "similarity", "affine"), default="auto")
    calibrate.add_argument(
        "--mirrored", choices=("yes", "no"), help="overview against stage; only for places in one line"
    )
    calibrate.add_argument("--height", type=float, metavar="UM", help="of the stage")
    calibrate.set_defaults(act=_calibrate)

    go = actions.add_parser("go", help="drive the stage to a region")
    go.add_argument("regions", metavar="REGIONS", help=regions_help)
    go.add_argument("region", type=int, metavar="NUMBER", help="of the region")
    _add_stage(go)
    go.set_defaults(act=_go)

    visit = actions.add_parser("visit", help="drive the stage to every region and take frames")
    visit.add_argument("regions", metavar="REGIONS", help=regions_help)
    visit.add_argument("output", metavar="FOLDER", help="for one OME-TIFF per visit")
    visit.add_argument("--only", type=int, nargs="+", metavar="NUMBER", help="only these regions")
    visit.add_argument("--frames", type=int, default=1, metavar="N", help="per visit (default: 1)")
    visit.add_argument("--nearest", action="store_true", help="nearest next, and not in their order")
    visit.add_argument("--fields", action="store_true", help="several fields for regions larger than one")
    _add_stage(visit)
    visit.set_defaults(act=_visit)

    crops = actions.add_parser("crops", help="cut raw pieces at the target's magnification, to realign to")
    crops.add_argument("regions", metavar="REGIONS", help=regions_help)
    crops.add_argument("raw", metavar="IMAGE", help="raw overview, not a restored one")
    crops.add_argument("output", metavar="FOLDER", help="for one MRC file per region")
    crops.add_argument("--pixel-size", type=float, metavar="NM", help="at the target")
    crops.add_argument("--size", type=int, nargs=2, metavar=("Y", "X"), help="in pixels")
    crops.add_argument("--rotation", type=float, default=0.0, metavar="DEG", help="from the overview's x")
    crops.add_argument("--mirrored", action="store_true", help="the target shows y the other way")
    crops.add_argument("--nav", metavar="FILE", help="SerialEM Navigator file: writes virtual maps for it")
    crops.add_argument("--imitate", metavar="LABEL", help="map in --nav, of one frame as the targets will be")
    _add_map(crops)
    crops.set_defaults(act=_crops)


def _add_map(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--map", default="", metavar="LABEL", help="of the overview's map in --nav")
    parser.add_argument(
        "--first-row",
        choices=("auto", "top", "bottom"),
        default="auto",
        help="where the overview's first row is on SerialEM's screen (default: by the files)",
    )


def _add_stage(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--stage", required=True, metavar="FILE", help="stage map of the overview")
    parser.add_argument("--config", required=True, metavar="FILE", help="configuration of Micro-Manager")
    parser.add_argument(
        "--limits",
        type=float,
        nargs=4,
        metavar=("Y0", "Y1", "X0", "X1"),
        help="where the stage may go, in µm (default: only over the overview)",
    )
    parser.add_argument("--tolerance", type=float, default=0.5, metavar="UM", help="(default: 0.5)")
    parser.add_argument(
        "--approach",
        type=float,
        nargs=2,
        metavar=("Y", "X"),
        help="go by way of the target plus this, in µm, against backlash",
    )


def _calibrate(arguments: argparse.Namespace, terminal: Terminal) -> Outcome:
    from napari_emrestore.overview.targets import write_stage_map

    stage = _found_stage(arguments)
    write_stage_map(stage, arguments.output)
    y, x = (size * 1000 for size in stage.pixel_size_um)
    turn = f"turned by {stage.rotation_deg:.2f}°{', mirrored' if stage.is_mirrored else ''}"
    terminal.say(f"From {stage.source}: pixels of {y:.4g} × {x:.4g} nm, {turn}")
    terminal.say(_residual(stage))
    terminal.say(f"Wrote {arguments.output}")
    return Outcome({"files": [Path(arguments.output)], "stage": asdict(stage)})


def _found_stage(arguments: argparse.Namespace) -> StageMap:
    from napari_emrestore.overview.targets import fit_stage_map, stage_map_of_mosaic

    mirrored = None if arguments.mirrored is None else arguments.mirrored == "yes"
    if arguments.nav:
        return _stage_of_nav(arguments)
    if arguments.mosaic:
        return stage_map_of_mosaic(arguments.mosaic, mirrored=mirrored, z_um=arguments.height)
    from napari_emrestore.cli.regions import overview_of

    size = overview_of(arguments.overview).pixel_size_nm if arguments.overview else None
    pixels, places = zip(*arguments.point, strict=True)
    return fit_stage_map(
        pixels,
        places,
        kind=arguments.kind,
        pixel_size_nm=size,
        mirrored=mirrored,
        z_um=arguments.height,
        source=f"{len(pixels)} marked points",
    )


def _stage_of_nav(arguments: argparse.Namespace) -> StageMap:
    from napari_emrestore.cli.regions import overview_of
    from napari_emrestore.overview.targets.nav_maps import stage_map_of_nav

    if not arguments.overview:
        raise InputError("--nav needs the overview that was saved from its map", came="no --overview came")
    overview = overview_of(arguments.overview)
    return stage_map_of_nav(arguments.nav, overview, arguments.map, arguments.first_row)


def _residual(stage: StageMap) -> str:
    fit = stage.fit
    if fit is None:
        return "Residual: not measured; the map states the matrix."
    if fit.residual_um is None:
        return f"Residual: none can be told from {fit.used} places; mark one more to see how far it is off."
    left = f"; {len(fit.rejected)} places left out" if fit.rejected else ""
    return (
        f"Residual: {fit.residual_um:.3f} µm ({fit.kind} fit of {fit.used} places, worst "
        f"{fit.worst_um:.3f} µm, one more place expected off by {fit.expected_um:.3f} µm{left})"
    )


def _go(arguments: argparse.Namespace, terminal: Terminal) -> Outcome:
    from napari_emrestore.cameras import open_stage
    from napari_emrestore.overview.targets.visiting import go_there

    regions, stage, limits = _where(arguments)
    region = regions.region(arguments.region)
    with open_stage(config=arguments.config) as device, terminal.progress() as monitor:
        arrival = go_there(
            region,
            stage,
            device,
            limits,
            tolerance_um=arguments.tolerance,
            approach_um=arguments.approach and tuple(arguments.approach),
            monitor=monitor,
        )
    _tell(arrival, terminal)
    return Outcome({"arrival": asdict(arrival)}, 0 if arrival.within else _OFF)


def _visit(arguments: argparse.Namespace, terminal: Terminal) -> Outcome:
    from napari_emrestore.cameras import open_stage
    from napari_emrestore.overview.targets.visiting import plan_stops, revisit, write_visit

    regions, stage, limits = _where(arguments)
    chosen = [regions.region(n) for n in arguments.only] if arguments.only else list(regions.accepted)
    arrivals, files = [], []
    with open_stage(config=arguments.config) as device, terminal.progress() as monitor:
        stops = plan_stops(
            chosen,
            stage,
            field_um=_field(device) if arguments.fields else None,
            start_um=device.position_um() if arguments.nearest else None,
        )
        round_trip = revisit(
            stops,
            device,
            limits,
            frames=arguments.frames,
            tolerance_um=arguments.tolerance,
            approach_um=arguments.approach and tuple(arguments.approach),
            monitor=monitor,
        )
        for visit in round_trip:
            files.append(write_visit(visit, regions.overview, arguments.output))
            arrivals.append(visit.arrival)
    for arrival in arrivals:
        _tell(arrival, terminal)
    terminal.say(f"Wrote {len(files)} files to {arguments.output}")
    within = all(arrival.within for arrival in arrivals)
    return Outcome({"arrivals": [asdict(one) for one in arrivals], "files": files}, 0 if within else _OFF)


def _crops(arguments: argparse.Namespace, terminal: Terminal) -> Outcome:
    from napari_emrestore.io import open_frames
    from napari_emrestore.overview.region_files import read_regions

    regions = read_regions(arguments.regions)
    cut = _virtual_maps if arguments.nav else _plain_crops
    with open_frames(arguments.raw) as stack, terminal.progress() as monitor:
        files = cut(regions, stack.data[0], arguments, monitor)
    terminal.say(f"Wrote {len(files)} files to {arguments.output}")
    return Outcome({"files": files})


def _virtual_maps(
    regions: RegionSet, raw: Any, arguments: argparse.Namespace, monitor: Monitor
) -> list[Path]:
    from napari_emrestore.overview.targets.virtual_maps import write_virtual_maps

    if not arguments.imitate or arguments.pixel_size or arguments.size:
        raise InputError(
            "With --nav, crops are as the map that --imitate names",
            came="--pixel-size or --size came" if arguments.imitate else "no --imitate came",
        )
    return write_virtual_maps(
        regions,
        raw,
        arguments.nav,
        arguments.imitate,
        arguments.output,
        map_label=arguments.map,
        first_row=arguments.first_row,
        monitor=monitor,
    )


def _plain_crops(regions: RegionSet, raw: Any, arguments: argparse.Namespace, monitor: Monitor) -> list[Path]:
    from napari_emrestore.overview.targets.crops import CropView, write_crops

    if not arguments.pixel_size or not arguments.size:
        raise InputError("Crops have a --pixel-size and a --size, or --nav and --imitate", came="neither")
    height, width = arguments.size
    view = CropView.turned(
        regions.overview, (height, width), arguments.pixel_size, arguments.rotation, arguments.mirrored
    )
    return write_crops(regions, raw, view, arguments.output, monitor=monitor)


def _where(arguments: argparse.Namespace) -> tuple[RegionSet, StageMap, StageLimits]:
    from napari_emrestore.overview.region_files import read_regions
    from napari_emrestore.overview.targets import read_stage_map
    from napari_emrestore.overview.targets.visiting import StageLimits

    regions, stage = read_regions(arguments.regions), read_stage_map(arguments.stage)
    if arguments.limits:
        return regions, stage, StageLimits(*arguments.limits)
    return regions, stage, StageLimits.of_overview(regions.overview, stage)


def _field(device: Any) -> tuple[float, float]:
    field: tuple[float, float] | None = device.field_um
    if field is None:
        raise InputError(
            "--fields needs the pixel size of the camera",
            came="the configuration has none",
            remedy="Set it in Micro-Manager, or leave --fields out.",
        )
    return field


def _tell(arrival: Arrival, terminal: Terminal) -> None:
    (y, x), stop = arrival.reached_um, arrival.stop
    verdict = "within" if arrival.within else "beyond"
    where = f"at y {y:.3f}, x {x:.3f} µm"
    terminal.say(f"Region {stop.region_id}: {where}, {arrival.off_um:.3f} µm off, {verdict} tolerance")


def _pair(text: str) -> tuple[tuple[float, float], tuple[float, float]]:
    try:
        (a, b), (c, d) = (map(float, side.split(",")) for side in text.split("="))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not written Y,X=SY,SX") from None
    return (a, b), (c, d)
