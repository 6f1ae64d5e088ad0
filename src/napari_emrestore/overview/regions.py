"""Regions of interest on an overview: points, rectangles, polygons and painted masks, with their classes.

Plain immutable data. Every change gives a new `RegionSet`, so that an older one is all there is to undoing.
Lengths are pixels of the overview's finest level, ``(y, x)``, pixel centres at integers: the pixel in the
upper left corner covers -0.5 to 0.5.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, get_args

from napari_emrestore.core import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from napari_emrestore.overview.region_masks import RegionMask

RegionKind = Literal["point", "rectangle", "polygon", "label"]
KINDS: tuple[RegionKind, ...] = get_args(RegionKind)
DRAWN = "drawn"

_IDENTITY = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
_COUNTS: dict[str, tuple[int, float]] = {
    "point": (1, 1),
    "rectangle": (4, 4),
    "polygon": (3, math.inf),
    "label": (0, 0),
}
_COLOUR = re.compile("#[0-9a-f]{6}")


@dataclass(frozen=True, slots=True)
class Overview:
    """The image that regions lie on, as far as it must be known to find them again.

    Attributes
    ----------
    name : str
        Name of the image or mosaic.
    shape : tuple of int
        ``(Y, X)`` of its finest level.
    pixel_size_nm : tuple of float, optional
        ``(y, x)`` size of a pixel in nanometres.
    path, sha256 : str
        Its file, and the hash that file or its pixels had; empty where unknown.
    to_world : tuple of tuple of float
        3×3 matrix from ``(y, x, 1)`` in pixels to the place in the viewer's world, in `world_unit`.
    world_unit : str
        ``"pixel"`` or a unit of length, as napari spells it.
    """

    name: str
    shape: tuple[int, int]
    pixel_size_nm: tuple[float, float] | None = None
    path: str = ""
    sha256: str = ""
    to_world: tuple[tuple[float, ...], ...] = _IDENTITY
    world_unit: str = "pixel"

    def __post_init__(self) -> None:
        size = self.pixel_size_nm
        if len(self.shape) != 2 or min(self.shape) < 1:
            raise InputError("An overview has a height and a width", came=f"shape {self.shape} came")
        if size is not None and (len(size) != 2 or not all(0 < step < math.inf for step in size)):
            raise InputError("A pixel size is two positive lengths in nm", came=f"{size} came")
        if [len(row) for row in self.to_world] != [3, 3, 3]:
            raise InputError("The way to the world is a 3×3 matrix", came=f"{self.to_world} came")


@dataclass(frozen=True, slots=True)
class RegionClass:
    """What a region may be of.

    Attributes
    ----------
    name : str
        Not empty, for example ``"nucleus"``.
    colour : str
        ``"#rrggbb"`` in lower case.
    key : str
        One character that chooses the class while drawing; empty for none.
    """

    name: str
    colour: str
    key: str = ""

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise InputError("A class needs a name", came=f"{self.name!r} came")
        if _COLOUR.fullmatch(self.colour) is None:
            raise InputError(
                "A colour is written #rrggbb in lower case",
                item=f"class {self.name!r}",
                came=f"has {self.colour!r}",
            )
        if len(self.key) > 1 or self.key.isspace():
            raise InputError(
                "The key of a class is one character, or empty",
                item=f"class {self.name!r}",
                came=f"has {self.key!r}",
            )


@dataclass(frozen=True, slots=True)
class Region:
    """One region of interest.

    Attributes
    ----------
    id : int
        From 1, never given twice within a set; the value of its pixels in a label image.
    kind : {"point", "rectangle", "polygon", "label"}
        A rectangle may be rotated; a label is painted pixel by pixel.
    class_name : str
        One of the set's classes.
    vertices : tuple of tuple of float
        ``(y, x)``: one of a point, four in order around a rectangle, three or more around a polygon (the
        first is not repeated), none of a label.
    mask : RegionMask, optional
        The pixels of a label; ``None`` for the others.
    note : str
        Free text.
    confidence : float, optional
        From 0 to 1: how sure the person is, or the method that proposed it.
    origin : str
        ``"drawn"``, or the method or file that it came from.
    accepted : bool
        False for a proposal that nobody has looked at.
    author, time : str
        Who made or last changed it, and when (ISO 8601, UTC); empty where unknown.

    Raises
    ------
    InputError
        If kind, vertices, mask and confidence do not fit together.
    """

    id: int
    kind: RegionKind
    class_name: str
    vertices: tuple[tuple[float, float], ...] = ()
    mask: RegionMask | None = None
    note: str = ""
    confidence: float | None = None
    origin: str = DRAWN
    accepted: bool = True
    author: str = ""
    time: str = ""

    def __post_init__(self) -> None:
        if self.id < 1 or self.kind not in KINDS:
            raise self._wrong("A region has a number from 1 and a known kind", f"is a {self.kind!r}")
        fewest, most = _COUNTS[self.kind]
        if not fewest <= len(self.vertices) <= most or (self.mask is not None) != (self.kind == "label"):
            raise self._wrong(
                "A point has one vertex, a rectangle 4, a polygon 3 or more, a label a mask alone",
                f"is a {self.kind} of {len(self.vertices)} vertices, "
                f"{'without' if self.mask is None else 'with'} a mask",
            )
        if not all(len(v) == 2 and all(map(math.isfinite, v)) for v in self.vertices):
            raise self._wrong("Vertices are finite places (y, x)", f"has {self.vertices}")
        if self.confidence is not None and not 0 <= self.confidence <= 1:
            raise self._wrong("A confidence lies from 0 to 1", f"has {self.confidence}")

    def _wrong(self, needed: str, came: str) -> InputError:
        return InputError(needed, item=f"region {self.id}", came=came)


@dataclass(frozen=True, slots=True)
class RegionSet:
    """All regions of one overview and the classes they may be of.

    Attributes
    ----------
    overview : Overview
        What they lie on.
    classes : tuple of RegionClass
        With different names and different keys.
    regions : tuple of Region
        With different numbers, in the order they were made.
    next_id : int
        Number of the next new region, above all that were ever given; 0 counts on from the regions.

    Raises
    ------
    InputError
        If a name, key or number comes twice, or a region is of no class of the set.
    """

    overview: Overview
    classes: tuple[RegionClass, ...] = ()
    regions: tuple[Region, ...] = ()
    next_id: int = 0

    def __post_init__(self) -> None:
        names = {one.name for one in self.classes}
        _check_different("class name", [one.name for one in self.classes])
        _check_different("class key", [one.key for one in self.classes if one.key])
        _check_different("region number", [one.id for one in self.regions])
        lost = {one.class_name for one in self.regions} - names
        if lost:
            raise InputError(
                "Every region is of a class of its set",
                item=f"class {min(lost)!r}",
                came=f"is none of {', '.join(sorted(names)) or 'no class at all'}",
            )
        if not self.next_id:
            object.__setattr__(self, "next_id", max((one.id for one in self.regions), default=0) + 1)
        if any(one.id >= self.next_id for one in self.regions):
            raise InputError("The next number is above all given ones", came=f"{self.next_id} came")

    @property
    def accepted(self) -> tuple[Region, ...]:
        """Regions that a person drew or accepted: what is exported."""
        return tuple(one for one in self.regions if one.accepted)

    @property
    def proposals(self) -> tuple[Region, ...]:
        """Regions that wait for a person to accept or refuse them."""
        return tuple(one for one in self.regions if not one.accepted)

    def region(self, region_id: int) -> Region:
        """Return the region of a number, or raise `InputError` if there is none."""
        for one in self.regions:
            if one.id == region_id:
                return one
        raise InputError("A region of this set is needed", came=f"number {region_id} came")

    def region_class(self, name: str) -> RegionClass:
        """Return the class of a name, or raise `InputError` if there is none."""
        for one in self.classes:
            if one.name == name:
                return one
        raise InputError("A class of this set is needed", came=f"{name!r} came")

    def add(self, *regions: Region) -> RegionSet:
        """Return the set with more regions, which get the next numbers in place of their own."""
        numbered = tuple(replace(one, id=self.next_id + k) for k, one in enumerate(regions))
        return replace(self, regions=self.regions + numbered, next_id=self.next_id + len(numbered))

    def change(self, ids: Iterable[int], change: Callable[[Region], Region]) -> RegionSet:
        """Return the set with some regions replaced by what `change` makes of them."""
        chosen = frozenset(ids)
        return replace(self, regions=tuple(change(one) if one.id in chosen else one for one in self.regions))

    def edit(self, ids: Iterable[int], **values: Any) -> RegionSet:
        """Return the set with the same fields of some regions replaced."""
        return self.change(ids, lambda one: replace(one, **values))

    def remove(self, ids: Iterable[int]) -> RegionSet:
        """Return the set without some regions."""
        gone = frozenset(ids)
        return replace(self, regions=tuple(one for one in self.regions if one.id not in gone))

    def set_class(self, old_name: str, new: RegionClass) -> RegionSet:
        """Return the set with a class replaced, and its regions of the new name; an unknown one is added."""
        if old_name not in {one.name for one in self.classes}:
            return replace(self, classes=(*self.classes, new))
        return replace(
            self,
            classes=tuple(new if one.name == old_name else one for one in self.classes),
            regions=tuple(
                replace(one, class_name=new.name) if one.class_name == old_name else one
                for one in self.regions
            ),
        )

    def remove_class(self, name: str) -> RegionSet:
        """Return the set without a class.

        Raises
        ------
        InputError
            If regions are of it.
        """
        count = sum(one.class_name == name for one in self.regions)
        if count:
            raise InputError(
                "A class without regions is needed",
                item=f"class {name!r}",
                came=f"has {count}",
                remedy="Give these another class, or delete them.",
            )
        return replace(self, classes=tuple(one for one in self.classes if one.name != name))


def _check_different(what: str, values: list[Any]) -> None:
    if len(set(values)) == len(values):
        return
    twice = next(value for k, value in enumerate(values) if value in values[:k])
    raise InputError(f"Every {what} of a set is different", came=f"{twice!r} came twice")
