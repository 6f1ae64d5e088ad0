"""Keeps the numbers of all regions fresh, off the main thread; a number is shown only for what it was of."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QObject, QTimer, Signal

from napari_emrestore.core import InputError
from napari_emrestore.overview.region_numbers import MeasuredImages, measure_regions
from napari_emrestore.widgets.jobs import Jobs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_emrestore.core import Monitor
    from napari_emrestore.overview.region_numbers import RegionNumbers
    from napari_emrestore.overview.regions import Region, RegionSet

_DELAY_MS = 150
_NEWS_MS = 250
_ROWS = 1024


class Measuring(QObject):
    """Numbers by region; the regions that changed are measured again.

    Signals
    -------
    changed
        Some numbers are new, or gone.
    failed : str
        Why nothing can be measured.
    """

    changed = Signal()
    failed = Signal(str)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.jobs = Jobs(self, quiet=True)
        self.jobs.part.connect(self._take)
        self.jobs.succeeded.connect(self._settle)
        self.jobs.failed.connect(lambda error: self.failed.emit(str(error)))
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_DELAY_MS)
        self._timer.timeout.connect(self._start)
        self._news = QTimer(self)  # gathers what comes at once
        self._news.setSingleShot(True)
        self._news.setInterval(_NEWS_MS)
        self._news.timeout.connect(self.changed)
        self._arguments: dict[str, Any] | None = None
        self._images: MeasuredImages | None = None
        self._regions: tuple[Region, ...] = ()
        self._known: dict[int, tuple[Any, RegionNumbers]] = {}

    def numbers(self) -> dict[int, RegionNumbers]:
        """Return the numbers of the regions as they are now; those that are being measured are missing."""
        return {
            region.id: self._known[region.id][1]
            for region in self._regions
            if region.id in self._known and self._known[region.id][0] == _place(region)
        }

    def measure_on(self, arguments: dict[str, Any] | None) -> None:
        """Measure on other images from now on: arguments of `MeasuredImages`, without the data range."""
        self._arguments, self._images = arguments, None
        self._known.clear()
        self.changed.emit()
        self._timer.start()

    def follow(self, regions: RegionSet | None) -> None:
        """Measure what is new or has moved, soon."""
        self._regions = () if regions is None else regions.regions
        self._timer.start()

    def _start(self) -> None:
        known = self.numbers()
        missing = [region for region in self._regions if region.id not in known]
        if missing and self._arguments is not None:
            self.jobs.start("Measuring regions", partial(_measure, missing, self._arguments, self._images))

    def _take(self, part: tuple[dict[str, Any], Region, RegionNumbers]) -> None:
        arguments, region, numbers = part
        if arguments is self._arguments:
            self._known[region.id] = (_place(region), numbers)
            self._news.start()

    def _settle(self, outcome: tuple[dict[str, Any], MeasuredImages]) -> None:
        """Keep the images with their data range, which need not be found again."""
        if outcome[0] is self._arguments:
            self._images = outcome[1]


def _measure(
    regions: Sequence[Region], arguments: dict[str, Any], images: MeasuredImages | None, monitor: Any
) -> tuple[dict[str, Any], MeasuredImages]:
    if images is None:
        truth = arguments.get("truth")
        span = None if truth is None else _span(truth, monitor)
        images = MeasuredImages(**arguments, data_range=span)
    for region, numbers in measure_regions(regions, images, monitor):
        monitor.show((arguments, region, numbers))
    return arguments, images


def _span(truth: Any, monitor: Monitor) -> float:
    """Return the distance from the smallest to the largest finite pixel, read strip by strip."""
    low, high = np.inf, -np.inf
    height = truth.shape[0]
    for y in range(0, height, _ROWS):
        monitor.step(y, height, "finding the range of the ground truth")
        strip = np.asarray(truth[y : y + _ROWS])
        finite = strip[np.isfinite(strip)]
        if finite.size:
            low, high = min(low, float(finite.min())), max(high, float(finite.max()))
    if not high > low:
        raise InputError(
            "A ground truth must vary over the image",
            came="it is constant or holds no number",
            remedy="Pick another one, or none.",
        )
    return high - low


def _place(region: Region) -> Any:
    return region.kind, region.vertices, region.mask
