"""Measure the noise of a camera on frames of one scene, and keep it under a name that restore takes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_emrestore.cli.terminal import Outcome, Terminal

if TYPE_CHECKING:
    import argparse
    from typing import Any

    from numpy.typing import NDArray

_MOST_FRAMES = 32


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument(
        "input", metavar="FRAMES", help="frames of one scene as the detector gave them, bright and dark in it"
    )
    parser.add_argument("--camera", required=True, metavar="NAME", help="name to keep it under")
    parser.add_argument("--dark", metavar="FRAMES", help="frames without beam: tell offset and read noise")
    parser.add_argument("--offset", type=float, metavar="COUNTS", help="counts of no signal, if known")
    parser.add_argument(
        "-o", "--output", metavar="FILE", help="file to write (default: NAME.toml among your cameras)"
    )


def run(arguments: argparse.Namespace, terminal: Terminal) -> Outcome:
    """Fit, tell and keep."""
    from napari_emrestore.restoration.calibration import calibrate, save_calibration

    dark = None if arguments.dark is None else _pixels(arguments.dark)
    found = calibrate(
        _pixels(arguments.input),
        camera=arguments.camera,
        dark=dark,
        offset=arguments.offset,
        source=Path(arguments.input).name,
    )
    path = save_calibration(found, None if arguments.output is None else Path(arguments.output))
    for name, value in found.to_record().items():
        terminal.say(f"{name}: {value:.5g}" if isinstance(value, float) else f"{name}: {value}")
    for note in found.notes:
        terminal.say(f"Note: {note}.")
    terminal.say(f"Wrote {path}. Use it: napari-emrestore restore … --noise {arguments.camera}")
    return Outcome({"calibration": found.to_record(), "notes": found.notes, "output": str(path)})


def _pixels(path: str) -> NDArray[Any]:
    """Return the first frames of a file, as many as a fit uses."""
    from napari_emrestore.io import open_frames

    with open_frames(path) as stack:
        return np.asarray(stack.data[:_MOST_FRAMES])
