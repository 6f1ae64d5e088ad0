"""What a person has chosen and drawn in the regions dock, and why something cannot be done; no Qt."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from psygnal import SignalGroupDescriptor

from napari_emrestore.core import InputError
from napari_emrestore.overview.proposing import Blobs, Brightness, Likeness, Method
from napari_emrestore.overview.regions import RegionClass, RegionSet
from napari_emrestore.widgets.regions.listing import Shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_emrestore.overview.regions import Region

Search = Literal["brightness", "likeness", "blobs"]
SEARCHES: dict[Search, str] = {
    "brightness": "brightness",
    "likeness": "likeness to the selected",
    "blobs": "round blobs",
}
FIRST_CLASSES = (RegionClass("target", "#ff9f1c", "q"), RegionClass("landmark", "#2ec4b6", "w"))
LAYER_FIELDS = ("overview", "restored", "truth", "frame_count", "registration", "confidence")


@dataclass
class RegionsState:
    """The choices of the dock and the regions themselves.

    Attributes
    ----------
    overview : layer, optional
        Image that the regions lie on.
    restored, truth, frame_count, registration, confidence : layer, optional
        Its restoration, ground truth and the maps of a mosaic, on the same pixels.
    regions : RegionSet, optional
        All regions and classes; ``None`` without an overview. Replaced, never changed; set through
        `RegionsDock.change`, which makes it undoable.
    selected : tuple of int
        Numbers of the selected regions.
    active_class : str
        Class of what is drawn next.
    shown : Shown
        Order and choice of the list.
    search : {"brightness", "likeness", "blobs"}
        How regions are looked for.
    smallest, largest : float
        Diameters, in nm, or in pixels where the pixel size is unknown.
    bright : bool
        Whether regions are brighter than around them.
    automatic, threshold
        Otsu's threshold, or this one, input units.
    least_contrast, least_likeness, rotations
        As in `overview.proposing`.
    visible_only : bool
        Whether only the part in view is searched.
    author : str
        Written into regions that are made or changed.
    unusable : str
        Why the overview cannot be used; empty if it can.
    """

    events: ClassVar[SignalGroupDescriptor] = SignalGroupDescriptor()

    overview: Any = None
    restored: Any = None
    truth: Any = None
    frame_count: Any = None
    registration: Any = None
    confidence: Any = None
    regions: RegionSet | None = None
    selected: tuple[int, ...] = ()
    active_class: str = FIRST_CLASSES[0].name
    shown: Shown = field(default_factory=Shown)
    search: Search = "brightness"
    smallest: float = 50.0
    largest: float = 500.0
    bright: bool = True
    automatic: bool = True
    threshold: float = 0.0
    least_contrast: float = 0.5
    least_likeness: float = 0.6
    rotations: int = 1
    visible_only: bool = True
    author: str = ""
    unusable: str = ""

    def chosen_regions(self) -> tuple[Region, ...]:
        """Return the selected regions, in the order of the set."""
        chosen = frozenset(self.selected)
        return () if self.regions is None else tuple(r for r in self.regions.regions if r.id in chosen)

    def why_not_draw(self) -> str:
        """Return why nothing can be drawn, with the remedy; empty if it can."""
        if self.unusable:
            return self.unusable
        return "" if self.regions is not None else "Open an image first, or pick one."

    def why_not_search(self) -> str:
        """Return why regions cannot be proposed, with the remedy; empty if they can."""
        if reason := self.why_not_draw():
            return reason
        if self.search == "likeness":
            found = self.chosen_regions()
            return "" if len(found) == 1 and found[0].kind != "point" else "Select one drawn example first."
        return "" if self.smallest <= self.largest else "The smallest diameter is above the largest."

    def method(self) -> Method:
        """Return what is looked for.

        Raises
        ------
        InputError
            If it cannot be, for the reason that `why_not_search` gives.
        """
        if reason := self.why_not_search():
            raise InputError("Proposing regions needs something to look for", came=reason)
        if self.search == "likeness":
            return Likeness(self.chosen_regions()[0], self.least_likeness, self.rotations)
        if self.search == "blobs":
            return Blobs(self.smallest, self.largest, self.bright, self.least_contrast)
        return Brightness(
            self.smallest, self.largest, self.bright, None if self.automatic else self.threshold
        )

    def to_record(self) -> dict[str, Any]:
        """Return what is kept beyond closing, as plain JSON."""
        return {name: getattr(self, name) for name in KEPT}

    def restore(self, record: Mapping[str, Any]) -> None:
        """Take back what `to_record` gave; what has another type or is unknown is left out."""
        for name in KEPT:
            value = record.get(name)
            if type(value) is type(getattr(self, name)):
                setattr(self, name, value)
        if self.search not in SEARCHES:
            self.search = "brightness"


_NOT_KEPT = (
    *LAYER_FIELDS,
    "regions",
    "selected",
    "active_class",
    "shown",
    "unusable",
    "threshold",
    "automatic",
)
KEPT = tuple(one.name for one in fields(RegionsState) if one.name not in _NOT_KEPT)
