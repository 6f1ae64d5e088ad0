"""Restore the bundled sample stream, measure the result against its ground truth and show it."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from napari_emrestore.cli.options import add_device
from napari_emrestore.cli.tables import tell
from napari_emrestore.cli.terminal import Outcome, Terminal

if TYPE_CHECKING:
    import argparse

    from napari_emrestore.samples import Sample

_SAMPLE = "tem-stream"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument("-o", "--output", default="demo", help="folder for the results (default: demo)")
    parser.add_argument(
        "--model", default="auto", metavar="ID", help="model or classical method (default: auto)"
    )
    add_device(parser)


def run(arguments: argparse.Namespace, terminal: Terminal) -> Outcome:
    """Write the sample as files, run the straight line over them, print the table, draw the picture."""
    from napari_emrestore.pipeline import RunSettings
    from napari_emrestore.pipeline import run as run_line
    from napari_emrestore.pipeline.pictures import draw
    from napari_emrestore.samples import load_sample

    folder = Path(arguments.output)
    folder.mkdir(parents=True, exist_ok=True)
    sample = load_sample(_SAMPLE)
    stream, truth = _write_sample(sample, folder)
    settings = RunSettings(
        input=str(stream),
        output=str(folder / "restored.ome.tif"),
        truth=str(truth),
        model=arguments.model,
        window="sliding",
        device=arguments.device,
        precision=arguments.precision,
    )
    terminal.say(str(sample.acquisition.extra["source"]))
    with terminal.progress() as monitor:
        result = run_line(settings, monitor=monitor)
    tell(result, terminal)
    picture = draw(result, folder / "side_by_side.png")
    terminal.say(f"Wrote {result.output} and {picture}")
    if find_spec("napari") is not None:
        terminal.say(f"Look at it: napari {result.output}")
    return Outcome({**result.to_record(), "picture": str(picture)})


def _write_sample(sample: Sample, folder: Path) -> tuple[Path, Path]:
    """Write stream and ground truth as a microscope's files would stand there."""
    from napari_emrestore.io import write_image

    stream = write_image(folder / "stream.ome.tif", sample.frames, sample.acquisition)
    truth = write_image(folder / "truth.ome.tif", sample.truths, sample.acquisition)
    return stream, truth
