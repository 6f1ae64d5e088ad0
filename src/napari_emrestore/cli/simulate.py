"""Turn a clean image into the stream a microscope would have taken of it, with the ground truth beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_emrestore.cli.terminal import Outcome, Terminal

if TYPE_CHECKING:
    import argparse
    from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument("input", metavar="IMAGE", help="clean image; of a stack the first frame is taken")
    parser.add_argument(
        "-o", "--output", required=True, help="file for the stream, for example stream.ome.tif"
    )
    parser.add_argument("--preset", default="tem_stream", help="microscope to be (default: tem_stream)")
    parser.add_argument("--frames", type=int, default=5, metavar="N", help="number of frames (default: 5)")
    parser.add_argument(
        "--size",
        type=int,
        nargs=2,
        default=(256, 256),
        metavar=("Y", "X"),
        help="pixels of a frame (default: 256 256)",
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of motion and noise (default: 0)")


def run(arguments: argparse.Namespace, terminal: Terminal) -> Outcome:
    """Write ``OUTPUT`` and, beside it, ``OUTPUT`` with ``_truth`` in its name."""
    from napari_emrestore.core import Provenance
    from napari_emrestore.io import file_sha256, open_frames, write_image
    from napari_emrestore.pipeline.scenes import scale_to_unit
    from napari_emrestore.training import find_preset
    from napari_emrestore.training import simulate as simulate_frames

    with open_frames(arguments.input) as stack:
        clean, acquisition = scale_to_unit(np.asarray(stack.data[0])), stack.acquisition
    made = simulate_frames(
        clean,
        find_preset(arguments.preset),
        frames=arguments.frames,
        frame_shape=tuple(arguments.size),
        rng=np.random.default_rng(arguments.seed),
        every_truth=True,
    )
    settings = {name: getattr(arguments, name) for name in ("preset", "frames", "size", "seed")}
    source = {"name": acquisition.name, "path": arguments.input, "sha256": file_sha256(arguments.input)}
    provenance = Provenance(
        "simulate",
        inputs=(source,),
        settings={**settings, "size": list(arguments.size), "drawn": made.record},
    )
    stream = write_image(arguments.output, made.frames, acquisition, provenance)
    truth = write_image(_beside(stream), made.truths, acquisition, provenance)
    terminal.say(f"Wrote {stream} and {truth}")
    return Outcome({"output": str(stream), "truth": str(truth), "drawn": made.record})


def _beside(stream: Path) -> Path:
    stem, dot, suffixes = stream.name.partition(".")
    return stream.with_name(f"{stem}_truth{dot}{suffixes}")
