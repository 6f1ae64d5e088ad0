"""What the dock's jobs do in their thread: measure noise, probe, inject; no Qt, no layer is touched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from napari_emrestore.core import Monitor, Restorer
    from napari_emrestore.probes import Degradation, InjectionReport, ProbeReport
    from napari_emrestore.probes.stamps import Kind
    from napari_emrestore.widgets.jobs import JobMonitor

_MEASURED_FRAMES, _MEASURED_PX = 8, 1024


@dataclass(frozen=True, slots=True)
class Place:
    """Where models run: device and precision as in `restoration.load_restorer`."""

    device: str
    precision: str

    def load(self, model: str, monitor: Monitor) -> Restorer:
        """Return a restorer; classical ones run on the CPU."""
        from napari_emrestore.restoration import list_classical, load_restorer

        monitor.step(0, 1, f"loading {model}")
        if model in list_classical():
            return load_restorer(model)
        return load_restorer(model, device=self.device, precision=self.precision)


@dataclass(frozen=True, slots=True)
class ProbeOrder:
    """A run over known patterns, as it was asked for; see `probes.run_probes`."""

    probes: tuple[str, ...]
    models: tuple[str, ...]
    degradation: Degradation
    size_px: int
    place: Place

    def run(self, monitor: JobMonitor) -> int:
        """Show every report as it is ready and return how many there were."""
        from napari_emrestore.probes import run_probes

        restorers = [self.place.load(model, monitor) for model in self.models]
        reports = run_probes(
            self.probes, restorers, degradation=self.degradation, size_px=self.size_px, monitor=monitor
        )
        count = 0
        for report in reports:
            monitor.show(report)
            count += 1
        return count


@dataclass(frozen=True, slots=True, eq=False)
class InjectionOrder:
    """An injection into a part of a layer, as it was asked for; see `probes.inject`.

    Attributes
    ----------
    frames : array, shape (N, Y, X)
        As lazy as in the layer.
    first, count : int
        Frames that are used.
    field : tuple of int
        ``(y0, y1, x0, x1)`` of the part that is used.
    """

    frames: Any
    first: int
    count: int
    field: tuple[int, int, int, int]
    model: str
    pattern: Kind
    periods_px: tuple[float, ...]
    contrasts: tuple[float, ...]
    motion_px: float
    place: Place

    def run(self, monitor: JobMonitor) -> InjectionReport:
        """Return what the model keeps of the patterns."""
        from napari_emrestore.probes import inject

        restorer = self.place.load(self.model, monitor)
        y0, y1, x0, x1 = self.field
        frames = np.asarray(self.frames[self.first : self.first + self.count, y0:y1, x0:x1])
        return inject(
            frames,
            restorer,
            rng=np.random.default_rng(0),
            pattern=self.pattern,
            periods_px=self.periods_px,
            contrasts=self.contrasts,
            motion_px=self.motion_px,
            monitor=monitor,
        )


def save(reports: Sequence[ProbeReport], folder: str, monitor: JobMonitor) -> list[Path]:
    """Write reports into a folder and return the paths of the files."""
    from napari_emrestore.probes import write_reports

    return write_reports(reports, folder, monitor=monitor)


def measure(frames: Any, first: int, is_stack: bool, monitor: JobMonitor) -> Degradation:
    """Return noise and levels of a layer's frames ``(N, Y, X)``, on its middle and few frames.

    Parameters
    ----------
    frames : array, shape (N, Y, X)
        As lazy as in the layer.
    first : int
        The frame in view.
    is_stack : bool
        Whether frames follow each other; then up to 8 are compared, else only one is looked at.
    """
    from napari_emrestore.probes import match_degradation

    monitor.step(0, 1, "measuring noise")
    rows, columns = (_middle(length) for length in frames.shape[-2:])
    start = min(first, max(frames.shape[0] - _MEASURED_FRAMES, 0))
    part = np.asarray(frames[start : start + _MEASURED_FRAMES, rows, columns])
    matched = match_degradation(part if is_stack else part[0])
    monitor.step(1, 1, "measuring noise")
    return matched


def _middle(length: int) -> slice:
    start = max(0, (length - _MEASURED_PX) // 2)
    return slice(start, start + _MEASURED_PX)
