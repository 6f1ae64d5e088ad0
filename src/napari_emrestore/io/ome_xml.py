"""OME-XML as OME-TIFF files carry it: pixel size, timing and our own record in, the same out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import tifffile

from napari_emrestore.io.records import RECORD_KEY, Record
from napari_emrestore.io.units import pixel_size_nm, to_ms

if TYPE_CHECKING:
    import numpy as np

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class OmeImage:
    """What OME-XML says about one image.

    Attributes
    ----------
    name : str
        Empty if the file names none.
    pixel_size_nm : tuple of float, optional
        ``(y, x)``.
    exposure_ms : float, optional
        Exposure of the first plane.
    frame_step, frame_unit
        Time increment, or plane distance where there is no time axis, with its unit.
    record : Record, optional
        Present in files that this package wrote.
    """

    name: str = ""
    pixel_size_nm: tuple[float, float] | None = None
    exposure_ms: float | None = None
    frame_step: str | None = None
    frame_unit: str = ""
    record: Record | None = None


def read_ome(text: str | None, index: int) -> OmeImage | None:
    """Return what an OME-XML text says about image number `index`; None without such a text."""
    if not text:
        return None
    root = ElementTree.fromstring(text)
    images = root.findall("{*}Image")
    if index >= len(images):
        return OmeImage()
    image, pixels = images[index], images[index].find("{*}Pixels")
    get: Any = {}.get if pixels is None else pixels.get
    is_series = int(get("SizeT", 1)) > 1
    return OmeImage(
        name=image.get("Name", ""),
        # the OME schema names these defaults, so a missing unit is not an unknown one
        pixel_size_nm=pixel_size_nm(
            get("PhysicalSizeY"),
            get("PhysicalSizeX"),
            get("PhysicalSizeYUnit", "µm"),
            get("PhysicalSizeXUnit", "µm"),
        ),
        exposure_ms=None if pixels is None else _exposure_ms(pixels),
        frame_step=get("TimeIncrement") if is_series else get("PhysicalSizeZ"),
        frame_unit=get("TimeIncrementUnit", "s") if is_series else get("PhysicalSizeZUnit", "µm"),
        record=_record(root),
    )


def _exposure_ms(pixels: ElementTree.Element) -> float | None:
    plane = pixels.find("{*}Plane")
    return None if plane is None else to_ms(plane.get("ExposureTime"), plane.get("ExposureTimeUnit", "s"))


def _record(root: ElementTree.Element) -> Record | None:
    for note in root.iterfind("{*}StructuredAnnotations/{*}CommentAnnotation"):
        if note.get("Namespace") == RECORD_KEY:
            return Record.from_json(note.findtext("{*}Value", ""))
    return None


def write_ome(record: Record, shape: tuple[int, int, int], dtype: np.dtype[Any], is_stack: bool) -> bytes:
    """Return the OME-XML for a stack with our record inside, for the first page's description.

    Parameters
    ----------
    record : Record
        What the file is to say.
    shape : tuple of int
        ``(N, Y, X)``.
    dtype : dtype
        As stored.
    is_stack : bool
        Whether the frame axis is named even when it has length 1.
    """
    known = record.acquisition
    frame_letter = "Z" if known.frame_axis == "z" else "T"
    facts: dict[str, Any] = {
        "Name": _NOT_XML.sub("", known.name),
        "CommentAnnotation": {"Namespace": RECORD_KEY, "Value": record.to_json()},
    }
    if known.pixel_size_nm is not None:
        y, x = known.pixel_size_nm
        facts |= {
            "PhysicalSizeY": y,
            "PhysicalSizeYUnit": "nm",
            "PhysicalSizeX": x,
            "PhysicalSizeXUnit": "nm",
        }
    if known.frame_step is not None and known.frame_axis == "z":
        facts |= {"PhysicalSizeZ": known.frame_step, "PhysicalSizeZUnit": "nm"}
    if known.frame_step is not None and known.frame_axis == "time":
        facts |= {"TimeIncrement": known.frame_step, "TimeIncrementUnit": "ms"}
    if known.exposure_ms is not None:
        facts["Plane"] = {
            "ExposureTime": [known.exposure_ms] * shape[0],
            "ExposureTimeUnit": ["ms"] * shape[0],
        }
    ome = tifffile.OmeXml(Creator=RECORD_KEY)
    count, height, width = shape
    stored = (count, 1, 1, height, width, 1)
    if is_stack:
        ome.addimage(dtype, shape, stored, axes=f"{frame_letter}YX", **facts)
    else:
        ome.addimage(dtype, shape[1:], stored, axes="YX", **facts)
    return ome.tostring(declaration=True).encode()
