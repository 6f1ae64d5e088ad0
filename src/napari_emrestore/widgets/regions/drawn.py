"""What all three layers of regions share: what a person changed in one, colours, quiet changes from here."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from napari_emrestore.overview.region_numbers import RegionNumbers
    from napari_emrestore.overview.regions import Region, RegionClass

ID, CLASS = "id", "class"
_FILL = {True: 0.12, False: 0.4}  # opacity of the inside, accepted or proposed
_LINE = {True: 1.0, False: 0.7}


@dataclass(frozen=True, slots=True)
class Edit:
    """What a person did in a layer.

    Attributes
    ----------
    new : tuple of Region
        Of no number yet, of the class the layer draws.
    changed : mapping of int to Region
        Moved or reshaped ones, by number.
    removed : frozenset of int
        Numbers that are gone.
    note : str
        What was not taken, and why.
    """

    new: tuple[Region, ...] = ()
    changed: Mapping[int, Region] = field(default_factory=dict)
    removed: frozenset[int] = frozenset()
    note: str = ""

    def __bool__(self) -> bool:
        return bool(self.new or self.changed or self.removed or self.note)


class RegionLayer(Protocol):
    """One layer of napari that shows regions of some kinds and tells what is done to them there."""

    layer: Any

    def show(self, regions: Sequence[Region], classes: Mapping[str, RegionClass]) -> None:
        """Show these regions, of those kinds that the layer can."""
        ...

    def measure(self, numbers: Mapping[int, RegionNumbers]) -> None:
        """Put what was measured into napari's table of the layer."""
        ...

    def number(self, regions: Sequence[Region]) -> None:
        """Take the new regions of the last edit, with their numbers, in its order."""
        ...

    def draw_as(self, chosen: RegionClass, next_id: int) -> None:
        """Let what is drawn next be of a class and, if it is painted, have this number."""
        ...

    def selected(self) -> tuple[int, ...]:
        """Return the numbers that are selected in the layer."""
        ...

    def select(self, ids: Collection[int]) -> None:
        """Select these numbers in the layer, of those that it shows."""
        ...

    def close(self) -> None:
        """Hear nothing more of the layer."""
        ...


class Quiet:
    """Tells changes that come from here from those of a person."""

    def __init__(self) -> None:
        self._depth = 0

    def __bool__(self) -> bool:
        return self._depth > 0

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Count the block as a change from here."""
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1


def colours(
    regions: Sequence[Region], classes: Mapping[str, RegionClass]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the colours ``(N, 4)`` of lines and insides; proposals are filled, accepted ones outlined."""
    kinds = {(one.name, accepted): k for k, (one, accepted) in enumerate(_looks(classes))}
    rows = np.array([kinds[region.class_name, region.accepted] for region in regions], int)
    rgb = np.array([red_green_blue(one.colour) for one, _ in _looks(classes)]).reshape(-1, 3)
    both = []
    for opacity in (_LINE, _FILL):
        alpha = np.array([opacity[accepted] for _, accepted in _looks(classes)]).reshape(-1, 1)
        both.append(np.hstack([rgb, alpha])[rows])
    return both[0], both[1]


def _looks(classes: Mapping[str, RegionClass]) -> list[tuple[RegionClass, bool]]:
    """Return what regions can look like: of each class, accepted or proposed."""
    return [(one, accepted) for one in classes.values() for accepted in (True, False)]


def red_green_blue(colour: str) -> tuple[float, float, float]:
    """Return ``"#rrggbb"`` as numbers from 0 to 1."""
    red, green, blue = (int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5))
    return red, green, blue
