"""A map of SerialEM's Navigator: an image it knows the stage position of, and our overview's place in it.

Map pixels are right-handed: ``(0, 0)`` is the lower left corner, y points up, and the middle of the map is at
half its width and height. https://bio3d.colorado.edu/SerialEM/hlp/html/about_formats.htm
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_emrestore.core import InputError
from napari_emrestore.overview.targets.nav_text import Section, number_text
from napari_emrestore.overview.targets.parsing import parsing
from napari_emrestore.overview.targets.stage_map import StageMap

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import ArrayLike, NDArray

    from napari_emrestore.overview.regions import Overview

MAP = 2
_HALF = 0.5
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
    """

    label: str
    map_id: int
    registration: int
    size_px: tuple[int, int]
    stage_um: tuple[float, float, float]
    matrix: tuple[float, float, float, float]
    is_montage: bool = False

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
        )

    @classmethod
    def from_stage_map(
        cls, overview: Overview, stage: StageMap, label: str, map_id: int, registration: int = 1
    ) -> NavMap:
        """Return the map that an overview with a known stage map would be."""
        height, width = overview.shape
        linear = np.asarray(stage.matrix)[:2, :2]
        # columns of x and y up, rows of x and y: pixels to stage the way SerialEM counts both
        to_stage = np.array([[linear[1, 1], -linear[1, 0]], [linear[0, 1], -linear[0, 0]]])
        xx, xy, yx, yy = np.linalg.inv(to_stage).ravel().tolist()
        y, x = stage.to_stage(((height - 1) / 2, (width - 1) / 2)).tolist()
        return cls(label, map_id, registration, (width, height), (x, y, stage.z_um or 0.0), (xx, xy, yx, yy))

    def from_overview(self, places_px: ArrayLike, shape: tuple[int, int]) -> NDArray[np.float64]:
        """Return map pixels ``(x, y)``, right-handed, of places ``(y, x)`` on an overview of this map.

        Parameters
        ----------
        places_px : array_like, shape (..., 2)
            Centres of pixels at integers.
        shape : tuple of int
            ``(Y, X)`` of the overview: the map itself or a smaller or larger copy.
        """
        scale = self._scale(shape)
        places = np.asarray(places_px, np.float64)
        x = (places[..., 1] + _HALF) * scale
        y = self.size_px[1] - (places[..., 0] + _HALF) * scale
        return np.stack([x, y], -1)

    def to_overview(self, places_px: ArrayLike, shape: tuple[int, int]) -> NDArray[np.float64]:
        """Return places ``(y, x)`` on an overview of this map, of its pixels ``(x, y)``, right-handed."""
        scale = self._scale(shape)
        places = np.asarray(places_px, np.float64)
        y = (self.size_px[1] - places[..., 1]) / scale - _HALF
        x = places[..., 0] / scale - _HALF
        return np.stack([y, x], -1)

    def stage_map(self, shape: tuple[int, int]) -> StageMap:
        """Return where an overview of this map lies under the stage, by SerialEM's own matrix."""
        xx, xy, yx, yy = self.matrix
        to_stage = np.linalg.inv([[xx, xy], [yx, yy]])
        corners = np.array([(0.0, 0.0), (1.0, 0.0), (0.0, 1.0)])
        moved = self.from_overview(corners, shape) - np.array(self.size_px) / 2
        x, y = (moved @ to_stage.T + self.stage_um[:2]).T
        origin, down, right = np.stack([y, x], -1)
        matrix = np.eye(3)
        matrix[:2] = np.stack([down - origin, right - origin, origin], -1)
        return StageMap(
            tuple(tuple(row) for row in matrix.tolist()),
            f"map {self.label!r} of SerialEM",
            self.stage_um[2],
        )

    def fits(self, shape: tuple[int, int]) -> bool:
        """Return whether an overview may be this map or a copy of it."""
        width, height = self.size_px
        scale = height / shape[0]
        return abs(width - shape[1] * scale) <= max(_ROUNDED_PX, _ROUNDED_PX * scale)

    def _scale(self, shape: tuple[int, int]) -> float:
        """Return map pixels per overview pixel; by the height, for widths are rounded up."""
        if self.fits(shape):
            return self.size_px[1] / shape[0]
        raise InputError(
            f"The overview of map {self.label!r} has the proportions of its "
            f"{self.size_px[0]} × {self.size_px[1]} pixels",
            came=f"{shape[1]} × {shape[0]} came",
            remedy="Choose the map that the overview was saved from, or use a stage map.",
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


def map_section(one: NavMap, file: str, magnification_index: int, camera: int) -> Section:
    """Return a map as an item of the Navigator; its corners begin at the lower left, as SerialEM's do."""
    width, height = one.size_px
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height), (0, 0)], np.float64)
    xx, xy, yx, yy = one.matrix
    places = (corners - (width / 2, height / 2)) @ np.linalg.inv([[xx, xy], [yx, yy]]).T + one.stage_um[:2]
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
            "MapFile": file,
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
