"""A core of Micro-Manager with a camera: loading it, setting it up, taking images, and letting go of it."""

from __future__ import annotations

import time
import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari_emrestore.core import SILENT, DeviceError, InputError, SourceTimeoutError
from napari_emrestore.core.optional import optional_package

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType

    from napari_emrestore.core import Monitor

IDLE_S = 0.001
_LABEL = "Camera"


@dataclass(slots=True)
class _Ours:
    """What is ours to undo: unloading the core, stopping its camera."""

    core: bool
    run: bool


class CoreCamera:
    """A core with a camera, and who may stop and unload it.

    Unloading is registered for the end of the process: a core that still tells Python of events while the
    interpreter goes down aborts it.

    Parameters
    ----------
    core : CMMCorePlus
        With a camera.
    is_own : bool
        Whether it is to be unloaded at the end.

    Attributes
    ----------
    name : str
        Label of the camera.
    """

    def __init__(self, core: Any, is_own: bool) -> None:
        self.core: Any = core
        self._ours = _Ours(is_own, not core.isSequenceRunning())
        self.name = str(core.getCameraDevice())
        self._seen = -1
        self._shut = weakref.finalize(self, shut_down, core, self._ours)

    def set_up(self, settings: Mapping[str, Any]) -> None:
        """Change ``exposure_ms``, ``roi`` (None: the whole chip), ``binning`` or ``properties``; then start.

        What the camera refuses leaves it running with what it has.

        Raises
        ------
        InputError
            If somebody else runs the camera, or it refuses a value.
        """
        if not self._ours.run and self.core.isSequenceRunning():
            if settings:
                raise InputError(
                    "A camera that another program runs is left as it is",
                    item=self.name,
                    came="was to be changed",
                    remedy="Stop it there first, or give no exposure, region, binning or properties.",
                )
            return
        if self.core.isSequenceRunning():
            self.core.stopSequenceAcquisition()
        try:
            _set(self.core, settings)
        except (RuntimeError, ValueError, TypeError) as error:
            raise self._refused(error) from error
        finally:
            self._start()

    def next(self) -> tuple[Any, Mapping[str, Any]] | None:
        """Return the next image and what is said of it, None if there is none yet.

        Of a core that somebody else is running only the newest image is looked at.

        Raises
        ------
        DeviceError
            If the camera has failed.
        """
        try:
            if not self.core.getRemainingImageCount():
                # whoever stops what we started runs the camera from then on
                self._ours.run = self._ours.run and self.core.isSequenceRunning()
                return None
            taken = self.core.popNextImageAndMD() if self._ours.run else self.core.getLastImageAndMD()
        except IndexError:  # its owner took the image in between
            return None
        except (RuntimeError, SystemError) as error:  # the latter where the device is gone altogether
            raise DeviceError(
                "A camera that answers is needed",
                item=self.name,
                came=f"failed ({error})",
                remedy="Check its cable and power, then start again.",
            ) from error
        if not self._ours.run and number(taken[1]) == self._seen:
            return None
        self._seen = number(taken[1])
        return taken[0], taken[1]

    def first(self, timeout_s: float, monitor: Monitor = SILENT) -> tuple[Any, Mapping[str, Any]]:
        """Return the next image, waiting for it.

        Raises
        ------
        SourceTimeoutError
            If none comes in time.
        Cancelled
            If the monitor asks to stop.
        """
        until = time.monotonic() + timeout_s
        while (taken := self.next()) is None:
            monitor.step(0, 1, "waiting for the first frame")
            if time.monotonic() > until:
                raise SourceTimeoutError(
                    "A camera delivers frames",
                    item=self.name,
                    came=f"gave none for {timeout_s:g} s",
                    remedy="Check exposure and trigger.",
                )
            time.sleep(IDLE_S)
        return taken

    def close(self) -> None:
        """Stop what was started and unload what was loaded; twice is harmless."""
        self._shut()
        # an unloaded core that is still referenced would be what CMMCorePlus.instance() hands to others
        self.core = None

    def _start(self) -> None:
        try:
            self.core.startContinuousSequenceAcquisition(0)
        except (RuntimeError, MemoryError) as error:  # the latter where images have no size yet
            raise self._refused(error) from error
        self._ours.run = True

    def _refused(self, error: Exception) -> InputError:
        return InputError(
            "Settings that this camera takes are needed", item=self.name, came=f"refused ({error})"
        )


def load_core(
    package: ModuleType, config: str | None, adapter: str | None, device: str | None
) -> tuple[Any, bool]:
    """Return a core with a camera, and whether it is ours."""
    if config is None and adapter is None:
        core: Any = package.CMMCorePlus.instance()
        if not core.getCameraDevice():
            raise InputError(
                "A loaded Micro-Manager core with a camera is needed, or a configuration",
                came="neither came",
                remedy="Load a configuration in napari-micromanager, or give config=.",
            )
        return core, False
    core = package.CMMCorePlus()
    try:
        if config is not None:
            core.loadSystemConfiguration(config)
        else:
            core.loadDevice(_LABEL, adapter, device or "")
            core.initializeDevice(_LABEL)
            core.setCameraDevice(_LABEL)
    except (RuntimeError, OSError) as error:
        unload(core)
        raise InputError(
            "A configuration or device that Micro-Manager can load is needed",
            item=config or f"{adapter}/{device}",
            came=f"was refused ({error})",
            remedy="Try it in Micro-Manager first; the device must be switched on.",
        ) from error
    if not core.getCameraDevice():
        unload(core)
        raise InputError("A configuration with a camera is needed", item=str(config), came="has none")
    return core, True


def shut_down(core: Any, ours: _Ours) -> None:
    """Stop and unload what is ours."""
    if ours.run and core.isSequenceRunning():
        core.stopSequenceAcquisition()
    if ours.core:
        unload(core)


def unload(core: Any) -> None:
    """Let go of all devices of a core."""
    # the method of CMMCorePlus refuses None; the one of its base detaches the event thread
    optional_package("pymmcore", "micromanager").CMMCore.registerCallback(core, None)
    core.unloadAllDevices()


def number(facts: Mapping[str, Any]) -> int:
    """Return the number the camera gave an image."""
    return int(facts.get("ImageNumber", 0))


def _set(core: Any, settings: Mapping[str, Any]) -> None:
    name = core.getCameraDevice()
    binning = settings.get("binning")
    wanted = dict(settings.get("properties", {})) | ({} if binning is None else {"Binning": str(binning)})
    for key, value in wanted.items():
        core.setProperty(name, key, value)
    if "roi" in settings:
        _set_roi(core, settings["roi"])
    if settings.get("exposure_ms") is not None:
        core.setExposure(settings["exposure_ms"])


def _set_roi(core: Any, roi: tuple[int, int, int, int] | None) -> None:
    if roi is None:
        core.clearROI()
        return
    top, left, height, width = roi
    core.setROI(left, top, width, height)
