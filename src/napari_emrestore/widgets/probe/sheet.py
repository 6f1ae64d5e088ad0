"""Reports as layers: one row per pattern, with pattern, degraded, restored and difference by model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image

from napari_emrestore.core import Acquisition
from napari_emrestore.probes.tables import records
from napari_emrestore.widgets.layers import add_result, image_options, metadata, pixel_size_nm

if TYPE_CHECKING:
    from napari.viewer import Viewer
    from numpy.typing import NDArray

    from napari_emrestore.probes import InjectionReport, ProbeReport, Score

_GAP = 1.06
_SIGNED, _STRENGTH, _SHARE = "PiYG", "inferno", "viridis"
_BEYOND = 0.1
_MOST_KEPT = 1.2


class Sheet:
    """Lays reports out to the right of what the viewer holds.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Gets the layers.
    """

    def __init__(self, viewer: Viewer) -> None:
        self._viewer = viewer
        self._rows: dict[str, list[str]] = {}
        self._places: dict[tuple[str, str], tuple[float, float]] = {}
        self._corner = (0.0, 0.0)
        self._pixel: tuple[float, float] | None = None
        self._where: Image | None = None

    def begin(self) -> None:
        """Start a new sheet beside all layers that are there."""
        self._rows, self._places, self._where = {}, {}, None
        images = [layer for layer in self._viewer.layers if isinstance(layer, Image)]
        self._pixel = pixel_size_nm(images[-1]) if images else None
        if images:
            low, high = self._viewer.layers.extent.world[:, -2:]
            self._corner = float(low[0]), float(high[1] + (_GAP - 1) * (high[1] - low[1]))
        else:
            self._corner = 0.0, 0.0

    def add(self, report: ProbeReport) -> None:
        """Add a report to the row of its pattern."""
        name, row = report.probe.title, self._rows.setdefault(report.probe.name, [])
        frames = report.degradation.frames
        degraded = f"{name} · degraded · {f'mean of {frames}' if frames > 1 else '1 frame'}"
        levels = zip(report.degradation.levels, (-_BEYOND, _BEYOND), strict=True)
        grey = {"contrast_limits": tuple(level + step * report.degradation.span for level, step in levels)}
        most = float(np.nanmax(np.abs(report.difference), initial=0)) or 1.0
        signed = {"contrast_limits": (-most, most), "colormap": _SIGNED}
        for title, image in ((f"{name} · pattern", report.pattern), (degraded, report.given)):
            if title not in row:
                self._put_next(report, image, title, row, **grey)
        self._places[report.probe.name, report.model] = self._next(report, row)
        self._put_next(report, report.restored, f"{name} · {report.model}", row, **grey)
        self._put_next(report, report.difference, f"{name} · {report.model} · minus pattern", row, **signed)
        if len(self._places) == 1:  # later ones leave a person where they look
            self._viewer.reset_view()

    def show_where(self, report: ProbeReport, score: Score) -> None:
        """Lay a map of where a score comes from over the restoration, in the place of an earlier map."""
        place = self._places.get((report.probe.name, report.model))
        if place is None:
            return
        if self._where is not None and self._where in self._viewer.layers:
            self._viewer.layers.remove(self._where)
        most = float(np.abs(score.where).max()) or 1.0
        signed = bool((score.where < 0).any())
        self._where = self._put(
            report,
            score.where,
            f"where · {score.title}, {report.probe.title} · {report.model}",
            place,
            colormap=_SIGNED if signed else _STRENGTH,
            contrast_limits=(-most, most) if signed else (0.0, most),
            opacity=0.8,
        )

    def _next(self, report: ProbeReport, row: list[str]) -> tuple[float, float]:
        """Return the next free place of a row, in world units."""
        side, rows = _GAP * len(report.pattern), list(self._rows)
        y, x = self._pixel or (1.0, 1.0)
        return self._corner[0] + rows.index(report.probe.name) * side * y, self._corner[1] + len(
            row
        ) * side * x

    def _put_next(
        self, report: ProbeReport, image: NDArray[np.float32], title: str, row: list[str], **options: Any
    ) -> None:
        self._put(report, image, title, self._next(report, row), **options)
        row.append(title)

    def _put(
        self,
        report: ProbeReport,
        image: NDArray[np.float32],
        title: str,
        place: tuple[float, float],
        **options: Any,
    ) -> Image:
        acquisition = Acquisition(name=title, pixel_size_nm=self._pixel)
        record = metadata(acquisition, report.provenance, scores=records([report]))
        settings = {
            **image_options(acquisition, stack=False),
            "metadata": record,
            "translate": place,
            **options,
        }
        return self._viewer.add_image(image, **settings)


def add_injection(
    viewer: Viewer, report: InjectionReport, source: Image, model: str, origin_px: tuple[int, int]
) -> None:
    """Add what an injection found as layers on the part of the source that it was done on."""
    name = f"{source.name} · {model}"
    most = float(np.nanmax(np.abs(report.added), initial=0)) or 1.0
    strength = float(np.nanmax(report.invented, initial=0)) or 1.0
    signed = {"contrast_limits": (-most, most), "colormap": _SIGNED}
    panels: list[tuple[str, NDArray[np.float32], dict[str, Any]]] = [
        (f"{name} · with patterns", report.restored, {}),
        (f"{name} · patterns added", report.added, signed),
        (f"{name} · patterns that came back", report.difference, signed),
        (
            f"{name} · invented or smeared",
            report.invented,
            {"contrast_limits": (0.0, max(strength, 0.1 * most)), "colormap": _STRENGTH, "visible": False},
        ),
        (
            f"{name} · share kept",
            report.recall,
            {"contrast_limits": (0.0, _MOST_KEPT), "colormap": _SHARE, "opacity": 0.7, "visible": False},
        ),
    ]
    for title, image, options in panels:
        add_result(viewer, image, source, title, provenance=report.provenance, origin_px=origin_px, **options)
