"""Reports in a folder: tables as CSV and Markdown, a picture of each report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from napari_emrestore.core import SILENT, Monitor, WriteError
from napari_emrestore.io.staging import staged
from napari_emrestore.probes.pictures import draw_report
from napari_emrestore.probes.tables import csv_table, markdown_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_emrestore.probes.running import ProbeReport


def write_reports(
    reports: Sequence[ProbeReport], folder: str | Path, *, monitor: Monitor = SILENT
) -> list[Path]:
    """Write ``probes.csv``, ``probes.md`` and one PNG per report, and return their paths.

    Parameters
    ----------
    reports : sequence of ProbeReport
        Of any models and patterns.
    folder : str or Path
        Created where it is missing; files of these names are replaced.
    monitor : Monitor
        Told of every picture.

    Raises
    ------
    WriteError
        If the folder or a file cannot be written.
    Cancelled
        When `monitor` says so; files written before stay.
    """
    target = Path(folder)
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WriteError("Reports need a folder", item=str(target), came=f"gave: {error}") from error
    texts = {target / "probes.csv": csv_table(reports), target / "probes.md": markdown_table(reports)}
    for path, text in texts.items():
        with staged(path) as draft:
            draft.write_text(text, encoding="utf-8")
    pictures = []
    for done, report in enumerate(reports):
        monitor.step(done, len(reports), "drawing")
        pictures.append(draw_report(report, target / f"{report.model}_{report.probe.name}.png"))
    monitor.step(len(reports), len(reports), "drawing")
    return [*texts, *pictures]
