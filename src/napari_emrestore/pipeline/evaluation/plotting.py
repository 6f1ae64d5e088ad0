"""Pictures of a comparison: densities of scores and maps of where errors sit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.pipeline.pictures import save

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_emrestore.pipeline.evaluation.comparing import Evaluation

_POINTS = 200
_PANEL_INCHES = 3.2
_MAPS_PER_ROW = 4


def draw_densities(evaluation: Evaluation, path: Path) -> Path:
    """Draw the density of every measure, one curve per method, and return the path.

    Gaussian kernels whose width follows Scott's rule, at 200 points over the protocol's range or, where
    values leave it, over theirs.
    """
    from matplotlib.figure import Figure

    measures = list(evaluation.protocol.measures)
    figure = Figure(figsize=(5.0 * len(measures), 4.0), layout="constrained")
    for axes, measure in zip(figure.subplots(1, len(measures), squeeze=False)[0], measures, strict=True):
        values = {
            method.name: evaluation.values[method.name, measure]
            for method in evaluation.methods
            if (method.name, measure) in evaluation.values
        }
        low, high = _span(values, evaluation.protocol.curves.get(measure))
        points = np.linspace(low, high, _POINTS)
        for position, (name, numbers) in enumerate(values.items()):
            _draw_density(axes, points, numbers, name, f"C{position}")
        axes.set_xlabel(measure)
        axes.set_ylabel("density")
    figure.axes[0].legend(fontsize=8)
    return save(figure, path)


def draw_error_maps(evaluation: Evaluation, path: Path) -> Path:
    """Draw the mean absolute error per pixel of every method on one colour scale and return the path."""
    from matplotlib.figure import Figure

    maps = evaluation.error_maps
    columns = min(_MAPS_PER_ROW, len(maps))
    rows = -(-len(maps) // columns)
    figure = Figure(figsize=(_PANEL_INCHES * columns, (_PANEL_INCHES + 0.3) * rows), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    high = max(float(np.percentile(image, 99)) for image in maps.values())
    for axes in panels:
        axes.set_axis_off()
    for axes, (name, image) in zip(panels, maps.items(), strict=False):
        shown = axes.imshow(image, cmap="magma", vmin=0, vmax=high, interpolation="nearest")
        axes.set_title(f"{name}\nmean {image.mean():.4f}", fontsize=9)
    figure.colorbar(shown, ax=list(panels), shrink=0.7, label="mean absolute error")
    return save(figure, path)


def _draw_density(
    axes: Any, points: NDArray[np.float64], values: NDArray[np.float64], name: str, color: str
) -> None:
    from scipy.stats import gaussian_kde

    if np.ptp(values) == 0:  # a density needs a spread; a line says all there is
        axes.axvline(float(values[0]), label=name, color=color, linestyle=":")
        return
    axes.plot(points, gaussian_kde(values, bw_method="scott")(points), label=name, color=color)


def _span(values: dict[str, NDArray[np.float64]], fixed: tuple[float, float] | None) -> tuple[float, float]:
    """Return the range of a paper, widened where values lie outside of it, or that of the values."""
    everything = np.concatenate(list(values.values()))
    low, high = float(everything.min()), float(everything.max())
    if fixed is not None:
        return min(fixed[0], low), max(fixed[1], high)
    margin = 0.1 * (high - low) or 1.0
    return low - margin, high + margin
