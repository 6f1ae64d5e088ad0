"""Virtual maps for SerialEM: raw crops at the target's magnification that its Navigator can realign to.

Each is a crop of the overview with an item that imitates a real map, one frame taken as the targets will be:
the microscope goes to the place, takes such a frame and shifts until it shows what the crop shows. The items
are external ones, drawn on the overview's own map, so nothing needs calibrating. The idea is that of py-EM
(DOI 10.1038/s41592-019-0396-9).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_emrestore.core import SILENT, InputError
from napari_emrestore.io.staging import staged
from napari_emrestore.overview.targets.crops import CropView, crops, write_crop
from napari_emrestore.overview.targets.nav_maps import MAP, MapView, NavMap, choose_map, maps_of
from napari_emrestore.overview.targets.nav_text import (
    ENCODING,
    Section,
    file_text,
    number_text,
    one_line,
    read_sections,
)
from napari_emrestore.overview.targets.serialem import COORDINATES, free_ids, ids_of

if TYPE_CHECKING:
    from napari_emrestore.core import Monitor
    from napari_emrestore.overview.regions import RegionSet
    from napari_emrestore.overview.targets.crops import Crop
    from napari_emrestore.overview.targets.nav_maps import FirstRow
    from napari_emrestore.overview.targets.serialem import Pieces

# of the imitated map's own place and file; a virtual map has its own, or none
_NOT_IMITATED = (
    "StageXYZ",
    "RawStageXY",
    "SamePosId",
    "GroupID",
    "RealignedID",
    "RealignErrXY",
    "LocalErrXY",
    "RealignReg",
    "MontUseStage",
    "ImageType",
)
_MRC = "0"


def write_virtual_maps(
    regions: RegionSet,
    raw: Any,
    nav: str | Path,
    target_label: str,
    folder: str | Path,
    *,
    map_label: str = "",
    first_row: FirstRow = "auto",
    pieces: Pieces = "nominal",
    acquire: bool = True,
    monitor: Monitor = SILENT,
) -> list[Path]:
    """Write crops of the accepted regions, and a Navigator file with a map item for each.

    Parameters
    ----------
    regions : RegionSet
        What to realign to; each crop has one in its middle.
    raw : array-like, shape (Y, X)
        The raw overview, numpy or lazy.
    nav : str or Path
        A Navigator file with the map of the overview and the one to imitate.
    target_label : str
        Label of a map of a single frame, taken as the targets will be.
    folder : str or Path
        For the crops and ``targets.nav``, which also holds the items of `nav`; crops are named without their
        folder, so open it from there.
    map_label, first_row, pieces
        Of the overview's map, as in `serialem.write`.
    acquire : bool
        Whether the new maps are marked for "Acquire at Items".
    monitor : Monitor
        Told after each crop.

    Returns
    -------
    list of Path
        The Navigator file, then the crops in the order of the regions.

    Raises
    ------
    InputError
        If a map is missing or not unique, the overview is not the map, a crop would lie beyond it, or no
        region is accepted.
    FormatError
        If `nav` is no Navigator file.
    WriteError
        If the system refuses to write.
    Cancelled
        If the monitor asks to stop; crops made until then stay, without a Navigator file.
    """
    source, place = Path(nav).expanduser(), Path(folder).expanduser()
    before, sections = read_sections(source)
    target = _section_of(sections, target_label, source)
    its_map = choose_map(maps_of(sections, source), map_label, regions.overview.shape, source)
    view = MapView.of_overview(its_map, regions.overview, first_row)
    look = CropView.of_map(NavMap.from_section(target), view)
    if not regions.accepted:
        raise InputError("Virtual maps need an accepted region or more", came="none came")
    numbers = free_ids(ids_of(sections), len(regions.accepted))
    imitated = {name: value for name, value in target.values.items() if name not in _NOT_IMITATED}
    place.mkdir(parents=True, exist_ok=True)
    items, files = [], []
    for number, region, piece in zip(
        numbers, regions.accepted, crops(regions, raw, look, monitor), strict=True
    ):
        files.append(write_crop(piece, look, regions.overview, place))
        own = {
            "MapID": str(number),
            "MapFile": files[-1].name,
            "Note": one_line(f"{region.class_name}: {region.note}" if region.note else region.class_name),
            "Acquire": str(int(acquire)),
            **_place(piece, view, COORDINATES[pieces]),
        }
        items.append(Section("Item", f"V{region.id}", {**imitated, **own}))
    final = place / "targets.nav"
    with staged(final) as partial:
        partial.write_bytes(file_text(items, before).encode(ENCODING, errors="replace"))
    return [final, *files]


def _section_of(sections: list[Section], label: str, path: Path) -> Section:
    found = [one for one in sections if one.kind == "Item" and one.name == label]
    if len(found) == 1 and found[0].whole("Type") == MAP:
        return found[0]
    maps = ", ".join(repr(one.name) for one in sections if one.values.get("Type") == str(MAP))
    raise InputError(
        "The label of one map to imitate is needed",
        item=path.name,
        came=f"{label!r} came; its maps are {maps or 'none'}",
    )


def _place(piece: Crop, view: MapView, key: str) -> dict[str, str]:
    """Return where a crop lies in pixels of the overview's map, and what its file holds."""
    height, width = piece.image.shape
    # around from the lower left, where its first row begins
    corners = [(y - 0.5, x - 0.5) for y, x in ((0, 0), (0, width), (height, width), (height, 0), (0, 0))]
    middle = ((height - 1) / 2, (width - 1) / 2)
    (x, y), *around = view.from_overview(piece.warp.apply([middle, *corners])).tolist()
    return {
        key: number_text((x, y, view.its_map.stage_um[2])),
        "DrawnID": str(view.its_map.map_id),
        "Regis": str(view.its_map.registration),
        "NumPts": str(len(around)),
        "PtsX": number_text(place[0] for place in around),
        "PtsY": number_text(place[1] for place in around),
        "MapMontage": "0",
        "MapSection": "0",
        "MapFramesXY": "0 0",
        "ImageType": _MRC,
        "MapMinMaxScale": number_text((float(piece.image.min()), float(piece.image.max()))),
    }
