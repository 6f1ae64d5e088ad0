"""Reports as pictures: what went in, what came out and the difference beside each other."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.io.staging import staged
from napari_emrestore.probes.tables import conditions_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from napari_emrestore.probes.injection import InjectionReport
    from napari_emrestore.probes.running import ProbeReport

_PANEL_INCHES, _TEXT_INCHES, _LINE_INCHES = 3.4, 0.8, 0.2
_DPI = 130
_MOST_KEPT = 1.2


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
        f"mean of the frames ({report.degradation.frames})": report.given,
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
    return _save(figure, path)


def draw_injection(report: InjectionReport, image: NDArray[np.floating], path: str | Path) -> Path:
    """Write an injection as PNG and return its path.

    The image and its restoration with the patterns share one grey range; so do the patterns that were added
    and those that came back. The last panel tells the share of each pattern that is kept.

    Parameters
    ----------
    report : InjectionReport
        As `inject` returns it.
    image : ndarray, shape (Y, X)
        What the patterns were added to, as one image.
    path : str or Path
        Target, ``.png``.

    Raises
    ------
    InputError, WriteError
        If the file cannot be written.
    """
    from matplotlib.figure import Figure

    low, high = np.nanpercentile(report.restored, [0.5, 99.5])
    most = float(np.abs(report.added).max())
    grey = {"cmap": "gray", "vmin": low, "vmax": high}
    signed = {"cmap": "RdBu_r", "vmin": -most, "vmax": most}
    figure = Figure(figsize=(5 * _PANEL_INCHES, _PANEL_INCHES + _TEXT_INCHES), layout="constrained")
    panels: dict[str, tuple[NDArray[Any], dict[str, Any]]] = {
        "image, mean of its frames": (image, grey),
        f"restored by {report.model} with patterns": (report.restored, grey),
        "patterns that were added": (report.added, signed),
        "patterns that came back": (report.difference, signed),
        "share kept": (report.recall, {"cmap": "viridis", "vmin": 0.0, "vmax": _MOST_KEPT}),
    }
    for axes, (title, (shown, options)) in zip(figure.subplots(1, len(panels)), panels.items(), strict=True):
        drawn = axes.imshow(shown, interpolation="nearest", **options)
        axes.set_title(title, fontsize=10)
        axes.set_axis_off()
    figure.colorbar(drawn, ax=figure.axes[-1], shrink=0.8)
    return _save(figure, path)


def _save(figure: Figure, path: str | Path) -> Path:
    target = Path(path)
    with staged(target) as draft:
        figure.savefig(draft, format="png", dpi=_DPI)
    return target
