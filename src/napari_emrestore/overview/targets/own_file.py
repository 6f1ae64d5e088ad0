"""Our own file of regions, as a row of the table: nothing is lost, and none of it needs converting."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from napari_emrestore.core import InputError
from napari_emrestore.overview.region_files import read_regions, write_regions
from napari_emrestore.overview.targets.gathering import Imported

if TYPE_CHECKING:
    from pathlib import Path

    from napari_emrestore.overview.regions import Overview, RegionSet
    from napari_emrestore.overview.targets.stage_map import StageMap


def write(path: Path, regions: RegionSet, stage: StageMap | None) -> tuple[str, ...]:
    """Write all there is."""
    write_regions(regions, path)
    return ()


def read(path: Path, overview: Overview, stage: StageMap | None) -> Imported:
    """Return the regions, if they were drawn on an overview of this size.

    Raises
    ------
    InputError
        If the overview they were drawn on has another shape.
    """
    regions = read_regions(path)
    if regions.overview.shape != overview.shape:
        raise InputError(
            f"Regions of an overview of {overview.shape} are needed",
            item=path.name,
            came=f"was drawn on {regions.overview.name!r}, {regions.overview.shape}",
        )
    return Imported(replace(regions, overview=overview))
