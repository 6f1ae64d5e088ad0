"""A folder that another program writes images into: new files, and new pages of files that grow."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from napari_emrestore.cameras.folder_listing import Listing, trailing_number
from napari_emrestore.cameras.source import SLICE_S, LiveSource, checked_timeout
from napari_emrestore.core import SILENT, EmRestoreError, Frame, InputError, SourceTimeoutError

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_emrestore.core import Monitor

Order = Literal["name", "time"]
SUFFIXES = (".tif", ".tiff", ".dm3", ".dm4", ".mrc", ".mrcs", ".st", ".ser", ".emd", ".png")
_GROWING = 16
"""So many of the newest files are looked at again for further pages."""


def open_folder(
    *,
    folder: str,
    order: Order = "name",
    existing: bool = False,
    suffixes: tuple[str, ...] = SUFFIXES,
    poll_s: float = 0.1,
    patience_s: float = 10.0,
    timeout_s: float = 30.0,
    reader: Callable[..., Any] | None = None,
    monitor: Monitor = SILENT,
) -> WatchedFolder:
    """Return the frames that appear in a folder from now on; waits for the first.

    Parameters
    ----------
    folder : str
        On a local disk or a network share. Its sub-folders are not looked at.
    order : {"name", "time"}
        ``name``: natural order (frame 2 before frame 10); a number missing in names that end in one shows as
        a gap, and a file that comes after later ones were read is passed over. ``time``: as last written.
    existing : bool
        Whether files (and pages) that are there already come first.
    suffixes : tuple of str
        Of image files; others are passed over. So are hidden files.
    poll_s : float
        How often to look. Where the system tells of changes, it is looked at once more, at once.
    patience_s : float
        How long a file that cannot be read yet may stay unchanged before it is given up and counted; files
        after it wait so long.
    timeout_s : float
        See `LiveSource`; also for the first frame.
    reader : callable
        Opens a path as a stack, for example `io.open_frames`; refuses, with an `EmRestoreError`, files that
        are not complete.
    monitor : Monitor
        May cancel the wait for the first frame.

    Raises
    ------
    InputError
        If there is no such folder or no reader, or a setting is out of range.
    SourceTimeoutError
        If no frame comes.

    Notes
    -----
    A file that is written over with as many pages is not read again.
    """
    place = Path(folder).expanduser()
    if not place.is_dir():
        raise InputError("A folder to watch is needed", item=folder, came="is none")
    if reader is None:
        raise InputError(
            "Files are read by a reader", item=folder, came="came without one", remedy="Pass reader=."
        )
    if order not in ("name", "time"):
        raise InputError("Files come in order of 'name' or 'time'", came=f"{order!r} came")
    if not (poll_s > 0 and patience_s >= 0):
        raise InputError(
            "Times to poll are above 0, patience is not below", came=f"{poll_s} and {patience_s} came"
        )
    checked_timeout(timeout_s)
    listing = Listing(place, tuple(suffix.lower() for suffix in suffixes), order)
    pages = _Pages(listing, reader, patience_s)
    if not existing:
        pages.pass_over_what_is_there()
    news = _News(place)
    try:
        first = _first(pages, news, poll_s, timeout_s, place, monitor)
    except BaseException:
        news.close()
        raise
    return WatchedFolder(pages, news, first, poll_s, timeout_s)


class WatchedFolder(LiveSource):
    """Yields frames as files appear; see `open_folder`."""

    def __init__(self, pages: _Pages, news: _News, first: Frame, poll_s: float, timeout_s: float) -> None:
        height, width = first.data.shape
        super().__init__(first.acquisition, (height, width), first.data.dtype, timeout_s)
        self._pages, self._news, self._poll_s = pages, news, poll_s
        self._first: Frame | None = first

    def _poll(self) -> Frame | None:
        frame, self._first = self._first, None
        frame = frame or self._pages.next()
        self._incidents.update(self._pages.take_incidents())
        if frame is None:
            self._news.wait(min(self._poll_s, SLICE_S))
            return None
        if frame.data.shape == self.frame_shape and frame.data.dtype == self.dtype:
            return frame
        self._count("frames of another shape or type")
        return None

    def _wake(self) -> None:
        self._news.wake()

    def _release(self) -> None:
        self._news.close()
        self._pages.close()


class _Pages:
    """The frames of the files of a folder, one after the other."""

    def __init__(self, listing: Listing, reader: Callable[..., Any], patience_s: float) -> None:
        self._listing, self._reader, self._patience_s = listing, reader, patience_s
        self._given: OrderedDict[str, tuple[int, tuple[int, int]]] = OrderedDict()
        self._failed: dict[str, tuple[tuple[int, int], float]] = {}
        self._stack: Any = None
        self._name, self._page, self._last = "", 0, -1
        self._number: tuple[str, int] | None = None
        self._incidents: dict[str, int] = {}

    def pass_over_what_is_there(self) -> None:
        """Take the files that are there, and their pages, as read."""
        there = self._listing.new()
        for path in there:
            self._listing.done(path)
        for path in there[-_GROWING:]:
            state = self._listing.state(path)
            with contextlib.suppress(EmRestoreError, OSError), self._reader(path) as stack:
                if state is not None:
                    self._given[path.name] = len(stack), state

    def next(self) -> Frame | None:
        """Return the next frame, None if there is none yet."""
        if self._stack is None and not self._open_next():
            return None
        frame = self._read()
        if frame is None:
            return None
        self._page += 1
        self._last += 1 + self._missing_before()
        if self._page == len(self._stack):
            self.close()
        extra = {**frame.acquisition.extra, "file": self._name}
        known = replace(frame.acquisition, extra=extra)
        return Frame(np.array(frame.data), self._last, known, time.monotonic())

    def take_incidents(self) -> dict[str, int]:
        """Return what was counted since the last call."""
        found, self._incidents = {**self._incidents, **self._listing.take_incidents()}, {}
        return found

    def close(self) -> None:
        """Close the file that is open."""
        if self._stack is not None:
            self._stack.close()
            self._stack = None

    def _read(self) -> Frame | None:
        """Return the page that is next; an unreadable file is opened again once it changes."""
        try:
            frame: Frame = self._stack[self._page]
        except (EmRestoreError, OSError):
            state = self._given[self._name][1]
            self._given[self._name] = self._page, (-1, -1)
            self._failed[self._name] = state, time.monotonic()
            self.close()
            return None
        return frame

    def _open_next(self) -> bool:
        """Open the next file that has unseen frames; one that is not yet complete holds up those after."""
        for path in (*self._listing.changed(self._given), *self._listing.new()):
            state = self._listing.state(path)
            if state is None or self._gave_up(path, state):
                continue
            if self._failed.get(path.name, ((-1, -1), 0.0))[0] == state:
                return False
            try:
                stack = self._reader(path)
            except (EmRestoreError, OSError):
                self._failed[path.name] = state, time.monotonic()
                return False
            if self._take(path, stack, state):
                return True
        return False

    def _take(self, path: Path, stack: Any, state: tuple[int, int]) -> bool:
        """Begin with the frames of a file that are new; return whether there are any."""
        self._failed.pop(path.name, None)
        seen = self._given.get(path.name, (0, state))[0]
        self._given[path.name] = len(stack), state
        self._listing.done(path)
        self._forget_old()
        if len(stack) <= seen:
            stack.close()
            return False
        self._stack, self._page, self._name = stack, seen, path.name
        return True

    def _gave_up(self, path: Path, state: tuple[int, int]) -> bool:
        """Return whether a file that did not change since it could not be read has had its time."""
        failed, since_s = self._failed.get(path.name, ((-1, -1), 0.0))
        if failed != state or time.monotonic() - since_s <= self._patience_s:
            return False
        del self._failed[path.name]
        self._given[path.name] = self._given.get(path.name, (0, state))[0], state
        self._listing.done(path)
        self._incidents["unreadable files"] = self._incidents.get("unreadable files", 0) + 1
        return True

    def _missing_before(self) -> int:
        """Return how many numbers are missing between the file before and this one, in order of names."""
        before, self._number = self._number, trailing_number(self._name)
        if self._listing.order != "name" or before is None or self._number is None:
            return 0
        if before[0] != self._number[0]:
            return 0
        return max(0, self._number[1] - before[1] - 1)

    def _forget_old(self) -> None:
        while len(self._given) > _GROWING:
            self._given.popitem(last=False)


class _News:
    """Wakes a waiting thread when the system says that something changed in a folder, or when told to.

    Network shares tell nothing, and the package watchdog may be missing; then waiting just takes its time.
    """

    def __init__(self, folder: Path) -> None:
        self._event = threading.Event()
        self._observer: Any = None
        try:
            from watchdog.events import FileSystemEventHandler
            from watchdog.observers import Observer
        except ImportError:
            return
        handler: Any = FileSystemEventHandler()
        handler.on_any_event = lambda event: self._event.set()
        observer = Observer()
        # a system without room for another watch is polled like a network share
        with contextlib.suppress(OSError):
            observer.schedule(handler, str(folder))
            observer.start()
            self._observer = observer

    def wait(self, seconds: float) -> None:
        """Wait for news, up to some seconds."""
        self._event.wait(seconds)
        self._event.clear()

    def wake(self) -> None:
        """End a wait."""
        self._event.set()

    def close(self) -> None:
        """Stop watching."""
        if self._observer is not None:
            self._observer.stop()
            self._observer.join()
            self._observer = None


def _first(
    pages: _Pages, news: _News, poll_s: float, timeout_s: float, folder: Path, monitor: Monitor
) -> Frame:
    until = time.monotonic() + timeout_s
    while (frame := pages.next()) is None:
        monitor.step(0, 1, "waiting for the first file")
        if time.monotonic() > until:
            raise SourceTimeoutError(
                "A watched folder gets image files",
                item=str(folder),
                came=f"got none that could be read in {timeout_s:g} s",
                remedy="Check that the other program writes here, and in a format that is read.",
            )
        news.wait(poll_s)
    return frame
