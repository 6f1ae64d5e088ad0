"""What an overview begins with: the regions that were kept of it, or none."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from napari_emrestore.overview.regions import RegionSet
from napari_emrestore.widgets.regions.saving import kept_regions
from napari_emrestore.widgets.regions.sources import fingerprint
from napari_emrestore.widgets.regions.state import FIRST_CLASSES

if TYPE_CHECKING:
    from napari.layers import Image

    from napari_emrestore.overview.regions import Overview


def kept_or_new(
    layer: Image, overview: Overview, levels: list[Any], monitor: Any
) -> tuple[Image, RegionSet, str]:
    """Return an overview's layer, its regions as they were kept or none, and a note."""
    known = replace(overview, sha256=fingerprint(levels))
    regions, note = kept_regions(known)
    if regions is None:
        return layer, RegionSet(known, FIRST_CLASSES), note
    count = len(regions.regions)
    kept = f"{count} region{'' if count == 1 else 's'} of this image read back."
    return layer, replace(regions, overview=known), f"{kept} {note}".strip()


def describe(overview: Overview) -> str:
    """Return shape and pixel size of an overview in a sentence."""
    size = overview.pixel_size_nm
    scale = "pixel size unknown" if size is None else f"{size[0]:.4g} × {size[1]:.4g} nm per pixel"
    return f"{overview.shape[0]} × {overview.shape[1]} px, {scale}."
