"""Align the frames of a stack, write them on one grid and report what each of them was judged to be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_emrestore.cli.options import add_registration
from napari_emrestore.cli.terminal import Outcome, Terminal

if TYPE_CHECKING:
    import argparse

    from napari_emrestore.core import RegisteredBurst

_COLUMNS = ("frame", "used", "dy px", "dx px", "correlation", "sharpness", "reason")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument("input", metavar="INPUT", help="stack or folder of frames")
    parser.add_argument("-o", "--output", required=True, help="file to write (.ome.tif, .zarr, .mrc)")
    parser.add_argument(
        "--crop",
        choices=["intersection", "union"],
        default="intersection",
        help="keep what all frames show, or what any frame shows (default: intersection)",
    )
    parser.add_argument("--device", default="cpu", help="where to compute: cpu, cuda, mps (default: cpu)")
    add_registration(parser)


def run(arguments: argparse.Namespace, terminal: Terminal) -> Outcome:
    """Register all frames of the input as one burst."""
    from napari_emrestore.core import InputError, Provenance
    from napari_emrestore.io import file_sha256, open_frames, write_image
    from napari_emrestore.pipeline.plain_json import plain

    if arguments.kind is None:
        raise InputError("Registering needs a kind of warp", came="--kind none came")
    settings = {name: getattr(arguments, name) for name in ("kind", "reference", "crop")}
    with open_frames(arguments.input) as stack, terminal.progress() as monitor:
        from napari_emrestore.bursts import collect
        from napari_emrestore.bursts import register as register_burst

        burst = collect(stack, len(stack), monitor=monitor)
        registered = register_burst(burst, **settings, device=arguments.device, monitor=monitor)
        source = {
            "name": stack.acquisition.name,
            "path": arguments.input,
            "sha256": file_sha256(arguments.input),
        }
        record = {
            "verdicts": plain(registered.verdicts),
            "matrices": [w.matrix.tolist() for w in registered.warps],
        }
        record |= {"reference": registered.reference, "origin_px": list(registered.origin_px)}
        provenance = Provenance(
            "register", inputs=(source,), settings={**settings, **record}, device=arguments.device
        )
        output = write_image(
            arguments.output, registered.aligned, stack.acquisition, provenance, monitor=monitor
        )
    _tell(registered, terminal)
    terminal.say(f"Wrote {output}: {registered.aligned.shape[0]} frames of {registered.aligned.shape[1:]}")
    return Outcome({"output": str(output), "shape": list(registered.aligned.shape), **settings, **record})


def _tell(registered: RegisteredBurst, terminal: Terminal) -> None:
    rows = (
        (
            str(registered.burst.indices[verdict.index]),
            "reference" if verdict.index == registered.reference else "yes" if verdict.accepted else "no",
            *(f"{shift:.2f}" for shift in verdict.shift_px),
            _number(verdict.correlation),
            _number(verdict.sharpness),
            verdict.reason,
        )
        for verdict in registered.verdicts
    )
    terminal.table(_COLUMNS, rows)


def _number(value: float) -> str:
    return f"{value:.3f}" if np.isfinite(value) else "unknown"
