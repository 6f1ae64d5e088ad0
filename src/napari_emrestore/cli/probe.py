"""Run known patterns through models: what they keep, smear or invent, with a verdict for each artefact."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_emrestore.cli.options import add_device
from napari_emrestore.cli.terminal import Outcome, Terminal

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from napari_emrestore.core import Restorer
    from napari_emrestore.probes import Degradation, ProbeReport

_NOISE, _MOTION_PX, _FRAMES = 0.05, 11.0, 5
_LIKE_FRAMES = 8
_COLUMNS = ("probe", "artefact", "value", "passes", "result")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument("models", metavar="MODEL", nargs="+", help="model, card file or classical method")
    parser.add_argument(
        "--probe", metavar="NAME", nargs="+", default=None, help="patterns to use (default: all of them)"
    )
    parser.add_argument(
        "--like",
        metavar="FILE",
        help="take noise and range of intensities from an image or stack of your own",
    )
    parser.add_argument("--noise", type=float, help=f"noise of a frame, of the range (default: {_NOISE:g})")
    parser.add_argument(
        "--motion",
        type=float,
        default=_MOTION_PX,
        metavar="PX",
        help=f"vertical motion in one exposure (default: {_MOTION_PX:g})",
    )
    parser.add_argument(
        "--frames", type=int, default=_FRAMES, metavar="N", help=f"frames of a burst (default: {_FRAMES})"
    )
    parser.add_argument("--same-path", action="store_true", help="blur all frames alike, as a control")
    parser.add_argument(
        "--size", type=int, default=512, metavar="PX", help="side of a pattern (default: 512)"
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of motion and noise (default: 0)")
    parser.add_argument("-o", "--output", metavar="FOLDER", help="folder for tables and pictures")
    parser.add_argument(
        "--write-card", action="store_true", help="put the results into the models' card files, given by path"
    )
    add_device(parser)


def run(arguments: argparse.Namespace, terminal: Terminal) -> Outcome:
    """Probe, print the tables, write what was asked for."""
    from napari_emrestore.probes import list_probes, run_probes, write_reports
    from napari_emrestore.probes.tables import records

    if arguments.write_card:
        refuse_other_than_cards(arguments.models)
    restorers = _load(arguments)
    degradation = _degradation(arguments)
    with terminal.progress() as monitor:
        reports = list(
            run_probes(
                arguments.probe or list_probes(),
                restorers,
                seed=arguments.seed,
                degradation=degradation,
                size_px=arguments.size,
                monitor=monitor,
            )
        )
    # reports come pattern by pattern, each for all models in order
    by_model = [reports[position :: len(restorers)] for position in range(len(restorers))]
    for mine in by_model:
        _tell(mine, terminal)
    files = write_reports(reports, arguments.output) if arguments.output else []
    if arguments.write_card:
        files += [
            _write_card(Path(model), mine, arguments)
            for model, mine in zip(arguments.models, by_model, strict=True)
        ]
    if files:
        terminal.say(f"Wrote {', '.join(map(str, files))}")
    notes = {mine[0].model: mine[0].provenance.notes for mine in by_model}
    return Outcome({"degradation": degradation, "scores": records(reports), "notes": notes, "files": files})


def _load(arguments: argparse.Namespace) -> list[Restorer]:
    from napari_emrestore.restoration import list_classical, load_restorer

    place = {"device": arguments.device, "precision": arguments.precision}
    classical = list_classical()
    return [load_restorer(model, **({} if model in classical else place)) for model in arguments.models]


def _degradation(arguments: argparse.Namespace) -> Degradation:
    from napari_emrestore.core import InputError
    from napari_emrestore.io import open_frames
    from napari_emrestore.metrics import NoiseModel
    from napari_emrestore.probes import Degradation, match_degradation

    asked = {"frames": arguments.frames, "motion_px": arguments.motion}
    if arguments.like is None:
        sigma = _NOISE if arguments.noise is None else arguments.noise
        return Degradation(**asked, noise=NoiseModel(0.0, 0.0, sigma), same_path=arguments.same_path)
    if arguments.noise is not None:
        raise InputError(
            "The noise is measured on a file or given, not both",
            came=f"--like {arguments.like} and --noise {arguments.noise:g} came",
            remedy="Leave one of them out.",
        )
    with open_frames(arguments.like) as stack:
        matched = match_degradation(np.asarray(stack.data[:_LIKE_FRAMES]), **asked)
    return replace(matched, same_path=arguments.same_path)


def _tell(reports: Sequence[ProbeReport], terminal: Terminal) -> None:
    """Print one table for a model, and what was done."""
    from napari_emrestore.probes.tables import conditions_text, limits_text, result_text

    rows = [
        (
            report.probe.name,
            score.title,
            f"{score.value:.3g}",
            limits_text(score),
            result_text(score),
        )
        for report in reports
        for score in report.scores
    ]
    terminal.table(_COLUMNS, rows, f"{reports[0].model}: {conditions_text(reports[0])}")
    for report in reports:
        for score in report.scores:
            if not score.passed:
                terminal.say(f"FAILED {report.probe.name}: {score.verdict}")
    for note in dict.fromkeys(note for report in reports for note in report.provenance.notes):
        terminal.say(f"Note: {note}")


def refuse_other_than_cards(models: Sequence[str]) -> None:
    """Raise `InputError` unless all are card files given by their path."""
    from napari_emrestore.core import InputError

    for model in models:
        if Path(model).suffix != ".toml" or not Path(model).is_file():
            raise InputError(
                "Results are written into model cards, given by their path",
                item=model,
                came="is no card file",
                remedy="Give the path of the .toml file.",
            )


def _write_card(path: Path, reports: Sequence[ProbeReport], arguments: argparse.Namespace) -> Path:
    """Put the rows of this run in the place of those that the card had."""
    from napari_emrestore.models import read_card, write_card
    from napari_emrestore.probes.tables import card_row

    card = read_card(path)
    rows = tuple(
        card_row(report, seed=arguments.seed, command=_command(card.id, report, arguments))
        for report in reports
    )
    return write_card(replace(card, probes=rows), path)


def _command(model: str, report: ProbeReport, arguments: argparse.Namespace) -> str:
    """Return the command line that repeats a report."""
    like = f" --like {Path(arguments.like).name}" if arguments.like else ""
    noise = "" if arguments.noise is None else f" --noise {arguments.noise:g}"
    path = " --same-path" if arguments.same_path else ""
    return (
        f"napari-emrestore probe {model} --probe {report.probe.name}{like}{noise} "
        f"--motion {arguments.motion:g} --frames {arguments.frames}{path} "
        f"--size {arguments.size} --seed {arguments.seed}"
    )
