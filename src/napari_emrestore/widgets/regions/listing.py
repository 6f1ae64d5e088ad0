"""Which regions the list shows, in which order, and what their rows say; no Qt."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_emrestore.overview.region_numbers import RegionNumbers
    from napari_emrestore.overview.regions import Region, RegionSet

Status = Literal["all", "accepted", "proposed"]
STATUSES: dict[Status, str] = {"all": "All", "accepted": "Accepted", "proposed": "Proposed"}
SORTS: dict[str, str] = {
    "id": "Number",
    "class_name": "Class",
    "kind": "Shape",
    "confidence": "Confidence",
    "time": "Last changed",
    "area_px": "Area",
    "raw_mean": "Mean",
    "raw_contrast": "Contrast",
    "raw_cnr": "Contrast/noise",
    "ssim": "SSIM",
    "psnr_db": "PSNR",
    "residual_to_noise": "Change/noise",
    "residual_structure": "Structure in change",
    "map_confidence": "Restoration confidence",
    "registration_px": "Registration residual",
    "frames": "Frames",
}
_OF_REGION = ("id", "class_name", "kind", "confidence", "time")


@dataclass(frozen=True, slots=True)
class Shown:
    """Order and choice of the list.

    Attributes
    ----------
    sort : str
        A key of `SORTS`; regions without that number come last.
    descending : bool
        Largest first.
    status : {"all", "accepted", "proposed"}
        Which ones.
    class_name : str
        Only those of a class; empty for all.
    text : str
        Only those whose number, class or note holds this; empty for all.
    least_confidence : float
        Only those of this confidence or more; at 0 also those without one.
    """

    sort: str = "id"
    descending: bool = False
    status: Status = "all"
    class_name: str = ""
    text: str = ""
    least_confidence: float = 0.0


def listed(regions: RegionSet, numbers: Mapping[int, RegionNumbers], shown: Shown) -> list[int]:
    """Return the numbers of the regions that are listed, in order."""
    chosen = [region for region in regions.regions if _wanted(region, shown)]
    keyed = [(_key(region, numbers.get(region.id), shown.sort), region.id) for region in chosen]
    known = [(key, number) for key, number in keyed if key is not None]
    known.sort(reverse=shown.descending)
    return [number for _, number in known] + [number for key, number in keyed if key is None]


def size_text(numbers: RegionNumbers) -> str:
    """Return height × width of a region in the unit that suits it."""
    if numbers.height_px == numbers.width_px == 0:
        return "point"
    if numbers.height_nm is None or numbers.width_nm is None:
        return f"{numbers.height_px:.4g} × {numbers.width_px:.4g} px"
    return length_text(numbers.height_nm, numbers.width_nm)


def length_text(*lengths_nm: float) -> str:
    """Return lengths with one unit: nm, from 1000 on µm."""
    if max(lengths_nm) < 1000:
        return " × ".join(f"{length:.4g}" for length in lengths_nm) + " nm"
    return " × ".join(f"{length / 1000:.4g}" for length in lengths_nm) + " µm"


def rows_of(numbers: RegionNumbers) -> list[tuple[str, str, str]]:
    """Return ``(what, value, what it means)`` of everything that was measured in a region."""
    area = [] if numbers.area_um2 is None else [("Area", f"{numbers.area_um2:.4g} µm²", "")]
    if numbers.area_um2 is None and numbers.area_px:
        area = [("Area", f"{numbers.area_px:.6g} px", "")]
    diameter = (
        []
        if not numbers.diameter_nm
        else [("Diameter", length_text(numbers.diameter_nm), "Of a circle of that area")]
    )
    measured = [
        (what, _text(getattr(numbers, name), digits), meaning)
        for name, (what, digits, meaning) in _MEASURED.items()
        if getattr(numbers, name) is not None
    ]
    return [
        ("Size", size_text(numbers), "Height × width of the upright box around it"),
        *area,
        *diameter,
        *measured,
    ]


_MEASURED: dict[str, tuple[str, int, str]] = {
    "raw_mean": ("Mean, raw", 5, "Over its finite pixels, input units; of a point those within 5 px"),
    "restored_mean": ("Mean, restored", 5, "Over its finite pixels, input units"),
    "raw_contrast": ("Contrast, raw", 4, "Mean inside minus mean of the ring around it, input units"),
    "restored_contrast": (
        "Contrast, restored",
        4,
        "Mean inside minus mean of the ring around it, input units",
    ),
    "raw_cnr": ("C/N, raw", 3, "Contrast to noise: contrast over the standard deviation of the ring"),
    "restored_cnr": (
        "C/N, restored",
        3,
        "Contrast to noise: contrast over the standard deviation of the ring",
    ),
    "ssim": ("SSIM", 4, "Against the ground truth, within the region"),
    "psnr_db": ("PSNR [dB]", 4, "Against the ground truth, within the region"),
    "residual_rms": ("Change", 4, "Root mean square of restored minus raw, input units"),
    "residual_to_noise": (
        "Change/noise",
        3,
        "About 1: the restoration took away no more than the noise measured here. Above: it changed more.",
    ),
    "residual_structure": (
        "Structure in change",
        2,
        "Correlation of the change with its neighbours. 0: noise alone. Above: structure was added or "
        "taken away, or the raw noise was smooth already.",
    ),
    "confidence": ("Restoration confidence", 3, "Mean of the confidence map"),
    "frames": ("Frames", 3, "Mean number of frames that cover it"),
    "registration_px": ("Registration [px]", 3, "Mean of the mosaic's map"),
}


def _text(value: float, digits: int) -> str:
    return "∞" if math.isinf(value) else f"{value:.{digits}g}"


def _wanted(region: Region, shown: Shown) -> bool:
    if shown.status != "all" and region.accepted != (shown.status == "accepted"):
        return False
    if shown.class_name and region.class_name != shown.class_name:
        return False
    if shown.least_confidence > 0 and (region.confidence or 0.0) < shown.least_confidence:
        return False
    text = shown.text.strip().lower()
    return not text or text in f"{region.id} {region.class_name} {region.note}".lower()


def _key(region: Region, numbers: RegionNumbers | None, sort: str) -> Any:
    """Return what a region is sorted by; None where it has no such number."""
    if sort in _OF_REGION:
        return getattr(region, sort)
    value = None if numbers is None else getattr(numbers, "confidence" if sort == "map_confidence" else sort)
    return None if value is None or math.isnan(value) else value
