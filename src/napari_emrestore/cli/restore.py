"""Restore images, stacks and folders of frames; several inputs are a batch that can be taken up again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from napari_emrestore.cli.options import add_run, add_scheduler, settings_of
from napari_emrestore.cli.tables import tell
from napari_emrestore.cli.terminal import Outcome, Terminal
from napari_emrestore.core import InputError

if TYPE_CHECKING:
    import argparse

    from napari_emrestore.pipeline import BatchRow, Result, RunSettings

_IMAGE_SUFFIXES = (".tif", ".tiff", ".zarr", ".mrc", ".png")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument("inputs", nargs="+", metavar="INPUT", help="image, stack, or folder of frames")
    parser.add_argument(
        "-o",
        "--output",
        required=True,
        help="file to write (.ome.tif, .zarr, .mrc, .png), or a folder for several inputs",
    )
    parser.add_argument(
        "--each",
        action="store_true",
        help="take every file of a folder as an input of its own, not as a frame",
    )
    parser.add_argument("--truth", metavar="FILE", help="ground truth to measure against")
    parser.add_argument(
        "--truth-frame", type=int, default=0, metavar="K", help="input frame a single ground truth belongs to"
    )
    parser.add_argument(
        "--picture", metavar="PNG", help="draw frame, mean, restoration and truth side by side"
    )
    parser.add_argument(
        "--expected-error",
        action="store_true",
        help="also write how far the model expects each pixel to be off, to NAME.expected-error.SUFFIX",
    )
    add_scheduler(parser)
    add_run(parser)


def run(arguments: argparse.Namespace, terminal: Terminal) -> Outcome:
    """Restore one input or a batch."""
    if len(arguments.inputs) == 1 and not arguments.each and arguments.output.endswith(_IMAGE_SUFFIXES):
        settings = settings_of(arguments, arguments.inputs[0], arguments.output, arguments.truth)
        return _one(settings, arguments, terminal)
    return _batch(arguments, terminal)


def _one(settings: RunSettings, arguments: argparse.Namespace, terminal: Terminal) -> Outcome:
    from napari_emrestore.pipeline.pictures import draw

    picture: str | None = arguments.picture
    result = _run_one(settings, arguments.scheduler, picture, terminal)
    tell(result, terminal)
    terminal.say(f"Wrote {result.output}")
    if result.error_output is not None:
        terminal.say(f"Wrote {result.error_output}: the expected error, in the units of the image")
    if picture is not None:
        terminal.say(f"Wrote {draw(result, picture)}")
    return Outcome({**result.to_record(), "picture": picture})


def _run_one(settings: RunSettings, scheduler: str | None, picture: str | None, terminal: Terminal) -> Result:
    from napari_emrestore.pipeline import run as run_line
    from napari_emrestore.pipeline.spreading import run_spread

    if scheduler is None:
        with terminal.progress() as monitor:
            return run_line(settings, monitor=monitor)
    if picture is not None:
        raise InputError("A picture is drawn of a run on one machine", came="--picture came with --scheduler")
    with terminal.progress() as monitor:
        result = run_spread(settings, scheduler, monitor=monitor)
    workers = result.restoration.provenance.settings["workers"]
    terminal.table(
        ("process", "device", "pieces"),
        ((name, facts["device"], f"{facts['pieces']}") for name, facts in workers.items()),
    )
    return result


def _batch(arguments: argparse.Namespace, terminal: Terminal) -> Outcome:
    from napari_emrestore.pipeline import run_batch
    from napari_emrestore.pipeline.batch import list_inputs, name_output

    for option in ("truth", "picture", "scheduler"):
        if getattr(arguments, option) is not None:
            raise InputError(
                f"The option --{option} goes with one input and one output file", came="a batch came"
            )
    inputs = list_inputs(arguments.inputs, each=arguments.each)
    folder = Path(arguments.output)
    folder.mkdir(parents=True, exist_ok=True)
    jobs = [settings_of(arguments, str(path), str(name_output(path, folder))) for path in inputs]
    with terminal.progress() as monitor:
        rows = run_batch(jobs, monitor=monitor)
    terminal.table(("input", "outcome", "seconds", "output or reason"), map(_batch_row, rows))
    # A stray file in a folder is no failure, but an input that was named and failed is one.
    named = {str(Path(name)) for name in arguments.inputs}
    failed = [row for row in rows if row.outcome == "failed"]
    bad = len(failed) == len(rows) or any(row.settings.input in named for row in failed)
    return Outcome({"batch": rows}, code=2 if bad else 0)


def _batch_row(row: BatchRow) -> tuple[str, ...]:
    return (row.settings.input, row.outcome, f"{row.seconds:.1f}", row.reason or str(row.settings.output))
