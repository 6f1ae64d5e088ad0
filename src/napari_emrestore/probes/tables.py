"""Reports of probes and injections as records, CSV, Markdown and rows of a model card."""

from __future__ import annotations

import csv
import io
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

from napari_emrestore.probes.transfer import Transfer

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from napari_emrestore.probes.injection import InjectionReport
    from napari_emrestore.probes.running import ProbeReport
    from napari_emrestore.probes.scores import Score

COLUMNS = ("model", "probe", "artefact", "value", "limits", "result", "verdict")


def records(reports: Iterable[ProbeReport]) -> list[dict[str, Any]]:
    """Return one record per score, with the keys `COLUMNS`; limits as text, the value as it is."""
    return [
        {
            "model": report.model,
            "probe": report.probe.name,
            "artefact": score.artefact,
            "value": score.value,
            "limits": limits_text(score),
            "result": result_text(score),
            "verdict": score.verdict,
        }
        for report in reports
        for score in report.scores
    ]


def limits_text(score: Score) -> str:
    """Return between which values a score passes, for example ``"0.8 to 1.2"`` or ``"at most 2"``."""
    low, high = score.limits
    if low is None:
        return f"at most {high:g}"
    return f"at least {low:g}" if high is None else f"{low:g} to {high:g}"


def result_text(score: Score) -> str:
    """Return ``"passed"`` or ``"FAILED"``, which can be told apart without colour."""
    return "passed" if score.passed else "FAILED"


def csv_table(reports: Iterable[ProbeReport]) -> str:
    """Return the scores as CSV with a header."""
    return _csv(COLUMNS, records(reports))


def transfer_records(reports: Iterable[InjectionReport]) -> list[dict[str, Any]]:
    """Return one record per model, period and contrast: the fields of `Transfer` and the verdict."""
    return [
        {"model": report.model, "pattern": report.pattern, **asdict(row), "verdict": row.verdict}
        for report in reports
        for row in report.transfers
    ]


def transfer_csv(reports: Iterable[InjectionReport]) -> str:
    """Return contrast-transfer tables as CSV with a header."""
    columns = ("model", "pattern", *(one.name for one in fields(Transfer)), "verdict")
    return _csv(columns, transfer_records(reports))


def _csv(columns: Sequence[str], rows: Iterable[dict[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def markdown_table(reports: Sequence[ProbeReport]) -> str:
    """Return the scores as a Markdown table, with what was done under it."""
    rows = [
        COLUMNS,
        ("---",) * len(COLUMNS),
        *(
            (*(f"{record[key]:.3g}" if key == "value" else record[key] for key in COLUMNS),)
            for record in records(reports)
        ),
    ]
    lines = [f"| {' | '.join(row)} |" for row in rows]
    conditions = dict.fromkeys(f"- {report.model}: {conditions_text(report)}" for report in reports)
    return "\n".join(["# Probes", "", *lines, "", *conditions, ""])


def conditions_text(report: ProbeReport) -> str:
    """Return what was done to the pattern, in a sentence."""
    done = report.degradation
    paths = " along one path" if done.same_path and done.frames > 1 else ""
    frames = "1 frame" if done.frames == 1 else f"{done.frames} frames"
    return (
        f"{frames} of {len(report.pattern)} px, {done.motion_px:g} px of vertical motion in each{paths}, "
        f"noise of one frame {done.relative_noise():.3g} of the range."
    )


def card_row(report: ProbeReport, *, seed: int, command: str) -> dict[str, Any]:
    """Return a report as a row of `ModelCard.probes`.

    Parameters
    ----------
    report : ProbeReport
        Of the model that the card describes.
    seed : int
        It was run with.
    command : str
        That repeats it.
    """
    done = report.degradation
    return {
        "probe": report.probe.name,
        "frames": done.frames,
        "size_px": len(report.pattern),
        "motion_px": float(done.motion_px),
        "noise": round(done.relative_noise(), 5),
        "seed": seed,
        "scores": {score.artefact: float(f"{score.value:.4g}") for score in report.scores},
        "failed": [score.artefact for score in report.scores if not score.passed],
        "weights_sha256": str(report.provenance.model.get("weights_sha256", "")),
        "version": report.provenance.versions["napari-emrestore"],
        "command": command,
    }
