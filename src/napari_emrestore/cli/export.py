"""Write a model in a format of others: one ONNX file, or a package of the BioImage Model Zoo."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from napari_emrestore.cli.terminal import Outcome, Terminal

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument("model", metavar="MODEL", help="id, card file or folder of one of our models")
    parser.add_argument(
        "-o", "--output", required=True, help="file to write: .onnx, or .zip for a BioImage Model Zoo package"
    )
    parser.add_argument(
        "--frames",
        type=int,
        metavar="N",
        help="frames a zoo package takes, which are fixed there (default: 5, or as many as the model takes)",
    )


def run(arguments: argparse.Namespace, terminal: Terminal) -> Outcome:
    """Export, check the result, and say what it takes."""
    from napari_emrestore.core import InputError
    from napari_emrestore.models import export_onnx, export_zoo, fetch_weights, find_card

    path = Path(arguments.output)
    if path.suffix not in (".onnx", ".zip") or (path.suffix == ".onnx" and arguments.frames is not None):
        raise InputError(
            "A model is exported to .onnx, where any number of frames fits, or to .zip for the zoo",
            item=str(path),
            came="is neither" if arguments.frames is None else f"came with --frames {arguments.frames}",
        )
    card = find_card(arguments.model)
    with terminal.progress() as monitor:
        fetch_weights(card, monitor)
    if path.suffix == ".onnx":
        made = export_onnx(card, path)
    else:
        made = export_zoo(card, path, frames=arguments.frames)
    terminal.say(f"Wrote {path}: {path.stat().st_size / 1e6:.1f} MB, checked against the network itself")
    low, high = made.trained.frames
    terminal.say(
        f"Takes {low if low == high else f'{low} to {high}'} frames, sides of any multiple of "
        f"{made.tiling.stride} px"
    )
    return Outcome({"output": str(path), "model": card.id, "frames": [low, high]})
