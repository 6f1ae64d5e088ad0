"""A finished experiment as Markdown and JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from napari_emrestore.core import WriteError
from napari_emrestore.pipeline.experiments.orderings import orderings
from napari_emrestore.pipeline.plain_json import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from napari_emrestore.pipeline.experiments.orderings import Ordering
    from napari_emrestore.pipeline.experiments.records import Outcome, Row

_COLUMNS = (
    "method",
    "tested on",
    "PSNR dB",
    "SSIM",
    "paper PSNR dB",
    "paper SSIM",
    "parameters",
    "steps",
    "training s",
)
_COMPARED = ("compared", "tested on", "measure", "paper", "here (95 % interval)", "order")


def markdown(outcome: Outcome) -> str:
    """Return the tables with what one must know to read them."""
    compared = [_comparison(ordering) for ordering in orderings(outcome)]
    parts = [
        f"# {outcome.experiment.title}",
        "\n".join(f"- {note}" for note in _notes(outcome)),
        _table(_COLUMNS, map(_cells, outcome.rows)),
        *([_table(_COMPARED, compared)] if compared else []),
        f"Made by `{_command(outcome)}`",
    ]
    return "\n\n".join(parts) + "\n"


def _notes(outcome: Outcome) -> list[str]:
    plan, experiment = outcome.plan, outcome.experiment
    size = "the papers' networks" if plan.full else "reduced networks"
    perceptual = {str(row.facts["perceptual"]) for row in outcome.rows if "perceptual" in row.facts}
    trained = {row.facts["training"]: row.facts["seconds"] for row in outcome.rows if row.facts}
    return [
        f"Repeats {experiment.source} with {size} on procedural scenes; mean ± standard deviation over "
        f"{plan.tiles} tiles of a sequence that was not trained on, seed {plan.seed}.",
        f"{len(trained)} trainings, {sum(trained.values())} s in all on {plan.device}.",
        "The paper's figures come from its own images and full training: compare orderings, not values.",
        "Differences are of the same tiles; their interval is over the scenes that these were cut from. What "
        "another seed would have trained is not in it.",
        *([experiment.note] if experiment.note else []),
        *(f"Perceptual term: {said}." for said in sorted(perceptual)),
    ]


def _command(outcome: Outcome) -> str:
    plan = outcome.plan
    steps = "" if plan.steps is None else f" --steps {plan.steps}"
    sizes = f" --scenes {plan.scenes} --scene-px {plan.scene_px} --tiles {plan.tiles} --seed {plan.seed}"
    chosen = f' --arms "{plan.arms}"' if plan.arms else ""
    rest = f"{' --full' if plan.full else ''}{' --vgg FILE' if plan.vgg else ''}{chosen}"
    return f"napari-emrestore experiment {outcome.name} -o FOLDER{steps}{sizes}{rest}"


def write_outcome(outcome: Outcome, folder: Path) -> tuple[Path, Path]:
    """Write ``<name>.md`` and ``<name>.json`` and return their paths.

    Raises
    ------
    WriteError
        If the folder cannot be written to.
    """
    record = {
        "experiment": outcome.name,
        "source": outcome.experiment.source,
        "plan": plain(outcome.plan),
        "seconds": outcome.seconds,
        "rows": plain(outcome.rows),
        "orderings": [plain(o) | {"order": o.verdict} for o in orderings(outcome)],
    }
    texts = {".md": markdown(outcome), ".json": json.dumps(record, indent=1) + "\n"}
    page, data = (folder / f"{outcome.name}{suffix}" for suffix in texts)
    try:
        for path, text in zip((page, data), texts.values(), strict=True):
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise WriteError(
            "The report of an experiment goes into a folder", item=str(folder), came=f"gave: {error}"
        ) from error
    return page, data


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [columns, ("---",) * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cells(row: Row) -> tuple[str, ...]:
    paper = ("", "") if row.paper is None else (f"{row.paper[0]:.2f}", f"{row.paper[1]:.3g}")
    facts = row.facts
    return (
        row.label,
        row.test,
        f"{np.mean(row.psnrs_db):.2f} ± {np.std(row.psnrs_db):.2f}",
        f"{np.mean(row.ssims):.3f} ± {np.std(row.ssims):.3f}",
        *paper,
        f"{facts['parameters']:,}" if facts else "",
        str(facts.get("steps", "")),
        str(facts.get("seconds", "")),
    )


def _comparison(ordering: Ordering) -> tuple[str, ...]:
    digits = 2 if ordering.measure == "PSNR dB" else 3
    here = ordering.here
    interval = "" if here.low is None else f" ({here.low:+.{digits}f} to {here.high:+.{digits}f})"
    return (
        f"{ordering.first} − {ordering.second}",
        ordering.test,
        ordering.measure,
        "" if ordering.paper is None else f"{ordering.paper:+.{digits}f}",
        f"{here.mean:+.{digits}f}{interval}",
        ordering.verdict,
    )
