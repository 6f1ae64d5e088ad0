"""Many frames of a moving stage become one overview; places in it become targets at the microscope.

In: frames ``(Y, X)`` of a `core.FrameSource` in detector units, with stage positions if they are known. Out:
a layout that says where every frame lies (pixels, ``(y, x)``), a mosaic on disk in input units with its maps,
and regions of interest with where they are on the mosaic and under the stage.

What it does not do: align two images (`registration`), restore a burst (`restoration`), move a stage
(`cameras`), show anything.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_emrestore.overview.assembling import MosaicSettings, assemble, place_frames
    from napari_emrestore.overview.composing import mosaic_tile
    from napari_emrestore.overview.laying import lay_out
    from napari_emrestore.overview.layout import Layout
    from napari_emrestore.overview.mosaic_files import Mosaic, open_mosaic
    from napari_emrestore.overview.planning import MosaicPlan, plan_mosaic
    from napari_emrestore.overview.proposing import Blobs, Brightness, Likeness, Proposals, propose
    from napari_emrestore.overview.region_files import read_regions, write_regions
    from napari_emrestore.overview.region_masks import RegionMask
    from napari_emrestore.overview.region_numbers import MeasuredImages, RegionNumbers, measure_regions
    from napari_emrestore.overview.regions import Overview, Region, RegionClass, RegionSet
    from napari_emrestore.overview.targets import export_rois, import_rois
    from napari_emrestore.overview.tracking import Tracker

_HOMES = {
    "Blobs": "proposing",
    "Brightness": "proposing",
    "Layout": "layout",
    "Likeness": "proposing",
    "MeasuredImages": "region_numbers",
    "Mosaic": "mosaic_files",
    "MosaicPlan": "planning",
    "MosaicSettings": "assembling",
    "Overview": "regions",
    "Proposals": "proposing",
    "Region": "regions",
    "RegionClass": "regions",
    "RegionMask": "region_masks",
    "RegionNumbers": "region_numbers",
    "RegionSet": "regions",
    "Tracker": "tracking",
    "assemble": "assembling",
    "export_rois": "targets",
    "import_rois": "targets",
    "lay_out": "laying",
    "measure_regions": "region_numbers",
    "mosaic_tile": "composing",
    "open_mosaic": "mosaic_files",
    "place_frames": "assembling",
    "plan_mosaic": "planning",
    "propose": "proposing",
    "read_regions": "region_files",
    "write_regions": "region_files",
}

__all__ = [
    "Blobs",
    "Brightness",
    "Layout",
    "Likeness",
    "MeasuredImages",
    "Mosaic",
    "MosaicPlan",
    "MosaicSettings",
    "Overview",
    "Proposals",
    "Region",
    "RegionClass",
    "RegionMask",
    "RegionNumbers",
    "RegionSet",
    "Tracker",
    "assemble",
    "export_rois",
    "import_rois",
    "lay_out",
    "measure_regions",
    "mosaic_tile",
    "open_mosaic",
    "place_frames",
    "plan_mosaic",
    "propose",
    "read_regions",
    "write_regions",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
