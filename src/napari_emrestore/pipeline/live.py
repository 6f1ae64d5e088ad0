"""The line in a loop: one thread reads the camera, one registers its frames, one restores the newest.

The camera is never waited for nor held up, and neither is the view of its frames by a slow restorer: frames
the line has no time for are dropped or passed over and counted, and of the views it makes only the newest is
handed out. What is recorded is taken before anything is dropped.
"""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol, Self

from napari_emrestore.cameras import Ring
from napari_emrestore.core import EmRestoreError, SourceTimeoutError
from napari_emrestore.pipeline.live_alarms import TripWires
from napari_emrestore.pipeline.live_counters import Latencies, LiveCounters, Rate
from napari_emrestore.pipeline.live_exchange import Exchange
from napari_emrestore.pipeline.live_observing import Observer
from napari_emrestore.pipeline.live_restoring import LiveRestoring
from napari_emrestore.pipeline.live_settings import LiveSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

    from napari_emrestore.core import Frame, FrameSource, Restoration, Restorer
    from napari_emrestore.pipeline.live_alarms import Alarm
    from napari_emrestore.pipeline.live_views import LiveView

_TURN_S = 0.1
_JOIN_S = 10.0
_DEFAULTS = LiveSettings()


class FrameSink(Protocol):
    """Takes every frame that was acquired, in order, without holding up the camera: a recorder."""

    def put(self, frame: Frame) -> None:
        """Take the next frame."""
        ...


class LiveLine:
    """Restores what a camera sees, as fast as it can; a context manager that closes its source.

    Parameters
    ----------
    source : FrameSource
        Iterated by a thread of this line until it ends, fails or is closed.
    settings : LiveSettings
        What to do at first.
    loader : callable, optional
        Returns the restorer of `LiveSettings`; by default `restoration.load_restorer` does.

    Raises
    ------
    InputError
        If the region leaves the frame.
    """

    def __init__(
        self,
        source: FrameSource,
        settings: LiveSettings = _DEFAULTS,
        *,
        loader: Callable[[LiveSettings], Restorer] | None = None,
    ) -> None:
        settings.check_roi(source.frame_shape)
        self._source = source
        self._settings = settings
        self._ring = Ring(settings.frames)
        self._sink: FrameSink | None = None
        self._observer = Observer(loader or _load)
        self._restoring = LiveRestoring()
        self._exchange = Exchange()
        self._failure: BaseException | None = None
        self._sink_failure: EmRestoreError | None = None
        self._stopping = threading.Event()
        self._acquired, self._shown = Rate(), Rate()
        self._wires = TripWires()
        self._latencies, self._restored_latencies = Latencies(), Latencies()
        self._last_restored: Restoration | None = None
        self._threads = [
            threading.Thread(target=self._guarded, args=(work,), name=f"live {name}", daemon=True)
            for name, work in (("pump", self._pump), ("view", self._view), ("restore", self._restore))
        ]

    @property
    def settings(self) -> LiveSettings:
        """What the next view will be made with."""
        return self._settings

    @property
    def failure(self) -> BaseException | None:
        """What ended the stream before it was stopped, for example a `DeviceError`; else None.

        A source that falls silent does not end it: see `silence`.
        """
        return self._failure

    @property
    def silence(self) -> SourceTimeoutError | None:
        """What a source that delivers no frame in time says; None once frames come again.

        The line goes on waiting; who does not want to stops it.
        """
        return self._wires.timeout

    @property
    def sink_failure(self) -> EmRestoreError | None:
        """Why the recorder was let go while the stream went on; None if it was not."""
        return self._sink_failure

    @property
    def is_running(self) -> bool:
        """Whether frames or views may still come."""
        return any(thread.is_alive() for thread in self._threads)

    def prepare(self) -> Self:
        """Load the first model before starting, so that the first view is restored already.

        Otherwise a model is loaded beside the view, which is raw in the meantime.

        Raises
        ------
        ModelError, DeviceError, InputError, MissingPackageError
            As `restoration.load_restorer`.
        """
        self._observer.prepare(self._settings)
        return self

    def start(self) -> Self:
        """Begin; returns at once."""
        for thread in self._threads:
            thread.start()
        return self

    def change(self, **changes: Any) -> LiveSettings:
        """Change some settings; they hold from the next view on.

        Raises
        ------
        InputError
            If a value cannot be used; then nothing changes.
        """
        changed = replace(self._settings, **changes)
        changed.check_roi(self._source.frame_shape)
        self._ring.resize(changed.frames)
        self._settings = changed
        return changed

    def record(self, sink: FrameSink | None) -> None:
        """Hand every frame from now on to a recorder as well; ``None`` ends that."""
        self._sink_failure = None
        self._sink = sink

    def newest(self) -> LiveView | None:
        """Return the newest view that was not handed out yet; never waits."""
        return self.wait(0.0)

    def wait(self, timeout_s: float) -> LiveView | None:
        """Return the newest view not handed out yet, waiting for one up to `timeout_s` seconds."""
        return self._exchange.newest(timeout_s, self._is_over)

    def shown(self, view: LiveView) -> None:
        """Tell that a view is on the screen now: counts it, and its latency."""
        now = time.monotonic()
        self._shown.tick()
        if view.raw.time_s is not None:
            self._latencies.add(now - view.raw.time_s)
        of, restored = view.restored_raw, view.restored
        if of is not None and of.time_s is not None and restored is not self._last_restored:
            self._restored_latencies.add(now - of.time_s)
            self._last_restored = restored

    def counters(self) -> LiveCounters:
        """Return where the frames went, and how fast."""
        exchange = self._exchange
        p50, p95 = self._latencies.percentiles_ms()
        restored_p50, restored_p95 = self._restored_latencies.percentiles_ms()
        return LiveCounters(
            acquired=self._ring.acquired,
            lost_by_source=self._ring.lost,
            dropped_by_ring=self._ring.dropped,
            passed_over=exchange.passed_over,
            made=exchange.made.count,
            restored=exchange.restored.count,
            superseded=exchange.superseded,
            shown=self._shown.count,
            view_lost=self._observer.view_lost,
            acquired_fps=self._acquired.per_second(),
            made_fps=exchange.made.per_second(),
            restored_fps=exchange.restored.per_second(),
            shown_fps=self._shown.per_second(),
            latency_ms_p50=p50,
            latency_ms_p95=p95,
            restored_latency_ms_p50=restored_p50,
            restored_latency_ms_p95=restored_p95,
        )

    def alarms(self) -> tuple[Alarm, ...]:
        """Return what a person should look up for (late, saturated, dark, lost); mostly nothing."""
        return self._wires.alarms()

    def stop(self) -> None:
        """Close the source and wait until all threads have ended; twice is harmless."""
        self._stopping.set()
        self._source.close()
        self._ring.end()
        self._exchange.end()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(_JOIN_S)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _pump(self) -> None:
        try:
            for frame in self._frames():
                self._acquired.tick()
                self._wires.frame_came()
                self._keep(frame)
                self._ring.put(frame)
        finally:
            self._wires.ended()
            self._ring.end()

    def _frames(self) -> Iterator[Frame]:
        """Yield the source's frames; one that falls silent is asked on until it answers or is closed."""
        while not self._stopping.is_set():
            try:
                yield from self._source
            except SourceTimeoutError as error:
                self._wires.timed_out(error)
                self._stopping.wait(_TURN_S)
            else:
                break

    def _keep(self, frame: Frame) -> None:
        sink = self._sink
        if sink is None:
            return
        try:
            sink.put(frame)
        except EmRestoreError as error:
            self._sink, self._sink_failure = None, error

    def _view(self) -> None:
        """Look at frames as they come, and show them, with their restoration if that is there in time."""
        try:
            while not self._stopping.is_set():
                self._ring.wait(self._exchange.patience_s(_TURN_S))
                settings = self._settings  # as they are now, not as they were before the wait
                frames = self._ring.take(settings.frames)
                if frames:
                    lost_before = self._observer.view_lost
                    seen = self._observer.see(frames, settings)
                    self._wires.saw(seen, self._observer.view_lost > lost_before)
                    self._exchange.saw(seen)
                elif self._ring.ended:
                    break
                self._exchange.show_due()
        finally:
            self._exchange.end()

    def _restore(self) -> None:
        while not (self._stopping.is_set() or self._exchange.is_drained):
            seen = self._exchange.take(_TURN_S)
            if seen is not None and seen.restorer is not None:
                self._exchange.give(self._restoring.restored(seen, seen.restorer))

    def _guarded(self, work: Callable[[], None]) -> None:
        """Run one thread's work; what ends it is kept for `failure`."""
        try:
            work()
        except EmRestoreError as error:
            # a file that is closed while it is read says so; that was asked for
            self._failure = None if self._stopping.is_set() else error
        except Exception as error:
            self._failure = error
            raise  # a fault of ours: Python reports it as well
        finally:
            self._exchange.wake()

    def _is_over(self) -> bool:
        viewing = self._threads[1:]
        return self._stopping.is_set() or (
            self._ring.ended and not any(thread.is_alive() for thread in viewing)
        )


def _load(settings: LiveSettings) -> Restorer:
    from napari_emrestore.restoration import load_restorer

    return load_restorer(str(settings.model), device=settings.device, precision=settings.precision)
