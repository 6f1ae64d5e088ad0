"""Which files of a folder are new, in which order, and which have changed."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

_NUMBER = re.compile(r"(.*?)(\d+)$")


class Listing:
    """The image files of a folder; those that are done are not listed again.

    Parameters
    ----------
    folder : Path
        What is listed; a folder that cannot be reached (a share that is gone) is counted and looks empty.
    suffixes : tuple of str
        Lower case, of files that count; hidden files do not.
    order : str
        ``"name"`` or ``"time"``.
    """

    def __init__(self, folder: Path, suffixes: tuple[str, ...], order: str) -> None:
        self.order = order
        self._folder, self._suffixes = folder, suffixes
        self._done: set[str] = set()
        self._latest: Any = None
        self._reachable = True
        self._incidents: dict[str, int] = {}

    def new(self) -> list[Path]:
        """Return the files that are not done, in order; those that come too late are counted as done."""
        listed = [self._folder / name for name in self._names() if name not in self._done]
        if self.order == "time":
            return sorted(listed, key=lambda path: (self._written(path), path.name))
        late = [p for p in listed if self._latest is not None and _natural(p.name) < self._latest]
        for path in late:
            self._count("files that came too late")
            self._done.add(path.name)
        return sorted((p for p in listed if p not in late), key=lambda path: _natural(path.name))

    def changed(self, known: Mapping[str, tuple[int, tuple[int, int]]]) -> list[Path]:
        """Return the known files whose size or time is no longer what it was when they were read."""
        states = {self._folder / name: state for name, (_, state) in known.items()}
        return [path for path, before in states.items() if self.state(path) not in (before, None)]

    def state(self, path: Path) -> tuple[int, int] | None:
        """Return size and time of a file; None if it is gone."""
        try:
            found = path.stat()
        except OSError:
            return None
        return found.st_size, found.st_mtime_ns

    def done(self, path: Path) -> None:
        """Do not list a file again."""
        self._done.add(path.name)
        name = _natural(path.name)
        if self._latest is None or name > self._latest:
            self._latest = name

    def take_incidents(self) -> dict[str, int]:
        """Return what was counted since the last call."""
        found, self._incidents = self._incidents, {}
        return found

    def _written(self, path: Path) -> int:
        state = self.state(path)
        return 0 if state is None else state[1]

    def _names(self) -> Iterable[str]:
        try:
            with os.scandir(self._folder) as entries:
                names = [entry.name for entry in entries if self._counts(entry.name) and entry.is_file()]
        except OSError:
            if self._reachable:
                self._count("times the folder could not be reached")
            self._reachable = False
            return ()
        self._reachable = True
        return names

    def _counts(self, name: str) -> bool:
        return not name.startswith((".", "~")) and name.lower().endswith(self._suffixes)

    def _count(self, what: str) -> None:
        self._incidents[what] = self._incidents.get(what, 0) + 1


def trailing_number(name: str) -> tuple[str, int] | None:
    """Return what stands before the number at the end of a file name (without suffixes), and the number."""
    stem, _, _ = name.partition(".")
    found = _NUMBER.match(stem)
    return (found[1], int(found[2])) if found else None


def _natural(name: str) -> list[tuple[int, int, str]]:
    """Return a sorting key that counts numbers as numbers."""
    parts = re.split(r"(\d+)", name.lower())
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in parts if part]
