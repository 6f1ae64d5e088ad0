"""A finished comparison as CSV, Markdown and pictures."""

from __future__ import annotations

import csv
import io
from dataclasses import astuple, fields
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_emrestore.core import WriteError
from napari_emrestore.pipeline.evaluation.methods import BEST_CLASSICAL, FRAME_AVERAGE, UNRESTORED
from napari_emrestore.pipeline.evaluation.plotting import draw_densities, draw_error_maps
from napari_emrestore.pipeline.evaluation.statistics import Difference, paired_difference

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_emrestore.pipeline.evaluation.comparing import Evaluation

SUMMARY_COLUMNS = (
    "method",
    "measure",
    "mean",
    "sd",
    "values",
    "images",
    "better",
    "over baseline",
    "baseline low",
    "baseline high",
    "over best classical",
    "classical low",
    "classical high",
    "parameters",
    "s per 512x512 frame",
    "peak MiB",
    "note",
)


def summarise(evaluation: Evaluation) -> list[dict[str, object]]:
    """Return one record per method and measure, with the keys `SUMMARY_COLUMNS`.

    Differences are this row minus the other one, in units of the measure, paired by instance; the baseline
    is the frame average of a burst and the degraded frame of a single one. The ground truth has rows for
    the measures of a segmentation only.
    """
    names = [method.name for method in evaluation.methods]
    baseline = FRAME_AVERAGE if FRAME_AVERAGE in names else UNRESTORED
    return [
        {
            "method": method.name,
            "measure": measure,
            "mean": float(evaluation.values[method.name, measure].mean()),
            "sd": float(evaluation.values[method.name, measure].std()),
            "values": len(evaluation.sources),
            "images": len(set(evaluation.sources)),
            "better": "higher" if higher else "lower",
            **_named("over baseline", "baseline", _difference(evaluation, method.name, baseline, measure)),
            **_named(
                "over best classical",
                "classical",
                _difference(evaluation, method.name, BEST_CLASSICAL, measure)
                if BEST_CLASSICAL in names
                else None,
            ),
            "parameters": method.parameters,
            "s per 512x512 frame": evaluation.seconds[method.name],
            "peak MiB": evaluation.peak_mib[method.name],
            "note": method.note,
        }
        for measure, higher in evaluation.protocol.measures.items()
        for method in evaluation.methods
        if (method.name, measure) in evaluation.values
    ]


def write_report(evaluation: Evaluation, folder: str | Path) -> list[Path]:
    """Write summary, single values, table and pictures into a folder and return their paths.

    Parameters
    ----------
    evaluation : Evaluation
        As `evaluate` returns it.
    folder : str or Path
        Created where it is missing; files of an earlier report of the same protocol are replaced.

    Raises
    ------
    WriteError
        If the folder cannot be written.
    """
    target = Path(folder)
    name = evaluation.protocol.name
    rows = summarise(evaluation)
    summary = [[row[column] for column in SUMMARY_COLUMNS] for row in rows]
    texts = {
        f"{name}_summary.csv": _csv([SUMMARY_COLUMNS, *summary]),
        f"{name}_values.csv": _csv([("method", "measure", "image", "value"), *_single_values(evaluation)]),
        f"{name}.md": markdown_table(evaluation),
    }
    if evaluation.lengths:
        rows_of_lengths = [astuple(check) for check in evaluation.lengths]
        columns = [field.name for field in fields(evaluation.lengths[0])]
        texts[f"{name}_lengths.csv"] = _csv([columns, *rows_of_lengths])
    try:
        target.mkdir(parents=True, exist_ok=True)
        for file, text in texts.items():
            draft = target / f".{file}.part"
            draft.write_text(text, encoding="utf-8")
            draft.replace(target / file)
    except OSError as error:
        raise WriteError("A report must be writable", item=str(target), came=f"gave: {error}") from error
    pictures = [
        draw_densities(evaluation, target / f"{name}_densities.png"),
        draw_error_maps(evaluation, target / f"{name}_error_maps.png"),
    ]
    return [*(target / file for file in texts), *pictures]


def markdown_table(evaluation: Evaluation) -> str:
    """Return the comparison as a Markdown table with its conditions under it."""
    measures = [m for m in evaluation.protocol.measures if m not in evaluation.protocol.segmentation]
    header = ["method", *measures, *(f"{measure} over baseline (95 %)" for measure in measures[:1])]
    header += ["over best classical (95 %)", "parameters", "s per 512x512 frame", "peak MiB"]
    by_method: dict[str, list[dict[str, object]]] = {}
    records = summarise(evaluation)
    for row in (record for record in records if record["measure"] in measures):
        by_method.setdefault(str(row["method"]), []).append(row)
    lines = [_line(header), _line(["---"] * len(header))]
    for name, rows in by_method.items():
        first = rows[0]
        cells = [name, *(f"{row['mean']:.4g} ± {row['sd']:.2g}" for row in rows)]
        cells.append(_interval(first, "over baseline", "baseline"))
        cells.append(_interval(first, "over best classical", "classical"))
        cells += [f"{first['parameters']}", f"{first['s per 512x512 frame']:.3g}", f"{first['peak MiB']:.3g}"]
        lines.append(_line(cells))
    settings = evaluation.settings
    conditions = [
        f"{len(set(evaluation.sources))} images, {settings.repeats} instances of {evaluation.size_px} px "
        f"each, images shrunk by {settings.shrink}, seed {settings.seed}; mean ± standard deviation.",
        *(f"{method.name}: {method.note}." for method in evaluation.methods if method.note),
        *evaluation.notes,
    ]
    title = f"# {evaluation.protocol.title}\n"
    segmented = ["", *_segmentation_table(evaluation, records)] if evaluation.protocol.segmentation else []
    known = ["", *_lengths_table(evaluation)] if evaluation.lengths else []
    notes = (f"- {condition}" for condition in conditions)
    return "\n".join([title, *lines, *segmented, *known, "", *notes, ""])


def _segmentation_table(evaluation: Evaluation, records: Sequence[dict[str, object]]) -> list[str]:
    """Return how well regions are found as the lines of a table, with the error's gain over the baseline."""
    measures = evaluation.protocol.segmentation
    by_method: dict[str, list[dict[str, object]]] = {}
    for record in (record for record in records if record["measure"] in measures):
        by_method.setdefault(str(record["method"]), []).append(record)
    header = ["segmentation of", *measures, f"{measures[0]} over baseline (95 %)"]
    rows = (
        _line(
            [
                name,
                *(f"{row['mean']:.4g} ± {row['sd']:.2g}" for row in rows),
                _interval(rows[0], "over baseline", "baseline"),
            ]
        )
        for name, rows in by_method.items()
    )
    return [_line(header), _line(["---"] * len(header)), *rows]


def _lengths_table(evaluation: Evaluation) -> list[str]:
    """Return the known lengths as the lines of a table: a row per method, a column per length."""
    truths = {check.quantity: check.true_px for check in evaluation.lengths}
    by_method: dict[str, list[str]] = {}
    for check in evaluation.lengths:
        cell = f"{check.mean_px:.1f} ± {check.sd_px:.1f}" if np.isfinite(check.mean_px) else "none"
        missing = f" ({check.unreadable} of {check.instances} unreadable)" if check.unreadable else ""
        by_method.setdefault(check.method, []).append(cell + missing)
    header = ["known lengths, px", *(f"{name} (true {true:.1f})" for name, true in truths.items())]
    rows = (_line([name, *cells]) for name, cells in by_method.items())
    return [_line(header), _line(["---"] * len(header)), *rows]


def _difference(evaluation: Evaluation, name: str, other: str, measure: str) -> Difference | None:
    if name == other:
        return None
    return paired_difference(
        evaluation.values[name, measure],
        evaluation.values[other, measure],
        evaluation.sources,
        np.random.default_rng(evaluation.settings.seed),
    )


def _named(title: str, prefix: str, difference: Difference | None) -> dict[str, float | None]:
    if difference is None:
        return {title: None, f"{prefix} low": None, f"{prefix} high": None}
    return {title: difference.mean, f"{prefix} low": difference.low, f"{prefix} high": difference.high}


def _interval(row: dict[str, object], title: str, prefix: str) -> str:
    mean, low, high = row[title], row[f"{prefix} low"], row[f"{prefix} high"]
    if mean is None:
        return ""
    return f"{mean:+.3g}" if low is None else f"{mean:+.3g} ({low:+.3g} to {high:+.3g})"


def _single_values(evaluation: Evaluation) -> list[tuple[str, str, str, float]]:
    return [
        (method, measure, source, float(value))
        for (method, measure), values in evaluation.values.items()
        for source, value in zip(evaluation.sources, values, strict=True)
    ]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _csv(rows: Sequence[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
