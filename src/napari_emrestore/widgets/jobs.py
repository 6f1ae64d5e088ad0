"""Long work of a dock: off the main thread, numbered, watched, stopped when asked.

The only place that starts a worker. An error that the package raises on purpose reaches the dock as such;
anything else is a bug and goes to napari, which shows it with its traceback.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from napari.qt.threading import create_worker
from napari.utils import cancelable_progress
from qtpy.QtCore import QCoreApplication, QObject, Qt, QThreadPool, QTimer, Signal

from napari_emrestore.core import Cancelled, EmRestoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_SHOWN_EVERY_MS = 100
_PATIENCE_MS = 10_000


@dataclass(frozen=True, slots=True)
class Step:
    """Where a job stands.

    Attributes
    ----------
    done, total : int
        Finished steps and all steps of the stage.
    note : str
        The stage in a few words.
    seconds_left : float, optional
        Estimated for the stage; ``None`` before its first step is done.
    """

    done: int
    total: int
    note: str
    seconds_left: float | None


class JobMonitor:
    """The `Monitor` of one job; the work calls it from its thread, the main thread reads it."""

    def __init__(self) -> None:
        self.latest: Step | None = None
        self._stop = threading.Event()
        self._parts: deque[Any] = deque()
        self._stage = ("", 0.0, 0)

    def step(self, done: int, total: int, note: str = "") -> None:
        """Note where the work stands; raise `Cancelled` if it was asked to stop."""
        if self._stop.is_set():
            raise Cancelled(note or "the run")
        now = time.perf_counter()
        if note != self._stage[0] or done < self._stage[2]:
            self._stage = (note, now, done)
        _, began, first = self._stage
        rate = (done - first) / (now - began) if done > first and now > began else 0.0
        self.latest = Step(done, total, note, (total - done) / rate if rate else None)

    def time_anew(self) -> None:
        """Tell the time left by what comes from now on: the work has rested."""
        self._stage = ("", 0.0, 0)

    def pause(self, seconds: float) -> None:
        """Wait; raise `Cancelled` at once when the work is asked to stop."""
        if self._stop.wait(seconds):
            raise Cancelled("the work")

    def show(self, part: Any) -> None:
        """Pass a part of the result to the main thread, which gets every part in order."""
        self._parts.append(part)

    def stop(self) -> None:
        """Ask the work to stop at its next step."""
        self._stop.set()

    @property
    def stopping(self) -> bool:
        """Whether the work was asked to stop."""
        return self._stop.is_set()

    def take_parts(self) -> list[Any]:
        """Return the parts that came since the last call."""
        return [self._parts.popleft() for _ in range(len(self._parts))]


class Jobs(QObject):
    """Runs one job at a time; a newer one supersedes the older, whose result is then dropped.

    Signals
    -------
    started : str
        Title of the job.
    stepped : Step
        At most ten times a second.
    part : object
        Whatever the work passed to `JobMonitor.show`, in order.
    succeeded : object
        What the work returned.
    failed : EmRestoreError
        What it could not do, in one sentence.
    cancelled
        The work has stopped as asked; nothing of it comes later.
    ended
        After each of the last three, and after a bug, which napari shows.

    Parameters
    ----------
    parent : QObject, optional
        The dock; its end stops the job.
    quiet : bool
        No bar in napari's activity dock, for jobs of a moment that nobody has started.
    endless : bool
        For jobs that go on until they are stopped: they get no bar either, and each gets a thread beside
        the few that all jobs share, which it would otherwise keep from them.
    """

    started = Signal(str)
    stepped = Signal(object)
    part = Signal(object)
    succeeded = Signal(object)
    failed = Signal(object)
    cancelled = Signal()
    ended = Signal()
    _arrived = Signal(int, object)

    def __init__(self, parent: QObject | None = None, *, quiet: bool = False, endless: bool = False) -> None:
        super().__init__(parent)
        self._quiet, self._endless = quiet or endless, endless
        current = self._current = _Current()
        # A closed dock takes this object along, but not the thread, which must find nobody to call.
        # No lambda: the garbage collector may have emptied its closure when Qt calls it.
        self.destroyed.connect(current.drop)
        self._timer = QTimer(self)
        self._timer.setInterval(_SHOWN_EVERY_MS)
        self._timer.timeout.connect(self._show)
        # queued, so that no one is still within a slot of the worker, which goes while docks handle its end
        self._arrived.connect(self._finish, Qt.ConnectionType.QueuedConnection)

    @property
    def running(self) -> bool:
        """Whether a job is at work, stopping included."""
        return self._current.monitor is not None

    @property
    def stopping(self) -> bool:
        """Whether the job was asked to stop and has not yet done so."""
        return self._current.monitor is not None and self._current.monitor.stopping

    def start(self, title: str, work: Callable[[JobMonitor], Any]) -> None:
        """Run ``work(monitor)`` in a thread.

        Parameters
        ----------
        title : str
            What is going on, for the activity dock and the task list.
        work : callable
            Must not touch layers or widgets.
        """
        monitor = JobMonitor()
        bar = None if self._quiet else cancelable_progress(desc=title, cancel_callback=self.cancel)
        number = self._current.take(monitor, bar)
        _end_with_napari()
        worker = create_worker(_Work(title, work, monitor, endless=self._endless))
        current = self._current

        def arrive(outcome: _Outcome | None) -> None:
            if number == current.number:
                self._arrived.emit(number, outcome)

        worker.returned.connect(arrive)
        worker.errored.connect(lambda _: arrive(None))
        worker.start()
        self._timer.start()
        self.started.emit(title)

    def cancel(self) -> None:
        """Ask the job to stop; harmless when none runs."""
        if self._current.monitor is not None:
            self._current.monitor.stop()

    def _show(self) -> None:
        monitor, bar = self._current.monitor, self._current.bar
        if monitor is None:
            return
        for part in monitor.take_parts():
            self.part.emit(part)
        step, shown = monitor.latest, self._current.shown
        if step is None or step == shown:
            return
        self._current.shown = step
        self.stepped.emit(step)
        if bar is None:
            return
        # The bar repaints the window and handles events whenever it is touched, so it is touched for news
        # only, and last: the job may have ended when it returns.
        bar.total = step.total
        if shown is None or step.note != shown.note:
            bar.set_description(step.note)
        if self._current.shown is step:
            bar.update(step.done - bar.n)

    def _finish(self, number: int, outcome: _Outcome | None) -> None:
        """Tell the outcome of the newest job; ``None`` is a bug, of which napari has the traceback."""
        if number != self._current.number:
            return
        if outcome is None:
            self._end()
            self.ended.emit()
            return
        stopped = self.stopping or isinstance(outcome.error, Cancelled)
        if not stopped:
            self._show()
            if number != self._current.number:
                return
        self._end()
        if stopped:
            self.cancelled.emit()
        elif outcome.error is not None:
            self.failed.emit(outcome.error)
        else:
            self.succeeded.emit(outcome.value)
        self.ended.emit()

    def _end(self) -> None:
        self._timer.stop()
        self._current.drop()


class _Current:
    """The job whose result counts; outlives the dock."""

    def __init__(self) -> None:
        self.number = 0
        self.monitor: JobMonitor | None = None
        self.bar: cancelable_progress | None = None
        self.shown: Step | None = None

    def take(self, monitor: JobMonitor, bar: cancelable_progress | None) -> int:
        """Replace the job by another and return its number."""
        self.drop()
        self.monitor, self.bar, self.shown = monitor, bar, None
        return self.number

    def drop(self) -> None:
        """Forget the job; if it is still at work it stops at its next step, and nobody hears of it."""
        self.number += 1
        if self.monitor is not None:
            self.monitor.stop()
        if self.bar is not None:
            self.bar.close()
        self.monitor = self.bar = None


@dataclass(frozen=True, slots=True)
class _Outcome:
    value: Any = None
    error: EmRestoreError | None = None


class _Work:
    """The call that a worker makes; its text is what napari's task list shows."""

    def __init__(
        self, title: str, work: Callable[[JobMonitor], Any], monitor: JobMonitor, *, endless: bool
    ) -> None:
        self._title = title
        self._work = work
        self._endless = endless
        self.monitor = monitor
        _at_work.add(self)

    def __call__(self) -> _Outcome:
        with _beside_the_others() if self._endless else nullcontext():
            try:
                return _Outcome(value=self._work(self.monitor))
            except EmRestoreError as error:
                return _Outcome(error=error)
            finally:
                _at_work.discard(self)

    def __repr__(self) -> str:
        return self._title


_at_work: set[_Work] = set()


@contextmanager
def _beside_the_others() -> Iterator[None]:
    """Let the pool start one more thread meanwhile: it has as many as there are processors, two perhaps."""
    pool = QThreadPool.globalInstance()
    if pool is None:
        yield
        return
    pool.releaseThread()
    try:
        yield
    finally:
        pool.reserveThread()


@cache
def _end_with_napari() -> None:
    app = QCoreApplication.instance()
    if app is not None:
        app.aboutToQuit.connect(end_all_work)


def end_all_work() -> None:
    """Ask every job to stop and wait for that: Python must not end under a thread that computes."""
    for work in tuple(_at_work):
        work.monitor.stop()
    pool = QThreadPool.globalInstance()
    if pool is not None:
        pool.waitForDone(_PATIENCE_MS)
