"""A camera of Micro-Manager, through pymmcore-plus: one of our own, or the one another plugin has loaded."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.cameras.micromanager_core import IDLE_S, CoreCamera, load_core, number
from napari_emrestore.cameras.source import SLICE_S, LiveSource, checked_timeout
from napari_emrestore.core import SILENT, Acquisition, Frame, InputError
from napari_emrestore.core.optional import optional_package

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_emrestore.core import Monitor

_STAGE_REST = 9.0
"""A stage is left alone for so many times as long as it took to answer."""
_NOTHING: Mapping[str, str] = {}


def open_micromanager(
    *,
    config: str | None = None,
    adapter: str | None = None,
    device: str | None = None,
    exposure_ms: float | None = None,
    roi: tuple[int, int, int, int] | None = None,
    binning: int | None = None,
    properties: Mapping[str, str] = _NOTHING,
    read_stage: bool = True,
    timeout_s: float = 10.0,
    monitor: Monitor = SILENT,
) -> MicroManagerCamera:
    """Return a camera that is running; waits for the first frame.

    Without `config` and `adapter` the core that is loaded in this process (napari-micromanager's, say) is
    joined: it stays loaded afterwards, and if it is running already, its frames are looked at and left for
    its owner. Otherwise a core of its own is loaded, and unloaded at the end.

    Parameters
    ----------
    config : str, optional
        A configuration file of Micro-Manager.
    adapter, device : str, optional
        Instead of a configuration: one camera, for example ``"DemoCamera"`` and ``"DCam"``.
    exposure_ms : float, optional
        ``None`` leaves it as it is; so for the others.
    roi : tuple of int, optional
        ``(top, left, height, width)`` in camera pixels.
    binning : int, optional
        The camera's own.
    properties : mapping of str to str
        Further properties of the camera.
    read_stage : bool
        Whether frames carry the position of the XY stage; a stage is asked for it during a tenth of the
        time at most, so one that answers slowly gives several frames the same position.
    timeout_s : float
        See `LiveSource`; also for the first frame.
    monitor : Monitor
        May cancel the wait for the first frame.

    Raises
    ------
    MissingPackageError
        If pymmcore-plus is not installed.
    InputError
        If there is no camera to be had, a setting does not fit it, or it gives colour.
    SourceTimeoutError
        If no frame comes.
    """
    checked_timeout(timeout_s)
    package = optional_package("pymmcore_plus", "micromanager")
    camera = CoreCamera(*load_core(package, config, adapter, device))
    asked = {"exposure_ms": exposure_ms, "roi": roi, "binning": binning, "properties": properties or None}
    try:
        camera.set_up({name: value for name, value in asked.items() if value is not None})
        return MicroManagerCamera(camera, camera.first(timeout_s, monitor), read_stage, timeout_s)
    except BaseException:
        camera.close()
        raise


class MicroManagerCamera(LiveSource):
    """Yields the frames of a running camera; see `open_micromanager`.

    Frames that the camera numbered but its buffer had lost show as gaps. To `change` exposure, region (None:
    the whole chip), binning or properties, the camera is stopped and started again; frames are counted on.
    """

    changeable = ("exposure_ms", "roi", "binning", "properties")

    def __init__(
        self, camera: CoreCamera, first: tuple[Any, Mapping[str, Any]], read_stage: bool, timeout_s: float
    ) -> None:
        image, facts = first
        height, width = _grey_shape(camera, image)
        super().__init__(_known(camera, facts), (height, width), image.dtype, timeout_s)
        self._camera = camera
        self._first: tuple[Any, Mapping[str, Any]] | None = first
        self._offset, self._last = -number(facts), -1
        self._stage = camera.core.getXYStageDevice() if read_stage else ""
        self._stage_um: list[float] = []
        self._stage_due_s = -np.inf
        self._wall_s = time.time() - time.monotonic()

    def _poll(self) -> Frame | None:
        taken, self._first = self._first, None
        until = time.monotonic() + SLICE_S
        while taken is None and time.monotonic() < until and not self._closing.is_set():
            taken = self._camera.next()
            if taken is None:
                self._closing.wait(IDLE_S)
        if taken is None:
            return None
        image, facts = taken
        if image.shape != self.frame_shape or image.dtype != self.dtype:
            self._count("frames of another shape or type")
            return None
        known = self._acquisition
        if stage := self._stage_position():
            known = replace(known, extra={**known.extra, "stage_um": stage})
        return Frame(image, self._index(facts), known, self._ended_s(facts))

    def _change(self, settings: Mapping[str, Any]) -> None:
        try:
            self._camera.set_up(settings)
        finally:  # what it refused may have been changed in part
            self._first = self._camera.first(self._timeout_s)
            image, facts = self._first
            self._frame_shape, self._dtype = _grey_shape(self._camera, image), image.dtype
            self._acquisition = _known(self._camera, facts)
            self._offset = self._last + 1 - number(facts)

    def _index(self, facts: Mapping[str, Any]) -> int:
        index = number(facts) + self._offset
        if index <= self._last:
            self._count("restarts of the camera")
            self._offset += self._last + 1 - index
            index = self._last + 1
        self._last = index
        return index

    def _stage_position(self) -> list[float]:
        """Return ``[y, x]``: of now, or of a moment ago where the stage takes long to answer."""
        began_s = time.monotonic()
        if self._stage and began_s >= self._stage_due_s:
            try:
                x, y = self._camera.core.getXYPosition()
            except RuntimeError:  # a stage that does not answer costs its position, not the frames
                self._count("stage positions that could not be read")
                self._stage_um = []
            else:
                self._stage_um = [float(y), float(x)]
            now_s = time.monotonic()
            self._stage_due_s = now_s + _STAGE_REST * (now_s - began_s)
        return self._stage_um

    def _ended_s(self, facts: Mapping[str, Any]) -> float:
        """Return when the core received the frame, on the monotonic clock."""
        received = facts.get("TimeReceivedByCore")
        if received is None:
            return time.monotonic()
        return datetime.fromisoformat(str(received)).timestamp() - self._wall_s

    def _release(self) -> None:
        self._camera.close()


def _grey_shape(camera: CoreCamera, image: Any) -> tuple[int, int]:
    if image.ndim != 2:
        raise InputError(
            "A camera that gives grey images is needed",
            item=camera.name,
            came=f"gave shape {image.shape}",
            remedy="Set its PixelType to 8bit or 16bit.",
        )
    return int(image.shape[0]), int(image.shape[1])


def _known(camera: CoreCamera, facts: Mapping[str, Any]) -> Acquisition:
    size_nm = camera.core.getPixelSizeUm() * 1000
    return Acquisition(
        camera.name,
        pixel_size_nm=(size_nm, size_nm) if size_nm > 0 else None,
        frame_axis="time",
        exposure_ms=camera.core.getExposure(),
        extra={"camera": "micromanager", "binning": str(facts.get("Binning", ""))},
    )
