"""A camera watched from a worker's thread: opened, restored, its pictures made, closed; no Qt."""

from __future__ import annotations

import threading
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from napari_emrestore.widgets.layers import load_for_layers
from napari_emrestore.widgets.live.pictures import PictureMaker

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_emrestore.cameras import LiveSource
    from napari_emrestore.pipeline.guard import InputFacts
    from napari_emrestore.pipeline.live import LiveLine
    from napari_emrestore.pipeline.live_counters import LiveCounters
    from napari_emrestore.pipeline.live_settings import LiveSettings
    from napari_emrestore.pipeline.live_views import LiveView
    from napari_emrestore.widgets.jobs import JobMonitor
    from napari_emrestore.widgets.live.pictures import Picture

_TURN_S = 0.1
_AT_ONCE: dict[str, Any] = {"model": None, "kind": None, "frames": 1, "roi": None}


@dataclass(frozen=True, slots=True, eq=False)
class Opened:
    """A camera that is open, and its line, for the main thread to ask and steer; the session closes both."""

    camera: LiveSource
    line: LiveLine


class Session:
    """One camera from Start to Stop.

    Parameters
    ----------
    camera : str
        Name of the camera.
    values : mapping
        Its settings.
    settings : LiveSettings
        What to do; the very first view is a raw frame all the same, so that there is something to see while
        the alignment is compiled and the model loaded.

    Attributes
    ----------
    truth, limits : bool
        Whether pictures are to come with the ground truth and with contrast limits; may change any time.
    """

    def __init__(self, camera: str, values: Mapping[str, Any], settings: LiveSettings) -> None:
        self.truth = False
        self.limits = True
        self._camera, self._values, self._settings = camera, dict(values), settings
        self._line: LiveLine | None = None
        self._turn = threading.Lock()
        self._slot: Picture | None = None

    def run(self, monitor: JobMonitor) -> LiveCounters:
        """Watch until the camera ends or the monitor says so; passes `Opened` and `InputFacts` on.

        Raises
        ------
        EmRestoreError
            If the camera cannot be opened, or has failed.
        """
        from napari_emrestore.cameras import open_camera
        from napari_emrestore.io import open_frames
        from napari_emrestore.pipeline.live import LiveLine

        load_for_layers()
        monitor.pause(0)
        with (
            open_camera(self._camera, reader=open_frames, monitor=monitor, **self._values) as camera,
            LiveLine(camera, replace(self._settings, **_AT_ONCE)) as line,
        ):
            monitor.show(Opened(camera, line))
            self._watch(line, PictureMaker(camera), monitor)
            counters = line.counters()
        if line.failure is not None:
            raise line.failure
        return counters

    def steer(self, settings: LiveSettings) -> None:
        """Change what the line does, from the next view on; device and precision stay as they were.

        Raises
        ------
        InputError
            If the region leaves the frame.
        """
        device, precision = self._settings.device, self._settings.precision
        self._settings = replace(settings, device=device, precision=precision)
        if self._line is not None:
            self._line.change(**{one.name: getattr(self._settings, one.name) for one in fields(settings)})

    def shown(self, picture: Picture) -> None:
        """Tell that a picture is on the screen now."""
        if self._line is not None:
            self._line.shown(picture.view)

    def newest(self) -> Picture | None:
        """Return the newest picture that was not handed out yet; never waits."""
        with self._turn:
            picture, self._slot = self._slot, None
            return picture

    def _watch(self, line: LiveLine, maker: PictureMaker, monitor: JobMonitor) -> None:
        seen = False
        while True:
            monitor.pause(0)
            view = line.wait(_TURN_S)
            if view is None:
                if not line.is_running:
                    return
                continue
            self._line = line
            if not seen:
                self.steer(self._settings)
            picture = maker.picture(view, truth=self.truth, limits=self.limits)
            with self._turn:
                self._slot = picture
            if not seen:
                seen = True
                monitor.show(_facts(view))


def _facts(view: LiveView) -> InputFacts:
    from napari_emrestore.io import FrameStack
    from napari_emrestore.pipeline.guard import measure_input

    return measure_input(FrameStack.from_array(view.raw.data, view.raw.acquisition))
