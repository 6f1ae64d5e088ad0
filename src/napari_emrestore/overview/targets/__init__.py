"""Regions of an overview become targets at the microscope, and targets from elsewhere become regions.

In: a `RegionSet` (pixels ``(y, x)``, centres at integers) and, for formats that speak of the stage, a
`StageMap` from pixels to micrometres ``(y, x)`` as the stage counts them. Out: files that SerialEM,
Micro-Manager, pymmcore-plus, QuPath and training programs read, each with the origin and order of its own;
the same back in; and visits of a Micro-Manager stage, never beyond its limits without saying so.

What it does not do: propose regions, realign to them, or know how high the stage must be in a place.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_emrestore.overview.targets.catalogue import (
        TARGET_FORMATS,
        Exported,
        TargetFormat,
        detect_format,
        export_rois,
        format_options,
        import_rois,
        target_format,
    )
    from napari_emrestore.overview.targets.fitting import fit_stage_map
    from napari_emrestore.overview.targets.from_frames import stage_map_of_layout, stage_map_of_mosaic
    from napari_emrestore.overview.targets.gathering import Imported, join
    from napari_emrestore.overview.targets.stage_map import (
        StageFit,
        StageMap,
        read_stage_map,
        write_stage_map,
    )

_HOMES = {
    "TARGET_FORMATS": "catalogue",
    "Exported": "catalogue",
    "Imported": "gathering",
    "StageFit": "stage_map",
    "StageMap": "stage_map",
    "TargetFormat": "catalogue",
    "detect_format": "catalogue",
    "export_rois": "catalogue",
    "fit_stage_map": "fitting",
    "format_options": "catalogue",
    "import_rois": "catalogue",
    "join": "gathering",
    "read_stage_map": "stage_map",
    "stage_map_of_layout": "from_frames",
    "stage_map_of_mosaic": "from_frames",
    "target_format": "catalogue",
    "write_stage_map": "stage_map",
}

__all__ = [
    "TARGET_FORMATS",
    "Exported",
    "Imported",
    "StageFit",
    "StageMap",
    "TargetFormat",
    "detect_format",
    "export_rois",
    "fit_stage_map",
    "format_options",
    "import_rois",
    "join",
    "read_stage_map",
    "stage_map_of_layout",
    "stage_map_of_mosaic",
    "target_format",
    "write_stage_map",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
