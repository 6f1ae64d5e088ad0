"""Keeps the regions of every overview in a file of its own, written soon after each change."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, QTimer, Signal

from napari_emrestore.core import EmRestoreError
from napari_emrestore.overview.region_files import read_regions, write_regions
from napari_emrestore.widgets import preferences

if TYPE_CHECKING:
    from pathlib import Path

    from napari_emrestore.overview.regions import Overview, RegionSet

_DELAY_MS = 300  # gathers the steps of one gesture
_NAME_LETTERS = 40


class Waiting:
    """Regions that are to be written, and where to; no Qt, so that it outlives the dock."""

    def __init__(self) -> None:
        self._regions: RegionSet | None = None
        self._path: Path | None = None

    def put(self, regions: RegionSet, path: Path) -> None:
        """Replace what waits; what is for another file is written first."""
        if self._path != path:
            self.write()
        self._regions, self._path = regions, path

    def write(self) -> str:
        """Write what waits; return why it could not be, or nothing."""
        regions, path = self._regions, self._path
        self._regions = self._path = None
        if regions is None or path is None:
            return ""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_regions(regions, path)
        except (EmRestoreError, OSError) as error:
            return str(error)
        return ""


class Saver(QObject):
    """Writes the newest regions within a third of a second; what a crash leaves is read at the next start.

    Signals
    -------
    failed : str
        Why they could not be written; tried again at the next change.
    """

    failed = Signal(str)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.waiting = Waiting()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_DELAY_MS)
        self._timer.timeout.connect(self.flush)

    def keep(self, regions: RegionSet, path: Path) -> None:
        """Write regions soon."""
        self.waiting.put(regions, path)
        self._timer.start()

    def flush(self) -> None:
        """Write what waits, now."""
        self._timer.stop()
        if why := self.waiting.write():
            self.failed.emit(why)


def kept_file(overview: Overview) -> Path:
    """Return the file that keeps the regions of an overview.

    An overview that is a file is known by its path and shape, another one by its name and pixels.
    """
    known = overview.path or f"{overview.name} {overview.sha256}"
    digest = hashlib.sha256(f"{known} {overview.shape}".encode()).hexdigest()[:12]
    name = re.sub(r"[^A-Za-z0-9._-]+", "_", overview.name)[:_NAME_LETTERS].strip("._") or "overview"
    return preferences.config_folder() / "regions" / f"{name}-{digest}.json"


def kept_regions(overview: Overview) -> tuple[RegionSet | None, str]:
    """Return the regions kept for an overview, and a note about them; none if there are none.

    A damaged file is put aside under another name, which the note tells, and never written over.
    """
    path = kept_file(overview)
    if not path.exists():
        return None, ""
    try:
        regions = read_regions(path)
    except EmRestoreError as error:
        aside = path.with_suffix(".damaged.json")
        path.replace(aside)
        return None, f"{error} It was put aside as {aside}."
    if regions.overview.sha256 and regions.overview.sha256 != overview.sha256:
        return regions, "The image has changed since these regions were kept; look whether they still fit."
    return regions, ""
