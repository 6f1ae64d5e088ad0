"""Undo and redo: regions are replaced and never changed, so what was before is kept as it was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_emrestore.overview.regions import RegionSet

_MOST_STEPS = 200


@dataclass(frozen=True, slots=True)
class Step:
    """What was done, and the regions before it (or after it, for redo)."""

    what: str
    regions: RegionSet


class History:
    """The last 200 steps of one overview's regions."""

    def __init__(self) -> None:
        self._done: list[Step] = []
        self._undone: list[Step] = []

    @property
    def undoes(self) -> str:
        """What `undo` would take back; empty for nothing."""
        return self._done[-1].what if self._done else ""

    @property
    def redoes(self) -> str:
        """What `redo` would do again; empty for nothing."""
        return self._undone[-1].what if self._undone else ""

    def note(self, what: str, before: RegionSet) -> None:
        """Keep what was before a step; what was undone until then is forgotten."""
        self._done = [*self._done, Step(what, before)][-_MOST_STEPS:]
        self._undone = []

    def undo(self, now: RegionSet) -> RegionSet:
        """Return the regions before the last step; the same if there is none."""
        return _move(self._done, self._undone, now)

    def redo(self, now: RegionSet) -> RegionSet:
        """Return the regions after the step that was undone last; the same if there is none."""
        return _move(self._undone, self._done, now)


def _move(source: list[Step], target: list[Step], now: RegionSet) -> RegionSet:
    if not source:
        return now
    step = source.pop()
    target.append(Step(step.what, now))
    return step.regions
