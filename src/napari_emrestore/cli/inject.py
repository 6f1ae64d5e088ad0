"""Add faint known patterns to an image of your own and measure how much of them each model keeps."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_emrestore.cli.options import add_device
from napari_emrestore.cli.terminal import Outcome, Terminal

if TYPE_CHECKING:
    import argparse

    from numpy.typing import NDArray

    from napari_emrestore.probes import InjectionReport

_COLUMNS = ("period px", "contrast", "contrast/noise", "kept", "±", "smeared", "invented", "turned", "result")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument("input", metavar="FILE", help="image, or stack of aligned frames")
    parser.add_argument("models", metavar="MODEL", nargs="+", help="model, card file or classical method")
    parser.add_argument(
        "--pattern",
        choices=("gratings", "lines", "dots"),
        default="gratings",
        help="what to add (default: gratings)",
    )
    parser.add_argument(
        "--periods", type=float, nargs="+", default=(4.0, 8.0, 16.0), metavar="PX", help="default: 4 8 16"
    )
    parser.add_argument(
        "--contrasts",
        type=float,
        nargs="+",
        default=(0.05, 0.1, 0.2),
        metavar="SHARE",
        help="of the image's range, which is four standard deviations of its signal (default: 0.05 0.1 0.2)",
    )
    parser.add_argument(
        "--motion", type=float, default=0.0, metavar="PX", help="blur of what is added (default: 0)"
    )
    parser.add_argument(
        "--frames",
        type=int,
        default=1,
        metavar="N",
        help="first frames of a stack, taken as aligned (default: 1)",
    )
    parser.add_argument(
        "--field", type=int, default=512, metavar="PX", help="side of the middle that is used (default: 512)"
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of places and noise (default: 0)")
    parser.add_argument("-o", "--output", metavar="FOLDER", help="folder for tables and pictures")
    add_device(parser)


def run(arguments: argparse.Namespace, terminal: Terminal) -> Outcome:
    """Inject, print a table per model, write what was asked for."""
    from napari_emrestore.probes import inject
    from napari_emrestore.probes.tables import transfer_records
    from napari_emrestore.restoration import list_classical, load_restorer

    frames = _read(arguments)
    place = {"device": arguments.device, "precision": arguments.precision}
    classical = list_classical()
    reports = []
    with terminal.progress() as monitor:
        for model in arguments.models:
            restorer = load_restorer(model, **({} if model in classical else place))
            reports.append(
                inject(
                    frames,
                    restorer,
                    rng=np.random.default_rng(arguments.seed),
                    pattern=arguments.pattern,
                    periods_px=arguments.periods,
                    contrasts=arguments.contrasts,
                    motion_px=arguments.motion,
                    monitor=monitor,
                )
            )
    for report in reports:
        _tell(report, terminal)
    files = _write(reports, frames, Path(arguments.output)) if arguments.output else []
    if files:
        terminal.say(f"Wrote {', '.join(map(str, files))}")
    notes = {report.model: report.provenance.notes for report in reports}
    return Outcome({"transfers": transfer_records(reports), "notes": notes, "files": files})


def _read(arguments: argparse.Namespace) -> NDArray[np.float32]:
    """Return the middle of the first frames, shape (N, Y, X)."""
    from napari_emrestore.core import InputError
    from napari_emrestore.io import open_frames

    with open_frames(arguments.input) as stack:
        count, height, width = stack.data.shape
        if not 1 <= arguments.frames <= count:
            raise InputError(
                f"{arguments.input} holds {count} frame(s)",
                came=f"--frames {arguments.frames} came",
                remedy="Ask for as many as there are, or fewer.",
            )
        rows, columns = (_middle(length, arguments.field) for length in (height, width))
        return np.asarray(stack.data[: arguments.frames, rows, columns], np.float32)


def _middle(length: int, side: int) -> slice:
    start = max(0, (length - side) // 2)
    return slice(start, start + side)


def _tell(report: InjectionReport, terminal: Terminal) -> None:
    rows = [
        (
            f"{row.period_px:g}",
            f"{row.contrast:g}",
            "no noise" if row.contrast_to_noise is None else f"{row.contrast_to_noise:.2f}",
            f"{row.kept:.2f}",
            f"{row.spread:.2f}",
            f"{row.smeared:.2f}",
            f"{row.invented:.2f}",
            "" if row.turned_deg is None else f"{row.turned_deg:.0f}°",
            row.verdict,
        )
        for row in report.transfers
    ]
    terminal.table(
        _COLUMNS, rows, f"{report.model}: contrast 1 is {report.range_of_image:.4g} in the image's units"
    )
    for note in report.provenance.notes:
        terminal.say(f"Note: {note}")


def _write(reports: list[InjectionReport], frames: NDArray[np.float32], folder: Path) -> list[Path]:
    from napari_emrestore.io.staging import staged
    from napari_emrestore.probes.pictures import draw_injection
    from napari_emrestore.probes.tables import transfer_csv

    folder.mkdir(parents=True, exist_ok=True)
    table = folder / "transfer.csv"
    with staged(table) as draft:
        draft.write_text(transfer_csv(reports), encoding="utf-8")
    mean = frames.mean(axis=0)
    return [
        table,
        *(draw_injection(report, mean, folder / f"{report.model}_injection.png") for report in reports),
    ]
