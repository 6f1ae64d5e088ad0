"""What the way to the microscope says about stages and rounds of visits; no Qt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_emrestore.core import EmRestoreError

if TYPE_CHECKING:
    from napari_emrestore.cameras.micromanager_stage import MicroManagerStage
    from napari_emrestore.overview.targets.visiting import Arrival
    from napari_emrestore.widgets.regions.targets.errands import Round


def counted(count: int, what: str) -> str:
    """Return a number of things in words."""
    return f"{count} {what}{'' if count == 1 else 's'}"


def where(stage: MicroManagerStage) -> str:
    """Return where a stage stands, or why it does not say so."""
    try:
        y, x = stage.position_um()
    except EmRestoreError as error:
        return str(error)
    return f"The stage stands at y {y:.2f}, x {x:.2f} µm."


def arrived(arrival: Arrival) -> str:
    """Return where a stage came to stand for a region, and whether that is near enough."""
    y, x = arrival.reached_um
    verdict = "" if arrival.within else " That is beyond the tolerance of 0.5 µm: check the stage."
    return (
        f"Region {arrival.stop.region_id}: the stage stands at y {y:.2f}, x {x:.2f} µm, "
        f"{arrival.off_um:.2g} µm off.{verdict}"
    )


def went(made: Round) -> str:
    """Return what a round of visits has brought, and which places were not reached."""
    if not made.arrivals:
        return f"None of {counted(made.total, 'place')} was visited."
    worst = max(arrival.off_um for arrival in made.arrivals)
    beside = [str(arrival.stop.region_id) for arrival in made.arrivals if not arrival.within]
    count = f"{len(made.arrivals)} of " if len(made.arrivals) < made.total else ""
    text = (
        f"{count}{counted(made.total, 'place')} visited, at most {worst:.2g} µm off; "
        f"frames are in {made.folder}."
    )
    if not beside:
        return text
    return f"{text} Beyond the tolerance of 0.5 µm: region {', '.join(beside)}. Check the stage."
