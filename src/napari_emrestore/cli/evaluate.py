"""Compare models and classical methods on clean images that are degraded on purpose, as four papers did."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_emrestore.cli.options import add_device
from napari_emrestore.cli.terminal import Outcome, Terminal

if TYPE_CHECKING:
    import argparse

    from napari_emrestore.pipeline.evaluation import Evaluation

_PROTOCOLS = ("plos", "sgpn", "kat", "ede-low", "ede-ordinary")
_LABEL_KINDS = ("regions", "inside", "membranes")
_TUNED = "gaussian,wiener,wavelet,tv-chambolle,nlmeans,bm3d-calibrated,bm3d-then-wiener"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument("folder", metavar="FOLDER", help="folder of clean images")
    parser.add_argument("-o", "--output", required=True, help="folder for tables and pictures")
    parser.add_argument(
        "--protocol", required=True, choices=_PROTOCOLS, help="how to degrade and what to measure"
    )
    parser.add_argument(
        "--models",
        default="",
        metavar="A,B,C",
        help="models and classical methods to compare, with commas between",
    )
    parser.add_argument(
        "--tune",
        default=_TUNED,
        metavar="A,B|none",
        help=f"classical methods whose best becomes a row, tuned on every fourth image (default: {_TUNED})",
    )
    parser.add_argument(
        "--repeats", type=int, default=2, metavar="N", help="instances per image (default: 2)"
    )
    parser.add_argument(
        "--shrink", type=int, default=2, metavar="F", help="area mean of clean images (default: 2)"
    )
    parser.add_argument(
        "--size", type=int, metavar="PX", help="side of an instance (default: as the paper, or less)"
    )
    parser.add_argument(
        "--labels",
        metavar="FOLDER",
        help="true regions, one file per image: adds the adapted Rand error of a fixed segmentation",
    )
    parser.add_argument(
        "--label-kind",
        choices=_LABEL_KINDS,
        help="what label files hold: a number per region, or white inside of regions or on membranes "
        "(default: inside for files of two values, else regions)",
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of all drawing (default: 0)")
    add_device(parser)


def run(arguments: argparse.Namespace, terminal: Terminal) -> Outcome:
    """Compare, write the report and print the table."""
    from napari_emrestore.pipeline.evaluation import EvaluationSettings, evaluate, write_report
    from napari_emrestore.pipeline.evaluation.reporting import summarise

    settings = EvaluationSettings(
        folder=arguments.folder,
        models=_names(arguments.models),
        protocol=arguments.protocol,
        tune=() if arguments.tune == "none" else _names(arguments.tune),
        repeats=arguments.repeats,
        shrink=arguments.shrink,
        size_px=arguments.size,
        seed=arguments.seed,
        labels=arguments.labels,
        label_kind=arguments.label_kind,
        device=arguments.device,
        precision=arguments.precision,
    )
    with terminal.progress() as monitor:
        evaluation = evaluate(settings, monitor=monitor)
    paths = write_report(evaluation, arguments.output)
    _tell(evaluation, terminal)
    terminal.say(f"Wrote {', '.join(map(str, paths))}")
    return Outcome(
        {
            "settings": settings,
            "protocol": evaluation.protocol.name,
            "rows": summarise(evaluation),
            "lengths": evaluation.lengths,
            "notes": evaluation.notes,
            "files": paths,
        }
    )


def _tell(evaluation: Evaluation, terminal: Terminal) -> None:
    measures = list(evaluation.protocol.measures)
    rows = (
        (
            method.name,
            *(_mean(evaluation, method.name, measure) for measure in measures),
            f"{evaluation.seconds[method.name]:.3f}",
            f"{evaluation.peak_mib[method.name]:.0f}",
        )
        for method in evaluation.methods
    )
    terminal.table(("method", *measures, "s per 512x512", "peak MiB"), rows, evaluation.protocol.title)
    if evaluation.lengths:
        terminal.table(
            ("method", "length", "true px", "measured px", "sd", "unreadable"),
            (
                (
                    c.method,
                    c.quantity,
                    f"{c.true_px:.1f}",
                    f"{c.mean_px:.1f}",
                    f"{c.sd_px:.1f}",
                    f"{c.unreadable}",
                )
                for c in evaluation.lengths
            ),
            "Known lengths read off restored scenes",
        )
    for note in (*(method.note for method in evaluation.methods if method.note), *evaluation.notes):
        terminal.say(f"Note: {note}")


def _mean(evaluation: Evaluation, method: str, measure: str) -> str:
    values = evaluation.values.get((method, measure))
    return "–" if values is None else f"{values.mean():.4g}"


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())
