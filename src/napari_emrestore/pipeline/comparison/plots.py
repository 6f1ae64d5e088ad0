"""Plots of a comparison, drawn into figures that the dock shows and the report embeds."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import cycle
from math import floor, inf, log10
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.core import InputError
from napari_emrestore.io.staging import staged

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from napari_emrestore.metrics import Histograms
    from napari_emrestore.pipeline.comparison.candidates import Candidate
    from napari_emrestore.pipeline.comparison.curves import MeasuredProfile, Spectra

# Okabe and Ito's colours, which colour-blind people tell apart; grey stands for their black, so that all
# show on a light and on a dark ground.
_COLOURS = ("#E69F00", "#56B4E9", "#009E73", "#CC79A7", "#D55E00", "#0072B2", "#F0E442", "#999999")
_DPI = 150
_LETTERS_PER_INCH = 12  # of the legend, its line samples counted off
_PICTURE_INCHES = 2.6
_MOST_SHOWN_PX = 640
_SUFFIXES = (".png", ".svg", ".pdf")


@dataclass(frozen=True, slots=True)
class Look:
    """Colours of a plot, as any matplotlib colour.

    Attributes
    ----------
    foreground, background, shade : str
        Text and lines; paper; the range where nothing was measured.
    """

    foreground: str = "black"
    background: str = "white"
    shade: str = "0.8"


PAPER = Look()


def draw_profiles(
    figure: Figure, profiles: Mapping[str, MeasuredProfile], *, truth: str = "", look: Look = PAPER
) -> None:
    """Draw the line profiles of candidates, with edge widths and diameters in the legend."""
    axes = _fresh(figure, look)
    nm = next(iter(profiles.values())).profile.nm_per_px
    for name, colour in _coloured(profiles):
        line = profiles[name].profile
        axes.plot(
            line.distance_px * (nm or 1.0),
            line.intensity,
            label=_measured_label(name, profiles[name]),
            **_pen(name, truth, colour, look),
        )
    axes.set_xlabel("distance (nm)" if nm else "distance (px)")
    axes.set_ylabel("intensity")
    _finish(axes, look)


def draw_histograms(figure: Figure, histograms: Histograms, *, truth: str = "", look: Look = PAPER) -> None:
    """Draw the histograms of candidates over common bins."""
    axes = _fresh(figure, look)
    for name, colour in _coloured(histograms.shares):
        share = histograms.shares[name]
        axes.stairs(
            np.where(share > 0, share, np.nan),
            histograms.edges,
            label=name,
            baseline=None,
            **_pen(name, truth, colour, look),
        )
    axes.set_yscale("log")
    axes.set_xlabel("intensity")
    axes.set_ylabel("share of pixels")
    _finish(axes, look)


def draw_power(figure: Figure, spectra: Spectra, *, truth: str = "", look: Look = PAPER) -> None:
    """Draw the radial power spectra; the range beyond the measured limit is shaded."""
    axes = _fresh(figure, look)
    for name, colour in _coloured(spectra.power):
        curve = spectra.power[name]
        power = np.where(curve.power > 0, curve.power, np.nan)
        axes.semilogy(curve.frequency_per_px[1:], power[1:], label=name, **_pen(name, truth, colour, look))
    axes.set_ylabel("power per pixel")
    _finish_frequencies(axes, spectra, look)


def draw_correlations(figure: Figure, spectra: Spectra, *, look: Look = PAPER) -> None:
    """Draw the Fourier ring correlations; the range beyond the measured limit is shaded."""
    axes = _fresh(figure, look)
    for name, colour in _coloured(spectra.power):
        if name in spectra.correlations:
            curve = spectra.correlations[name]
            axes.plot(curve.frequency_per_px, curve.correlation, label=name, color=colour, linewidth=1.4)
    axes.axhline(1 / 7, color=look.foreground, linewidth=0.8, linestyle=":")
    axes.set_ylim(-0.1, 1.05)
    axes.set_ylabel("correlation with truth" if spectra.against_truth else "correlation of two halves")
    _finish_frequencies(axes, spectra, look)


def draw_pictures(
    figure: Figure,
    images: Sequence[Candidate],
    *,
    limits: tuple[float, float] | None = None,
    colormap: str = "gray",
    columns: int = 4,
) -> None:
    """Draw images under their names, all over one grey range.

    Parameters
    ----------
    figure : Figure
        Emptied before; its size is set to fit.
    images : sequence of Candidate
        Images of one field; large ones are thinned out to about 640 px, for looking only.
    limits : tuple of float, optional
        Black and white; ``None`` takes 0.5 to 99.5 percent of the last image.
    colormap : str
        Of matplotlib.
    columns : int
        Pictures in a row.
    """
    figure.clear()
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    height, width = images[0].image.shape
    low, high = np.nanpercentile(images[-1].image, [0.5, 99.5]) if limits is None else limits
    figure.set_size_inches(
        columns * _PICTURE_INCHES, rows * (_PICTURE_INCHES * min(height / width, 2.0) + 0.35)
    )
    step = max(1, -(-max(height, width) // _MOST_SHOWN_PX))
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in panels:
        axes.set_axis_off()
    for axes, candidate in zip(panels, images, strict=False):
        axes.imshow(
            candidate.image[::step, ::step], cmap=colormap, vmin=low, vmax=high, interpolation="nearest"
        )
        axes.set_title(candidate.name, fontsize=8)


def new_figure(width_inches: float = 6.0, height_inches: float = 3.6) -> Figure:
    """Return an empty figure that belongs to no window and to no global list of figures."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width_inches, height_inches), layout="constrained")


def save_figure(figure: Figure, path: str | Path) -> Path:
    """Write a figure as ``.png``, ``.svg`` or ``.pdf`` and return its path.

    Raises
    ------
    InputError, WriteError
        If the name ends in anything else, or the folder does not exist or cannot be written.
    """
    target = Path(path)
    if target.suffix.lower() not in _SUFFIXES:
        raise InputError(
            f"A plot is written as {', '.join(_SUFFIXES)}",
            item=str(target),
            came=f"ends in {target.suffix!r}",
        )
    with staged(target) as draft:
        figure.savefig(draft, format=target.suffix[1:].lower(), dpi=_DPI)
    return target


def _fresh(figure: Figure, look: Look) -> Axes:
    figure.clear()
    figure.set_facecolor(look.background)
    axes = figure.add_subplot()
    axes.set_facecolor(look.background)
    axes.tick_params(colors=look.foreground, labelsize=8, which="both")
    for part in (axes.xaxis.label, axes.yaxis.label):
        part.set_color(look.foreground)
        part.set_fontsize(9)
    for name, spine in axes.spines.items():
        spine.set_color(look.foreground)
        spine.set_visible(name in ("left", "bottom"))
    return axes


def _coloured(names: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return names with their colours, which depend on the order only."""
    return list(zip(names, cycle(_COLOURS), strict=False))


def _pen(name: str, truth: str, colour: str, look: Look) -> dict[str, Any]:
    if name == truth:
        return {"color": look.foreground, "linewidth": 1.2, "linestyle": "--"}
    return {"color": colour, "linewidth": 1.4}


def _finish(axes: Axes, look: Look) -> None:
    """Put the legend above the curves, where it hides none of them."""
    handles, labels = axes.get_legend_handles_labels()
    width_inches = axes.figure.get_window_extent().width / axes.figure.get_dpi()
    letters = int(width_inches * _LETTERS_PER_INCH)
    columns = 2 if 2 * max(map(len, labels), default=0) < letters else 1
    axes.figure.legend(
        handles,
        [fill(label, letters) for label in labels],
        loc="outside upper left",
        fontsize=8,
        frameon=False,
        labelcolor=look.foreground,
        ncols=columns,
    )


def _finish_frequencies(axes: Axes, spectra: Spectra, look: Look) -> None:
    axes.set_xlim(0, 0.5)
    axes.set_xlabel("spatial frequency (cycles per px)")
    limit = spectra.limit_per_px
    if limit is not None and limit < 0.5:
        axes.axvspan(limit, 0.5, color=look.shade, alpha=0.5, linewidth=0, zorder=0)
        axes.text(
            (limit + 0.5) / 2,
            0.97,
            f"not measured\n(limit of {spectra.limit_of})",
            transform=axes.get_xaxis_transform(),
            ha="center",
            va="top",
            fontsize=7,
            color=look.foreground,
        )
    _finish(axes, look)


def _measured_label(name: str, measured: MeasuredProfile) -> str:
    """Return a name with the widths that could be measured."""
    parts = []
    if measured.edge is not None:
        edge = measured.edge
        parts.append(
            f"edge {_length(edge.width_px, edge.width_error_px, edge.width_nm, edge.width_error_nm)}"
        )
    if measured.particle is not None:
        ball = measured.particle
        parts.append(
            f"Ø {_length(ball.diameter_px, ball.diameter_error_px, ball.diameter_nm, ball.diameter_error_nm)}"
        )
    return f"{name}: {', '.join(parts)}" if parts else name


def _length(px: float, error_px: float, nm: float | None, error_nm: float | None) -> str:
    value, error, unit = (px, error_px, "px") if nm is None or error_nm is None else (nm, error_nm, "nm")
    decimals = min(2, max(0, -floor(log10(error)))) if 0 < error < inf else 2
    return f"{value:.{decimals}f} ± {error:.{decimals}f} {unit}"
