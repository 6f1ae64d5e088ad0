"""Regions as they come out of a foreign file, one after the other, into a `RegionSet`."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from napari_emrestore.overview.regions import Overview, Region, RegionClass, RegionSet
from napari_emrestore.overview.targets.rings import Ring, is_rectangle, mask_of_rings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_emrestore.overview.region_masks import RegionMask
    from napari_emrestore.overview.regions import RegionKind

# Okabe and Ito's palette, which people with any colour vision can tell apart
PALETTE = ("#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7")
UNCLASSED = "imported"


@dataclass(frozen=True, slots=True)
class Imported:
    """What came in from a file.

    Attributes
    ----------
    regions : RegionSet
        On the overview that was given.
    notes : tuple of str
        What of the file is not in them, or came otherwise than it was; for a person to read.
    """

    regions: RegionSet
    notes: tuple[str, ...] = ()


def join(onto: RegionSet, others: RegionSet) -> RegionSet:
    """Return a set with the regions of another one of the same overview, and the classes they are of.

    A class of a name that is known already stays as it is; regions get the next numbers.
    """
    known = {one.name for one in onto.classes}
    # a key chooses one class only, so those that come in leave theirs behind
    new = tuple(replace(one, key="") for one in others.classes if one.name not in known)
    return replace(onto, classes=onto.classes + new).add(*others.regions)


@dataclass(slots=True)
class Gathering:
    """Takes regions one by one; classes are made as they are met.

    Parameters
    ----------
    overview : Overview
        What the regions lie on.
    origin : str
        Name of the file, kept in every region.
    """

    overview: Overview
    origin: str
    _classes: dict[str, RegionClass] = field(default_factory=dict)
    _regions: list[Region] = field(default_factory=list)
    _notes: list[str] = field(default_factory=list)

    def add_class(self, name: str, colour: str | None = None) -> str:
        """Take a class, unless one of this name is known, and return its name."""
        name = name.strip() or UNCLASSED
        if name not in self._classes:
            colour = colour or PALETTE[len(self._classes) % len(PALETTE)]
            self._classes[name] = RegionClass(name, colour.lower())
        return name

    def add_point(self, place: tuple[float, float], class_name: str, **facts: Any) -> None:
        """Take a point ``(y, x)`` in pixels."""
        self._add("point", class_name, (place,), None, facts)

    def add_ring(self, ring: Ring, class_name: str, **facts: Any) -> None:
        """Take a polygon ``(y, x)`` in pixels, not closed; four corners of a rectangle become one."""
        kind: RegionKind = "rectangle" if is_rectangle(ring) else "polygon"
        self._add(kind, class_name, tuple(ring), None, facts)

    def add_rings(self, rings: Sequence[Ring], class_name: str, **facts: Any) -> None:
        """Take the pixels in an odd number of rings, as a painted region."""
        self.add_mask(mask_of_rings(rings), class_name, **facts)

    def add_mask(self, mask: RegionMask, class_name: str, **facts: Any) -> None:
        """Take painted pixels."""
        self._add("label", class_name, (), mask, facts)

    def note(self, text: str) -> None:
        """Take a remark for the person who imports."""
        self._notes.append(text)

    def finish(self) -> Imported:
        """Return all that was taken."""
        return Imported(
            RegionSet(self.overview, tuple(self._classes.values()), tuple(self._regions)),
            tuple(self._notes),
        )

    def _add(
        self,
        kind: RegionKind,
        class_name: str,
        vertices: tuple[tuple[float, float], ...],
        mask: RegionMask | None,
        facts: dict[str, Any],
    ) -> None:
        number = len(self._regions) + 1
        name = self.add_class(class_name)
        self._regions.append(Region(number, kind, name, vertices, mask, origin=self.origin, **facts))
