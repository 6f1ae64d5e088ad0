"""A finished experiment as Markdown and JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from napari_emrestore.core import WriteError
from napari_emrestore.pipeline.plain_json import plain

if TYPE_CHECKING:
    from pathlib import Path

    from napari_emrestore.pipeline.experiments.running import Outcome, Row

_COLUMNS = ("method", "tested on", "PSNR dB", "SSIM", "paper PSNR dB", "paper SSIM", "parameters", "steps")


def markdown(outcome: Outcome) -> str:
    """Return the table with what one must know to read it."""
    plan, experiment = outcome.plan, outcome.experiment
    size = "the papers' networks" if plan.full else "reduced networks"
    notes = [
        f"Repeats {experiment.source} with {size} on procedural scenes; mean ± standard deviation over "
        f"{plan.tiles} tiles of a sequence that was not trained on, seed {plan.seed}.",
        "The paper's figures come from its own images and full training: compare orderings, not values.",
        *([experiment.note] if experiment.note else []),
        *sorted({str(row.facts["perceptual"]) for row in outcome.rows if "perceptual" in row.facts}),
    ]
    rows = [_COLUMNS, ("---",) * len(_COLUMNS), *map(_cells, outcome.rows)]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    steps = "" if plan.steps is None else f" --steps {plan.steps}"
    command = f"napari-emrestore experiment {outcome.name} -o FOLDER{steps}{' --full' if plan.full else ''}"
    sizes = f" --scenes {plan.scenes} --scene-px {plan.scene_px} --tiles {plan.tiles} --seed {plan.seed}"
    said = "\n".join(f"- {note}" for note in notes)
    return (
        f"# {experiment.title}\n\n{said}\n\n{table}\n\n"
        f"Made in {outcome.seconds:.0f} s by `{command}{sizes}`\n"
    )


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


def _cells(row: Row) -> tuple[str, ...]:
    paper = ("", "") if row.paper is None else (f"{row.paper[0]:.2f}", f"{row.paper[1]:.3g}")
    parameters = f"{row.facts['parameters']:,}" if "parameters" in row.facts else ""
    return (
        row.label,
        row.test,
        f"{row.psnr_db:.2f} ± {row.psnr_sd:.2f}",
        f"{row.ssim:.3f} ± {row.ssim_sd:.3f}",
        *paper,
        parameters,
        str(row.facts.get("steps", "")),
    )
