"""Make one overview of a scan: place its frames, match their light, restore each place from those there.

The result is a .zarr folder of images on one grid. The same command goes on after a stop. A recording that is
still being written is followed until it ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_emrestore.cli.camera_options import camera_settings
from napari_emrestore.cli.options import add_device, add_scheduler
from napari_emrestore.cli.terminal import Outcome, Terminal
from napari_emrestore.core import InputError

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from napari_emrestore.core import Monitor, Restorer
    from napari_emrestore.overview import Mosaic
    from napari_emrestore.overview.assembling import TileMakers
    from napari_emrestore.overview.tracking import Track

_MOST_LISTED = 12


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument("input", metavar="INPUT", nargs="?", help="recording, stack or folder of frames")
    parser.add_argument("-o", "--output", required=True, metavar="ZARR", help="mosaic to make, ends in .zarr")
    parser.add_argument("--camera", metavar="NAME", help="scan with a camera instead; needs --record")
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", dest="settings", help="a camera's setting"
    )
    parser.add_argument("--seconds", type=float, metavar="S", help="how long to scan (default: until Ctrl-C)")
    parser.add_argument("--record", metavar="ZARR", help="where the frames of the camera are kept")
    parser.add_argument(
        "--model", metavar="ID", help="restore each place with a model or method (default: raw only)"
    )
    parser.add_argument(
        "--frames", type=int, default=5, metavar="N", help="frames each place is restored from (default: 5)"
    )
    parser.add_argument(
        "--compose",
        choices=["blend", "best"],
        default="blend",
        help="raw mosaic: mean of all frames at a place, or the one whose centre is nearest (default: blend)",
    )
    parser.add_argument(
        "--match",
        choices=["shading", "brightness", "none"],
        default="shading",
        help="even out illumination and brightness, brightness only, or nothing (default: shading)",
    )
    parser.add_argument(
        "--dark", type=float, default=0.0, metavar="VALUE", help="what the detector gives without electrons"
    )
    parser.add_argument("--no-stage", action="store_true", help="do not use recorded stage positions")
    parser.add_argument("--no-maps", action="store_true", help="write no maps beside the images")
    add_scheduler(parser)
    add_device(parser)


def run(arguments: argparse.Namespace, terminal: Terminal) -> Outcome:
    """Scan if asked to, then assemble."""
    from napari_emrestore.io import open_frames
    from napari_emrestore.overview import MosaicSettings, assemble
    from napari_emrestore.pipeline.scans import followed_part, stage_positions

    if (arguments.input is None) == (arguments.camera is None):
        raise InputError("A mosaic is made of an input or of a camera's frames", came="both or neither came")
    settings = MosaicSettings(
        arguments.compose,
        arguments.frames,
        arguments.match,
        arguments.dark,
        not arguments.no_stage,
        not arguments.no_maps,
    )
    restorer = _restorer(arguments)
    source, track = arguments.input, None
    if arguments.camera is not None:
        source, track = _scan(arguments, terminal)
    else:
        track = _follow(arguments, terminal)
    with open_frames(source) as stack, terminal.progress() as monitor:
        frames = stack if track is None else followed_part(stack, track)
        made = assemble(
            frames,
            arguments.output,
            restorer=restorer,
            settings=settings,
            track=track,
            stage_um=stage_positions(source, len(frames)),
            makers=_makers(arguments, source, restorer, monitor),
            monitor=monitor,
        )
    _tell(made, terminal)
    return Outcome(_record(made))


def _restorer(arguments: argparse.Namespace) -> Restorer | None:
    if arguments.model is None:
        return None
    from napari_emrestore.restoration import load_restorer

    if arguments.scheduler is not None:  # asked for its rules only; it works where the workers are
        return load_restorer(arguments.model, device="cpu")
    return load_restorer(arguments.model, device=arguments.device, precision=arguments.precision)


def _makers(
    arguments: argparse.Namespace, source: str | Path, restorer: Restorer | None, monitor: Monitor
) -> TileMakers | None:
    if arguments.scheduler is None:
        return None
    from napari_emrestore.pipeline.spreading import tile_makers

    return tile_makers(
        arguments.scheduler,
        source,
        model=arguments.model,
        restorer=restorer,
        device=arguments.device,
        precision=arguments.precision,
        monitor=monitor,
    )


def _scan(arguments: argparse.Namespace, terminal: Terminal) -> tuple[Path, Track]:
    """Record what the camera sees until time is up or Ctrl-C ends the scan."""
    from napari_emrestore.cameras import open_camera
    from napari_emrestore.io import open_frames
    from napari_emrestore.pipeline.scans import record_scan

    if arguments.record is None:
        raise InputError(
            "The frames of a scan are kept, since they are read more than once",
            came="--camera came without --record",
            remedy="Add --record and a name that ends in .zarr.",
        )
    settings = camera_settings(arguments.settings)
    with (
        open_camera(arguments.camera, reader=open_frames, **settings) as camera,
        terminal.progress() as monitor,
    ):
        scan = record_scan(
            camera, arguments.record, seconds=arguments.seconds, dark=arguments.dark, monitor=monitor
        )
    terminal.say(f"Recorded {len(scan.track)} frames to {scan.path}")
    return scan.path, scan.track


def _follow(arguments: argparse.Namespace, terminal: Terminal) -> Track | None:
    """Return the track of a recording that is still being written, once it has ended."""
    from napari_emrestore.pipeline.scans import follow_recording, is_being_recorded, told_if_open

    if not is_being_recorded(arguments.input):
        return None
    terminal.say(f"{arguments.input} is still being recorded: it is followed until it ends")
    with terminal.progress() as monitor:
        track = follow_recording(arguments.input, dark=arguments.dark, monitor=monitor)
    if unclosed := told_if_open(arguments.input, track):
        terminal.say(unclosed)
    return track


def _tell(made: Mosaic, terminal: Terminal) -> None:
    layout = made.layout
    kept = len(layout.pairs) - len(layout.rejected)
    terminal.table(
        ("", ""),
        [
            ("frames placed", f"{int(layout.placed.sum())} of {len(layout)}"),
            ("pairs used", f"{kept}"),
            ("pairs rejected", f"{len(layout.rejected)}"),
            ("rms residual of pairs px", f"{layout.rms_residual_px:.3f}"),
            ("size px", f"{layout.shape[0]} x {layout.shape[1]}"),
            ("images", ", ".join(made.images)),
        ],
    )
    if layout.rejected:
        terminal.table(
            ("rejected pair", "off by px", "why"),
            [
                (f"{p.link.first} and {p.link.second}", f"{p.residual_px:.1f}", p.reason)
                for p in layout.rejected[:_MOST_LISTED]
            ],
        )
    for note in layout.notes:
        terminal.say(note)
    terminal.say(f"Wrote {made.path}")


def _record(made: Mosaic) -> dict[str, Any]:
    layout = made.layout
    return {
        "output": str(made.path),
        "images": list(made.images),
        "shape": list(layout.shape),
        "frames": len(layout),
        "placed": int(layout.placed.sum()),
        "pairs": len(layout.pairs),
        "rejected": [
            {"first": p.link.first, "second": p.link.second, "off_px": p.residual_px, "reason": p.reason}
            for p in layout.rejected
        ],
        "rms_residual_px": layout.rms_residual_px,
        "notes": list(layout.notes),
    }
