"""Restorations of one field side by side: numbers, maps, curves, a bake-off of models and a report.

In: up to eight `Candidate` images ``(Y, X)`` of one field in one unit, perhaps a ground truth, regions of
the field. Out: a `Comparison` whose rows hold SSIM, PSNR, MSE and MAE as they are and matched in grey scale,
the FRC resolution in px and nm and the seconds; a `SegmentationTable`, which says what restoring does to
finding regions; maps of differences; what plots show, and the plots; CSV,
PNG, SVG and one HTML page. `bake_off` makes the candidates, `hide_names` hides who made them.

A number is a score only against a ground truth. Without one it is the change against a named candidate,
and its heading says so. Nothing here registers images that do not lie on one grid; `shared_field` finds what
they share and refuses the others. Comparisons over many degraded images are `pipeline.evaluation`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_emrestore.pipeline.comparison.bakeoff import BakeOff, bake_off
    from napari_emrestore.pipeline.comparison.blind import BlindTest, Vote, hide_names
    from napari_emrestore.pipeline.comparison.candidates import Candidate, Region
    from napari_emrestore.pipeline.comparison.curves import measure_profiles, measure_spectra
    from napari_emrestore.pipeline.comparison.fields import Place, shared_field
    from napari_emrestore.pipeline.comparison.maps import DifferenceMap, difference_map
    from napari_emrestore.pipeline.comparison.numbers import Comparison, Row, compare
    from napari_emrestore.pipeline.comparison.report import ReportContent, write_report
    from napari_emrestore.pipeline.comparison.segmentations import (
        LabelImage,
        SegmentationTable,
        SegmentedRow,
        compare_segmentations,
    )

_HOMES = {
    "BakeOff": "bakeoff",
    "BlindTest": "blind",
    "Candidate": "candidates",
    "Comparison": "numbers",
    "DifferenceMap": "maps",
    "LabelImage": "segmentations",
    "Place": "fields",
    "Region": "candidates",
    "ReportContent": "report",
    "Row": "numbers",
    "SegmentationTable": "segmentations",
    "SegmentedRow": "segmentations",
    "Vote": "blind",
    "bake_off": "bakeoff",
    "compare": "numbers",
    "compare_segmentations": "segmentations",
    "difference_map": "maps",
    "hide_names": "blind",
    "measure_profiles": "curves",
    "measure_spectra": "curves",
    "shared_field": "fields",
    "write_report": "report",
}

__all__ = [
    "BakeOff",
    "BlindTest",
    "Candidate",
    "Comparison",
    "DifferenceMap",
    "LabelImage",
    "Place",
    "Region",
    "ReportContent",
    "Row",
    "SegmentationTable",
    "SegmentedRow",
    "Vote",
    "bake_off",
    "compare",
    "compare_segmentations",
    "difference_map",
    "hide_names",
    "measure_profiles",
    "measure_spectra",
    "shared_field",
    "write_report",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
