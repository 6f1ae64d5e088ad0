"""A map of SerialEM's Navigator: an image it knows the stage position of, and our overview's place in it.

Map pixels are right-handed: ``(0, 0)`` is the lower left corner, y points up, and the middle of the map is at
half its width and height. https://bio3d.colorado.edu/SerialEM/hlp/html/about_formats.htm

Which row of an overview is the lowest on SerialEM's screen depends on its file: SerialEM and IMOD store MRC
files from the lowest row up (https://bio3d.colorado.edu/imod/doc/mrc_format.txt), TIFF from the topmost down.
This program, like most in Python, shows every file from its first row down: MRC maps stand upside down here.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from napari_emrestore.core import InputError
from napari_emrestore.overview.targets.nav_text import Section, number_text, read_sections
from napari_emrestore.overview.targets.parsing import parsing
from napari_emrestore.overview.targets.stage_map import StageMap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from napari_emrestore.overview.regions import Overview

FirstRow = Literal["auto", "top", "bottom"]
FIRST_ROWS: tuple[FirstRow, ...] = get_args(FirstRow)
MAP = 2
_HALF = 0.5
_BOTTOM_FIRST = (".mrc", ".st", ".map", ".ali", ".rec", ".mrcs")
# SerialEM shows overviews with their width rounded up to a multiple of this
_ROUNDED_PX = 4


@dataclass(frozen=True, slots=True)
class NavMap:
    """A map item.

    Attributes
    ----------
    label : str
        As the Navigator lists it.
    map_id, registration : int
        Items drawn on it carry these.
    size_px : tuple of int
        ``(width, height)`` of the image that the matrix belongs to.
    stage_um : tuple of float
        ``(x, y, z)`` of its middle.
    matrix : tuple of float
        Stage to pixels: ``(x of x, x of y, y of x, y of y)``, pixels right-handed.
    is_montage : bool
        Whether it is of several pieces.
    file : str
        Of its image, as the item names it.
    """

    label: str
    map_id: int
    registration: int
    size_px: tuple[int, int]
    stage_um: tuple[float, float, float]
    matrix: tuple[float, float, float, float]
    is_montage: bool = False
    file: str = ""

    @classmethod
    def from_section(cls, section: Section) -> NavMap:
        """Return the map of an item; raises `KeyError` or `ValueError` if it is damaged."""
        width, height = (int(side) for side in section.numbers("MapWidthHeight", 2))
        x, y, z = section.numbers("StageXYZ", 3)
        xx, xy, yx, yy = section.numbers("MapScaleMat", 4)
        if min(width, height) < 1 or xx * yy == xy * yx:
            raise ValueError(f"map {section.name!r} has size {width} × {height} or a matrix without inverse")
        return cls(
            section.name,
            section.whole("MapID"),
            section.whole("Regis"),
            (width, height),
            (x, y, z),
            (xx, xy, yx, yy),
            bool(section.whole("MapMontage", 0)),
            section.values.get("MapFile", ""),
        )

    @classmethod
    def from_stage_map(
        cls, overview: Overview, stage: StageMap, label: str, map_id: int, registration: int = 1
    ) -> NavMap:
        """Return the map that the file of an overview with a known stage map would be."""
        height, width = overview.shape
        linear = np.asarray(stage.matrix)[:2, :2]
        up = 1 if is_bottom_first(overview.path) else -1
        # columns of x and y up, rows of x and y: pixels to stage the way SerialEM counts both
        to_stage = np.array([[linear[1, 1], up * linear[1, 0]], [linear[0, 1], up * linear[0, 0]]])
        xx, xy, yx, yy = np.linalg.inv(to_stage).ravel().tolist()
        y, x = stage.to_stage(((height - 1) / 2, (width - 1) / 2)).tolist()
        size, middle = (width, height), (x, y, stage.z_um or 0.0)
        return cls(label, map_id, registration, size, middle, (xx, xy, yx, yy), file=overview.path)

    @property
    def to_stage(self) -> NDArray[np.float64]:
        """Matrix 2×2 from steps in map pixels ``(x, y)`` to steps of the stage ``(x, y)`` in micrometres."""
        xx, xy, yx, yy = self.matrix
        return np.asarray(np.linalg.inv([[xx, xy], [yx, yy]]), np.float64)

    def fits(self, shape: tuple[int, int]) -> bool:
        """Return whether an overview may be this map or a copy of it."""
        width, height = self.size_px
        scale = height / shape[0]
        return abs(width - shape[1] * scale) <= max(_ROUNDED_PX, _ROUNDED_PX * scale)


@dataclass(frozen=True, slots=True)
class MapView:
    """A map as an overview shows it: the map itself, or a smaller or larger copy.

    Attributes
    ----------
    its_map : NavMap
        The map.
    shape : tuple of int
        ``(Y, X)`` of the overview.
    bottom_first : bool
        Whether the first row of the overview is the lowest on SerialEM's screen.

    Raises
    ------
    InputError
        If the overview has other proportions than the map.
    """

    its_map: NavMap
    shape: tuple[int, int]
    bottom_first: bool

    def __post_init__(self) -> None:
        if not self.its_map.fits(self.shape):
            raise InputError(
                f"The overview of map {self.its_map.label!r} has the proportions of its "
                f"{self.its_map.size_px[0]} × {self.its_map.size_px[1]} pixels",
                came=f"{self.shape[1]} × {self.shape[0]} came",
                remedy="Choose the map that the overview was saved from, or use a stage map.",
            )

    @classmethod
    def of_overview(cls, its_map: NavMap, overview: Overview, first_row: FirstRow) -> MapView:
        """Return a map as an overview shows it.

        Parameters
        ----------
        its_map : NavMap
            The map.
        overview : Overview
            Saved from it.
        first_row : {"auto", "top", "bottom"}
            Where the overview's first row is on SerialEM's screen; "auto" tells it by the files.

        Raises
        ------
        InputError
            If the proportions differ, or "auto" cannot tell.
        """
        return cls(its_map, overview.shape, _begins_at_bottom(its_map, overview, first_row))

    def from_overview(self, places_px: ArrayLike) -> NDArray[np.float64]:
        """Return map pixels ``(x, y)``, right-handed, of places ``(y, x)`` on the overview ``(..., 2)``."""
        places = (np.asarray(places_px, np.float64) + _HALF) * self._scale
        y = places[..., 0] if self.bottom_first else self.its_map.size_px[1] - places[..., 0]
        return np.stack([places[..., 1], y], -1)

    def to_overview(self, places_px: ArrayLike) -> NDArray[np.float64]:
        """Return places ``(y, x)`` on the overview of map pixels ``(x, y)``, right-handed, ``(..., 2)``."""
        places = np.asarray(places_px, np.float64)
        y = places[..., 1] if self.bottom_first else self.its_map.size_px[1] - places[..., 1]
        return np.stack([y, places[..., 0]], -1) / self._scale - _HALF

    def stage_map(self) -> StageMap:
        """Return where the overview lies under the stage, by SerialEM's own matrix."""
        corners = np.array([(0.0, 0.0), (1.0, 0.0), (0.0, 1.0)])
        moved = self.from_overview(corners) - np.array(self.its_map.size_px) / 2
        x, y = (moved @ self.its_map.to_stage.T + self.its_map.stage_um[:2]).T
        origin, down, right = np.stack([y, x], -1)
        matrix = np.eye(3)
        matrix[:2] = np.stack([down - origin, right - origin, origin], -1)
        return StageMap(
            tuple(tuple(row) for row in matrix.tolist()),
            f"map {self.its_map.label!r} of SerialEM",
            self.its_map.stage_um[2],
        )

    @property
    def _scale(self) -> float:
        """Map pixels per overview pixel; by the height, for widths are rounded up."""
        return self.its_map.size_px[1] / self.shape[0]


def is_bottom_first(path: str) -> bool:
    """Return whether SerialEM takes the first row of a file for the lowest one: of MRC files it does."""
    return Path(path).suffix.lower() in _BOTTOM_FIRST


def _begins_at_bottom(its_map: NavMap, overview: Overview, first_row: FirstRow) -> bool:
    if first_row not in FIRST_ROWS:
        raise InputError(f"The first row is {', '.join(FIRST_ROWS)}", came=f"{first_row!r} came")
    if first_row != "auto":
        return first_row == "bottom"
    if is_bottom_first(overview.path):
        return True
    if not is_bottom_first(its_map.file):
        return False
    raise InputError(
        "Where the first row of the overview is on SerialEM's screen must be told",
        item=overview.name,
        came=f"is no MRC file, map {its_map.label!r} ({its_map.file}) is, and stores its lowest row first",
        remedy='Say first_row="bottom" if the overview stands upside down beside SerialEM\'s picture, '
        'else "top".',
    )


def maps_of(sections: Sequence[Section], path: Path) -> list[NavMap]:
    """Return the maps among the items of a Navigator file."""
    with parsing(path, "Navigator file"):
        items = (one for one in sections if one.kind == "Item" and one.whole("Type") == MAP)
        return [NavMap.from_section(one) for one in items]


def choose_map(maps: Sequence[NavMap], label: str, shape: tuple[int, int], path: Path) -> NavMap:
    """Return the map of a label, or without one the only map that has the overview's proportions.

    Raises
    ------
    InputError
        If there is none, or there are several.
    """
    fitting = [one for one in maps if (one.label == label if label else one.fits(shape))]
    if len(fitting) == 1:
        return fitting[0]
    names = ", ".join(repr(one.label) for one in maps[:8]) or "no map at all"
    raise InputError(
        f"The map of the overview ({shape[1]} × {shape[0]} pixels) is needed",
        item=path.name,
        came=f"has {names}" + (f", of which {len(fitting)} would do" if len(fitting) > 1 else ""),
        remedy="Name its label.",
    )


def stage_map_of_nav(
    path: str | Path, overview: Overview, label: str = "", first_row: FirstRow = "auto"
) -> StageMap:
    """Return where a Navigator file's map says that an overview lies.

    Raises
    ------
    FormatError
        If the file is damaged or no Navigator file.
    InputError
        If it cannot be read, or as `choose_map` and `MapView.of_overview`.
    """
    place = Path(path).expanduser()
    _, sections = read_sections(place)
    its_map = choose_map(maps_of(sections, place), label, overview.shape, place)
    return MapView.of_overview(its_map, overview, first_row).stage_map()


def map_section(one: NavMap, magnification_index: int, camera: int) -> Section:
    """Return a map as an item of the Navigator; its corners begin at the lower left, as SerialEM's do."""
    width, height = one.size_px
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height), (0, 0)], np.float64)
    places = (corners - (width / 2, height / 2)) @ one.to_stage.T + one.stage_um[:2]
    return Section(
        "Item",
        one.label,
        {
            "Color": "2",
            "StageXYZ": number_text(one.stage_um),
            "NumPts": str(len(corners)),
            "Regis": str(one.registration),
            "Type": str(MAP),
            "Note": "Overview of napari-emrestore",
            "MapFile": one.file,
            "MapID": str(one.map_id),
            "MapMontage": "0",
            "MapSection": "0",
            "MapBinning": "1",
            "MapMagInd": str(magnification_index),
            "MapCamera": str(camera),
            "MapScaleMat": number_text(one.matrix),
            "MapWidthHeight": f"{width} {height}",
            "PtsX": number_text(places[:, 0]),
            "PtsY": number_text(places[:, 1]),
        },
    )
