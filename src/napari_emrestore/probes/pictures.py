"""A probe report as a picture: pattern, degraded, restored and difference beside each other."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_emrestore.io.staging import staged
from napari_emrestore.probes.tables import conditions_text

if TYPE_CHECKING:
    from napari_emrestore.probes.running import ProbeReport

_PANEL_INCHES, _TEXT_INCHES, _LINE_INCHES = 3.4, 0.8, 0.2
_DPI = 130


def draw_report(report: ProbeReport, path: str | Path) -> Path:
    """Write a report as PNG and return its path.

    Pattern, mean of the frames and restoration share the grey range of the pattern, and a little beyond; the
    difference is red where the restoration is too bright, blue where too dark.

    Raises
    ------
    InputError, WriteError
        If the file cannot be written.
    """
    from matplotlib.figure import Figure

    span = report.degradation.span
    low, high = (
        level + step * span for level, step in zip(report.degradation.levels, (-0.1, 0.1), strict=True)
    )
    verdicts = [f"{'passed' if score.passed else 'FAILED'}: {score.verdict}" for score in report.scores]
    height = _PANEL_INCHES + _TEXT_INCHES + _LINE_INCHES * len(verdicts)
    figure = Figure(figsize=(4 * _PANEL_INCHES, height), layout="constrained")
    panels = {
        "pattern": report.pattern,
        f"mean of {report.degradation.frames} frame(s)": report.given,
        f"restored by {report.model}": report.restored,
    }
    *grey, last = figure.subplots(1, 4)
    for axes, (title, image) in zip(grey, panels.items(), strict=True):
        axes.imshow(image, cmap="gray", vmin=low, vmax=high, interpolation="nearest")
        axes.set_title(title, fontsize=10)
    most = float(np.nanmax(np.abs(report.difference), initial=0)) or span
    last.imshow(report.difference, cmap="RdBu_r", vmin=-most, vmax=most, interpolation="nearest")
    last.set_title(f"restored minus pattern, ±{most / span:.2g} of the range", fontsize=10)
    for axes in figure.axes:
        axes.set_axis_off()
    figure.suptitle(f"{report.probe.title}: {conditions_text(report)}", fontsize=10)
    figure.supxlabel("\n".join(verdicts), fontsize=9, x=0.01, ha="left")
    target = Path(path)
    with staged(target) as draft:
        figure.savefig(draft, format="png", dpi=_DPI)
    return target
