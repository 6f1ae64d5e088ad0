"""Driving a stage to regions and taking frames there; nothing moves unless all targets are within limits."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from napari_emrestore.core import SILENT, DeviceError, InputError
from napari_emrestore.overview.region_geometry import bounds, centre

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from napari_emrestore.core import Frame, Monitor
    from napari_emrestore.overview.regions import Overview, Region
    from napari_emrestore.overview.targets.stage_map import StageMap

Place = tuple[float, float]

_TOLERANCE_UM = 0.5


class StageDevice(Protocol):
    """A stage with a camera above it, as `cameras.open_stage` gives one."""

    @property
    def name(self) -> str:
        """Its label, for messages."""
        ...

    def position_um(self) -> Place:
        """Return where it is, ``(y, x)``."""
        ...

    def move_to(self, place_um: Place, monitor: Monitor = SILENT) -> Place:
        """Drive there and return where it says it is then."""
        ...

    def snap(self) -> Frame:
        """Return a frame whose exposure began after the call."""
        ...


@dataclass(frozen=True, slots=True)
class StageLimits:
    """Where a stage may go, in micrometres.

    Raises
    ------
    InputError
        If a limit is not finite or a low one not below the high one.
    """

    y_low: float
    y_high: float
    x_low: float
    x_high: float

    def __post_init__(self) -> None:
        if not (-math.inf < self.y_low <= self.y_high < math.inf) or not (
            -math.inf < self.x_low <= self.x_high < math.inf
        ):
            raise InputError("Limits of a stage are finite, the lower first", came=f"{self} came")

    @classmethod
    def of_overview(cls, overview: Overview, stage: StageMap, margin_um: float = 0.0) -> StageLimits:
        """Return the rectangle around an overview, where the stage has been, and a margin around that."""
        y, x = overview.shape[0] - 0.5, overview.shape[1] - 0.5
        corners = stage.to_stage([(-0.5, -0.5), (-0.5, x), (y, -0.5), (y, x)])
        (y0, x0), (y1, x1) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
        return cls(y0 - margin_um, y1 + margin_um, x0 - margin_um, x1 + margin_um)

    def allow(self, place: Place) -> bool:
        """Return whether a place ``(y, x)`` lies within."""
        return self.y_low <= place[0] <= self.y_high and self.x_low <= place[1] <= self.x_high


@dataclass(frozen=True, slots=True)
class Stop:
    """One place to go to for a region.

    Attributes
    ----------
    region_id : int
        The region.
    field : int
        Which of its fields, from 1; a region that fits into one has one.
    place_um : tuple of float
        ``(y, x)`` under the stage.
    """

    region_id: int
    field: int
    place_um: Place


@dataclass(frozen=True, slots=True)
class Arrival:
    """Where a stage came to stand.

    Attributes
    ----------
    stop : Stop
        Where it was sent.
    reached_um : tuple of float
        ``(y, x)`` that it reports.
    off_um : float
        Distance between the two.
    within : bool
        Whether that is within the tolerance.
    """

    stop: Stop
    reached_um: Place
    off_um: float
    within: bool


@dataclass(frozen=True, slots=True, eq=False)
class Visit:
    """An arrival and the frames that were taken there."""

    arrival: Arrival
    frames: tuple[Frame, ...]


def plan_stops(
    regions: Iterable[Region],
    stage: StageMap,
    *,
    field_um: Place | None = None,
    overlap: float = 0.1,
    start_um: Place | None = None,
) -> tuple[Stop, ...]:
    """Return where to go for regions.

    Parameters
    ----------
    regions : iterable of Region
        What to visit.
    stage : StageMap
        From their overview to the stage.
    field_um : tuple of float, optional
        ``(y, x)`` that one frame shows, along the stage's axes; a larger region gets a grid of fields around
        its middle that covers its bounding box. ``None`` visits the middle of each.
    overlap : float
        Share of a field that the next one shows again, from 0 up to 1.
    start_um : tuple of float, optional
        Regions are then visited by the nearest next from there; in their own order without.

    Raises
    ------
    InputError
        If field or overlap are not such numbers.
    """
    if not 0 <= overlap < 1 or (field_um is not None and not all(0 < side < math.inf for side in field_um)):
        raise InputError(
            "A field has positive sides, and fields overlap by a share from 0 up to 1",
            came=f"{field_um} and {overlap} came",
        )
    groups = [_stops_of(one, stage, field_um, overlap) for one in regions]
    if start_um is not None:
        groups = _nearest_next(groups, start_um)
    return tuple(stop for group in groups for stop in group)


def go_there(
    region: Region,
    stage: StageMap,
    device: StageDevice,
    limits: StageLimits,
    *,
    tolerance_um: float = _TOLERANCE_UM,
    approach_um: Place | None = None,
    monitor: Monitor = SILENT,
) -> Arrival:
    """Drive the middle of a region under the beam and check where the stage came to stand.

    Parameters
    ----------
    region : Region
        The target.
    stage : StageMap
        From its overview to the stage.
    device : StageDevice
        The stage.
    limits : StageLimits
        Nothing moves if the target lies outside.
    tolerance_um : float
        How far off it may come to stand.
    approach_um : tuple of float, optional
        Go by way of the target plus this ``(y, x)``, so that backlash is always taken up from the same side.
    monitor : Monitor
        Asked while the stage moves; a request to stop halts it.

    Raises
    ------
    InputError
        If the target lies outside the limits.
    DeviceError
        If the stage does not move or answer.
    Cancelled
        If the monitor asks to stop.
    """
    stop = plan_stops([region], stage)[0]
    check_limits([stop], limits, approach_um)
    return _drive(stop, device, tolerance_um, approach_um, monitor)


def revisit(
    stops: Sequence[Stop],
    device: StageDevice,
    limits: StageLimits,
    *,
    frames: int = 1,
    tolerance_um: float = _TOLERANCE_UM,
    approach_um: Place | None = None,
    monitor: Monitor = SILENT,
) -> Iterator[Visit]:
    """Go to one place after the other and take frames of each.

    A stage that comes to stand beside its target is not stopped by it; the visit's arrival says how far. A
    stage that does not answer ends the round.

    Parameters
    ----------
    stops : sequence of Stop
        Of `plan_stops`.
    device : StageDevice
        Stage and camera.
    limits : StageLimits
        Checked for all stops before anything moves.
    frames : int
        Per stop.
    tolerance_um, approach_um, monitor
        As `go_there`.

    Yields
    ------
    Visit
        As soon as its frames are taken.

    Raises
    ------
    InputError
        If a stop lies outside the limits, or `frames` is not positive.
    DeviceError
        If stage or camera do not answer.
    Cancelled
        If the monitor asks to stop; visits made until then stay.
    """
    if frames < 1:
        raise InputError("A visit takes one frame or more", came=f"{frames} came")
    check_limits(stops, limits, approach_um)
    return _visits(stops, device, frames, tolerance_um, approach_um, monitor)


def check_limits(stops: Sequence[Stop], limits: StageLimits, approach_um: Place | None = None) -> None:
    """Raise `InputError` naming the regions whose places, or ways there, lie outside the limits."""
    aside = approach_um or (0.0, 0.0)
    outside = [
        stop
        for stop in stops
        if not (
            limits.allow(stop.place_um)
            and limits.allow((stop.place_um[0] + aside[0], stop.place_um[1] + aside[1]))
        )
    ]
    if outside:
        numbers = sorted({stop.region_id for stop in outside})
        y, x = outside[0].place_um
        raise InputError(
            f"Targets lie within the limits of the stage, y {limits.y_low:.2f} to {limits.y_high:.2f} µm and "
            f"x {limits.x_low:.2f} to {limits.x_high:.2f} µm",
            item=f"region{'s' if len(numbers) > 1 else ''} {', '.join(map(str, numbers[:8]))}",
            came=f"would need y {y:.2f}, x {x:.2f} µm" + (", approach included" if approach_um else ""),
            remedy="Check the stage map; widen the limits only if the way is free. Nothing has moved.",
        )


def write_visit(visit: Visit, overview: Overview, folder: str | Path) -> Path:
    """Write the frames of a visit as OME-TIFF, with where the stage was sent and where it stood.

    Returns
    -------
    Path
        ``R<region>.ome.tif``, or ``R<region>_<field>.ome.tif`` for the second field on.
    """
    from napari_emrestore.io import write_image

    arrival, stop = visit.arrival, visit.arrival.stop
    place = Path(folder).expanduser()
    place.mkdir(parents=True, exist_ok=True)
    name = f"R{stop.region_id}" + (f"_{stop.field}" if stop.field > 1 else "")
    first = visit.frames[0].acquisition
    facts = {
        "region": stop.region_id,
        "overview": overview.name,
        "stage_asked_um": list(stop.place_um),
        "stage_um": list(arrival.reached_um),
        "stage_off_um": arrival.off_um,
    }
    known = replace(first, name=name, frame_axis="time", extra={**first.extra, **facts})
    pixels = np.stack([frame.data for frame in visit.frames])
    return write_image(place / f"{name}.ome.tif", pixels, known)


def _stops_of(region: Region, stage: StageMap, field_um: Place | None, overlap: float) -> list[Stop]:
    y, x = stage.to_stage(centre(region)).tolist()
    if field_um is None:
        return [Stop(region.id, 1, (y, x))]
    y0, y1, x0, x1 = bounds(region)
    corners = stage.to_stage([(y0, x0), (y0, x1), (y1, x0), (y1, x1)])
    low, high = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
    rows, columns = (_along(a, b, side, overlap) for a, b, side in zip(low, high, field_um, strict=True))
    if len(rows) == len(columns) == 1:
        return [Stop(region.id, 1, (y, x))]
    # there and back, so that the stage never drives over a whole row for nothing
    order = [(y, x) for k, y in enumerate(rows) for x in (columns[::-1] if k % 2 else columns)]
    return [Stop(region.id, number, place) for number, place in enumerate(order, start=1)]


def _along(low: float, high: float, side: float, overlap: float) -> list[float]:
    """Return the middles of the fewest fields that cover a length, evenly about its middle."""
    step = side * (1 - overlap)
    count = 1 + max(0, math.ceil((high - low - side) / step - 1e-9))
    middle = (low + high) / 2
    return [middle + (k - (count - 1) / 2) * step for k in range(count)]


def _nearest_next(groups: list[list[Stop]], start: Place) -> list[list[Stop]]:
    waiting, ordered, here = list(groups), [], start
    while waiting:
        nearest = min(range(len(waiting)), key=lambda k: math.dist(waiting[k][0].place_um, here))
        ordered.append(waiting.pop(nearest))
        here = ordered[-1][-1].place_um
    return ordered


def _visits(
    stops: Sequence[Stop],
    device: StageDevice,
    frames: int,
    tolerance_um: float,
    approach_um: Place | None,
    monitor: Monitor,
) -> Iterator[Visit]:
    total = len(stops) * (frames + 1)
    for number, stop in enumerate(stops):
        note = f"region {stop.region_id}"
        monitor.step(number * (frames + 1), total, note)
        arrival = _drive(stop, device, tolerance_um, approach_um, monitor)
        taken = []
        for k in range(frames):
            monitor.step(number * (frames + 1) + 1 + k, total, note)
            taken.append(device.snap())
        yield Visit(arrival, tuple(taken))
    monitor.step(total, total, "all visited")


def _drive(
    stop: Stop, device: StageDevice, tolerance_um: float, approach_um: Place | None, monitor: Monitor
) -> Arrival:
    y, x = stop.place_um
    if approach_um is not None:
        device.move_to((y + approach_um[0], x + approach_um[1]), monitor)
    reached = device.move_to((y, x), monitor)
    if not all(map(math.isfinite, reached)):
        raise DeviceError("A stage says where it is", item=device.name, came=f"says {reached}")
    off = math.dist(reached, (y, x))
    return Arrival(stop, reached, off, off <= tolerance_um)
