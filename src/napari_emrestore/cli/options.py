"""Options that several commands share, and how they become settings."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from napari_emrestore.core import WARP_KINDS
from napari_emrestore.pipeline.settings import MERGE_METHODS, WINDOW_MODES, RunSettings

if TYPE_CHECKING:
    from napari_emrestore.core import WarpKind
    from napari_emrestore.pipeline.settings import Reference, Tile

_RUN_OPTIONS = (
    "model",
    "frames",
    "window",
    "kind",
    "reference",
    "use",
    "skip",
    "merge",
    "tile",
    "device",
    "precision",
    "noise",
)


def add_device(parser: argparse.ArgumentParser) -> None:
    """Add where and how precisely a network runs."""
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1 or mps (default: auto)")
    parser.add_argument(
        "--precision",
        default="auto",
        choices=["auto", "fp32", "bf16", "fp16"],
        help="number format of a network",
    )


def add_kind(parser: argparse.ArgumentParser) -> None:
    """Add how frames may differ."""
    parser.add_argument(
        "--kind",
        type=_kind,
        default="euclidean",
        metavar="KIND",
        help=f"how frames may differ: {', '.join(WARP_KINDS)}, or none if aligned (default: euclidean)",
    )


def add_scheduler(parser: argparse.ArgumentParser) -> None:
    """Add who works on a job that falls into pieces."""
    parser.add_argument(
        "--scheduler",
        metavar="ADDRESS",
        help="share the work out, to be taken up again after a stop: threads, threads:4, or the address of "
        "a dask scheduler, for example tcp://10.0.0.5:8786",
    )


def add_registration(parser: argparse.ArgumentParser) -> None:
    """Add how frames are aligned."""
    add_kind(parser)
    parser.add_argument(
        "--reference",
        type=_reference,
        default="sharpest",
        help="frame the others are brought onto: sharpest, middle, or its number (default: sharpest)",
    )


def add_run(parser: argparse.ArgumentParser) -> None:
    """Add everything a run is told but its files."""
    parser.add_argument(
        "--model",
        default="auto",
        metavar="ID",
        help="model or classical method; see: napari-emrestore models",
    )
    parser.add_argument(
        "--frames", type=int, metavar="N", help="frames per burst, 1 to 32 (default: 5 or fewer)"
    )
    parser.add_argument(
        "--window",
        choices=WINDOW_MODES,
        default="consecutive",
        help="how bursts follow each other in a stack",
    )
    add_registration(parser)
    for option, effect in (("use", "take part in their burst"), ("skip", "are left out")):
        parser.add_argument(
            f"--{option}",
            type=_positions,
            default=(),
            metavar="K,K,...",
            help=f"frames of the input, counted from 0, that {effect} whatever triage says",
        )
    parser.add_argument(
        "--merge",
        choices=MERGE_METHODS,
        default="mean",
        help="how a burst becomes one frame for a one-frame model",
    )
    parser.add_argument(
        "--tile",
        type=_tile,
        default="auto",
        metavar="PX",
        help="tile side in pixels, or HEIGHTxWIDTH (default: auto)",
    )
    parser.add_argument(
        "--noise",
        metavar="CAMERA",
        help="calibration of the camera, for models that ask for the noise (default: measured on the input)",
    )
    add_device(parser)


def settings_of(
    arguments: argparse.Namespace, source: str, output: str | None, truth: str | None = None
) -> RunSettings:
    """Return the run settings of the options added by `add_run`."""
    chosen: dict[str, Any] = {name: getattr(arguments, name) for name in _RUN_OPTIONS}
    return RunSettings(
        input=source,
        output=output,
        truth=truth,
        truth_frame=getattr(arguments, "truth_frame", 0),
        expected_error=getattr(arguments, "expected_error", False),
        **chosen,
    )


def _kind(text: str) -> WarpKind | None:
    if text == "none":
        return None
    for kind in WARP_KINDS:
        if text == kind:
            return kind
    raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(WARP_KINDS)}, none")


def _reference(text: str) -> Reference:
    if text == "sharpest":
        return "sharpest"
    if text == "middle":
        return "middle"
    if text.isdigit():
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is neither sharpest, middle nor a frame number from 0")


def _positions(text: str) -> tuple[int, ...]:
    parts = text.split(",")
    if all(part.isdigit() for part in parts):
        return tuple(int(part) for part in parts)
    raise argparse.ArgumentTypeError(f"{text!r} are no frame numbers from 0 with commas between them")


def _tile(text: str) -> Tile:
    if text == "auto":
        return "auto"
    sides = text.split("x")
    if len(sides) <= 2 and all(side.isdigit() and int(side) > 0 for side in sides):
        return int(sides[0]) if len(sides) == 1 else (int(sides[0]), int(sides[1]))
    raise argparse.ArgumentTypeError(
        f"{text!r} is neither auto, a side such as 512, nor sides such as 256x512"
    )
