"""What camera and microscope makers hide in TIFF tags: pixel size, exposure, conditions.

Print resolutions (72 dpi and the like) are no pixel sizes and are never used as one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from napari_emrestore.io.units import pixel_size_nm, to_ms

if TYPE_CHECKING:
    from collections.abc import Mapping

    import tifffile

# tag numbers of DigitalMicrograph's TIFF export: unit text and size per pixel, for x and y
_DM_UNITS = (65003, 65004)
_DM_SIZES = (65009, 65010)
_OLYMPUS_TAGS = (33560, 33471)
# the first structure of Zeiss' tag gives the pixel size of the image scaled to 1024 columns, in metres
_ZEISS_REFERENCE_COLUMNS = 1024


@dataclass(frozen=True, slots=True)
class Facts:
    """What a file says about its acquisition, before it is known which axis is which.

    Attributes
    ----------
    name : str
        Empty if the file names none.
    pixel_size_nm : tuple of float, optional
        ``(y, x)``.
    exposure_ms, dose_e : float, optional
        As in `Acquisition`.
    frame_step, frame_unit
        Distance between frames with its unit, as written in the file.
    extra : mapping
        Plain JSON values.
    """

    name: str = ""
    pixel_size_nm: tuple[float, float] | None = None
    exposure_ms: float | None = None
    dose_e: float | None = None
    frame_step: Any = None
    frame_unit: Any = None
    extra: Mapping[str, Any] = field(default_factory=dict)


def vendor_facts(tiff: tifffile.TiffFile, page: Any) -> Facts:
    """Return what the maker's own tags of a TIFF file say; empty facts for a plain TIFF."""
    for metadata, read in (
        (tiff.fei_metadata, _fei),
        (tiff.sem_metadata, _zeiss),
        (tiff.tvips_metadata, _tvips),
        (_olympus_tag(page), _olympus),
        (tiff.imagej_metadata, _imagej),
    ):
        if metadata:
            return read(metadata, page)
    return _digital_micrograph(page)


def _fei(fei: Mapping[str, Any], _page: Any) -> Facts:
    image, scan = fei.get("Image", {}), fei.get("Scan", {})
    beam = fei.get(str(fei.get("Beam", {}).get("Beam", "")), {})
    size = pixel_size_nm(scan.get("PixelHeight"), scan.get("PixelWidth"), "m", "m")
    if size is None:
        infrared = fei.get("IRBeam", {})
        size = _field_size(infrared, image)
    extra = {
        "maker": "FEI",
        "high_tension_v": beam.get("HV"),
        "dwell_time_us": _scaled(scan.get("Dwelltime"), 1e6),
        "info_bar_px": fei.get("PrivateFei", {}).get("DatabarHeight") or None,
    }
    return Facts(pixel_size_nm=size, exposure_ms=to_ms(scan.get("FrameTime"), "s"), extra=_known(extra))


def _field_size(beam: Mapping[str, Any], image: Mapping[str, Any]) -> tuple[float, float] | None:
    columns, rows = image.get("ResolutionX"), image.get("ResolutionY")
    if not columns or not rows:
        return None
    return pixel_size_nm(_scaled(beam.get("VFW"), 1 / rows), _scaled(beam.get("HFW"), 1 / columns), "m", "m")


def _zeiss(sem: Mapping[str, Any], page: Any) -> Facts:
    structure = sem.get("", ())
    size = None
    if len(structure) > 3:
        metres = _scaled(structure[3], _ZEISS_REFERENCE_COLUMNS / page.imagewidth)
        size = pixel_size_nm(metres, metres, "m", "m")
    cycle = sem.get("ap_frame_time", ())
    tension = sem.get("ap_actualkv", ())
    extra = {"maker": "Zeiss", "high_tension_v": _scaled(tension[1], 1e3) if len(tension) > 1 else None}
    unit = {"Secs": "s"}.get(cycle[2], cycle[2]) if len(cycle) > 2 else None
    exposure = to_ms(cycle[1], unit) if len(cycle) > 2 else None
    return Facts(pixel_size_nm=size, exposure_ms=exposure, extra=_known(extra))


def _tvips(tvips: Mapping[str, Any], _page: Any) -> Facts:
    size = pixel_size_nm(tvips.get("PixelSizeY"), tvips.get("PixelSizeX"), "nm", "nm")
    extra = {
        "maker": "TVIPS",
        "high_tension_v": tvips.get("TemHighTension") or None,
        "magnification": tvips.get("TemMagnification") or None,
    }
    exposure = to_ms(tvips.get("ExposureTime"), "ms")
    return Facts(str(tvips.get("ImageName", "")), size, exposure, extra=_known(extra))


def _olympus_tag(page: Any) -> Any:
    found = [page.tags[code].value for code in _OLYMPUS_TAGS if code in page.tags]
    return next((value for value in found if isinstance(value, dict)), None)


def _olympus(sis: Mapping[str, Any], _page: Any) -> Facts:
    size = pixel_size_nm(sis.get("pixelsizey"), sis.get("pixelsizex"), "m", "m")
    extra = {"maker": "Olympus", "magnification": sis.get("magnification") or None}
    return Facts(str(sis.get("name", "")), size, extra=_known(extra))


def _imagej(imagej: Mapping[str, Any], page: Any) -> Facts:
    # ImageJ writes µ as a \u escape, and its resolution tag counts pixels per unit
    unit = str(imagej.get("unit", "")).replace("\\u00B5", "µ").replace("\\u00b5", "µ")
    size = pixel_size_nm(_per_unit(page, "YResolution"), _per_unit(page, "XResolution"), unit, unit)
    step, step_unit = imagej.get("finterval"), imagej.get("tunit", "s")
    if not step and imagej.get("slices"):
        step, step_unit = imagej.get("spacing"), unit
    return Facts(pixel_size_nm=size, frame_step=step, frame_unit=step_unit)


def _per_unit(page: Any, tag: str) -> float | None:
    if tag not in page.tags:
        return None
    pixels, units = page.tags[tag].value
    return units / pixels if pixels else None


def _digital_micrograph(page: Any) -> Facts:
    if any(code not in page.tags for code in (*_DM_UNITS, *_DM_SIZES)):
        return Facts()
    x_unit, y_unit = (str(page.tags[code].value) for code in _DM_UNITS)
    x, y = (page.tags[code].value for code in _DM_SIZES)
    return Facts(pixel_size_nm=pixel_size_nm(y, x, y_unit, x_unit), extra={"maker": "Gatan"})


def _scaled(value: Any, factor: float) -> float | None:
    return float(value) * factor if isinstance(value, int | float) else None


def _known(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in facts.items() if value is not None}
