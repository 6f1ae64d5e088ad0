"""A camera of Micro-Manager, through pymmcore-plus: one of our own, or the one another plugin has loaded."""

from __future__ import annotations

import time
import weakref
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.cameras.source import SLICE_S, LiveSource, checked_timeout
from napari_emrestore.core import (
    SILENT,
    Acquisition,
    DeviceError,
    Frame,
    InputError,
    SourceTimeoutError,
)
from napari_emrestore.core.optional import optional_package

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType

    from napari_emrestore.core import Monitor

_IDLE_S = 0.001
_STAGE_EVERY_S = 0.1
_LABEL = "Camera"
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
        Whether frames carry the position of the XY stage, asked for at most ten times a second.
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
    core, is_own = _core(package, config, adapter, device)
    camera = _Device(core, is_own)
    try:
        _set_up(core, exposure_ms, roi, binning, properties)
        camera.start()
        first = _first(camera, timeout_s, monitor)
        return MicroManagerCamera(camera, first, read_stage, timeout_s)
    except BaseException:
        camera.close()
        raise


class MicroManagerCamera(LiveSource):
    """Yields the frames of a running camera; see `open_micromanager`.

    Frames that the camera numbered but its buffer had lost show as gaps.
    """

    def __init__(
        self, camera: _Device, first: tuple[Any, Mapping[str, Any]], read_stage: bool, timeout_s: float
    ) -> None:
        image, facts = first
        core = camera.core
        if image.ndim != 2:
            raise InputError(
                "A camera that gives grey images is needed",
                item=core.getCameraDevice(),
                came=f"gave shape {image.shape}",
                remedy="Set its PixelType to 8bit or 16bit.",
            )
        size_nm = core.getPixelSizeUm() * 1000
        known = Acquisition(
            core.getCameraDevice(),
            pixel_size_nm=(size_nm, size_nm) if size_nm > 0 else None,
            frame_axis="time",
            exposure_ms=core.getExposure(),
            extra={"camera": "micromanager", "binning": str(facts.get("Binning", ""))},
        )
        super().__init__(known, (int(image.shape[0]), int(image.shape[1])), image.dtype, timeout_s)
        self._camera = camera
        self._first: tuple[Any, Mapping[str, Any]] | None = first
        self._number0 = _number(facts)
        self._stage = core.getXYStageDevice() if read_stage else ""
        self._stage_um: list[float] = []
        self._stage_read_s = -np.inf
        self._wall_s = time.time() - time.monotonic()

    def _poll(self) -> Frame | None:
        taken, self._first = self._first, None
        until = time.monotonic() + SLICE_S
        while taken is None and time.monotonic() < until and not self._closing.is_set():
            taken = self._camera.next()
            if taken is None:
                self._closing.wait(_IDLE_S)
        if taken is None:
            return None
        image, facts = taken
        if image.shape != self.frame_shape or image.dtype != self.dtype:
            self._count("frames of another shape or type")
            return None
        known = self._acquisition
        if stage := self._stage_position():
            known = replace(known, extra={**known.extra, "stage_um": stage})
        return Frame(image, _number(facts) - self._number0, known, self._ended_s(facts))

    def _stage_position(self) -> list[float]:
        now = time.monotonic()
        if self._stage and now - self._stage_read_s > _STAGE_EVERY_S:
            self._stage_read_s = now
            try:
                x, y = self._camera.core.getXYPosition()
            except RuntimeError:  # a stage that does not answer costs its position, not the frames
                self._count("stage positions that could not be read")
                self._stage_um = []
            else:
                self._stage_um = [float(y), float(x)]
        return self._stage_um

    def _ended_s(self, facts: Mapping[str, Any]) -> float:
        """Return when the core received the frame, on the monotonic clock."""
        received = facts.get("TimeReceivedByCore")
        if received is None:
            return time.monotonic()
        return datetime.fromisoformat(str(received)).timestamp() - self._wall_s

    def _release(self) -> None:
        self._camera.close()


def _first(camera: _Device, timeout_s: float, monitor: Monitor) -> tuple[Any, Mapping[str, Any]]:
    until = time.monotonic() + timeout_s
    while (taken := camera.next()) is None:
        monitor.step(0, 1, "waiting for the first frame")
        if time.monotonic() > until:
            raise SourceTimeoutError(
                "A camera delivers frames",
                item=str(camera.core.getCameraDevice()),
                came=f"gave none for {timeout_s:g} s",
                remedy="Check exposure and trigger.",
            )
        time.sleep(_IDLE_S)
    return taken


def _number(facts: Mapping[str, Any]) -> int:
    return int(facts.get("ImageNumber", 0))
