"""A camera of Micro-Manager, through pymmcore-plus: one of our own, or the one another plugin has loaded."""

from __future__ import annotations

import time
import weakref
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.cameras.source import SLICE_S, LiveSource, checked_timeout
from napari_emrestore.core import Acquisition, DeviceError, Frame, InputError, SourceTimeoutError
from napari_emrestore.core.optional import optional_package

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType

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
        first = _first(camera, timeout_s)
        return MicroManagerCamera(camera, first, read_stage, timeout_s)
    except BaseException:
        camera.close()
        raise


def find_devices(adapter: str | None = None) -> dict[str, list[str]]:
    """Return the cameras that Micro-Manager's adapters offer, for a picker: adapter to names of devices.

    Parameters
    ----------
    adapter : str, optional
        Only this one; asking an adapter loads its library. ``None`` asks all that are installed; those
        that cannot be loaded here (a driver is missing) are left out.

    Raises
    ------
    MissingPackageError
        If pymmcore-plus is not installed.
    """
    package = optional_package("pymmcore_plus", "micromanager")
    core: Any = package.CMMCorePlus()
    camera_type = int(package.DeviceType.Camera)
    found: dict[str, list[str]] = {}
    try:
        for name in core.getDeviceAdapterNames() if adapter is None else (adapter,):
            try:
                devices, types = core.getAvailableDevices(name), core.getAvailableDeviceTypes(name)
            except RuntimeError:
                continue
            cameras = [d for d, kind in zip(devices, types, strict=True) if int(kind) == camera_type]
            if cameras:
                found[name] = cameras
    finally:
        _shut_down(core, True, False)
    return found


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


class _Device:
    """A core with a camera, and who may stop and unload it.

    Unloading is registered for the end of the process: a core that still tells Python of events while the
    interpreter goes down aborts it.
    """

    def __init__(self, core: Any, is_own: bool) -> None:
        self.core: Any = core
        self._pops = not core.isSequenceRunning()
        self._seen = -1
        self._shut = weakref.finalize(self, _shut_down, core, is_own, self._pops)

    def start(self) -> None:
        """Start the camera, unless its owner has."""
        if self._pops:
            try:
                self.core.startContinuousSequenceAcquisition(0)
            except RuntimeError as error:
                raise _refused(self.core, error) from error

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
                return None
            if self._pops:
                image, facts = self.core.popNextImageAndMD()
            else:
                image, facts = self.core.getLastImageAndMD()
        except IndexError:  # its owner took the image in between
            return None
        except RuntimeError as error:
            raise DeviceError(
                "A camera that answers is needed",
                item=str(self.core.getCameraDevice()),
                came=f"failed ({error})",
                remedy="Check its cable and power, then start again.",
            ) from error
        if not self._pops and _number(facts) == self._seen:
            return None
        self._seen = _number(facts)
        return image, facts

    def close(self) -> None:
        """Stop what was started and unload what was loaded; twice is harmless."""
        self._shut()
        # an unloaded core that is still referenced would be what CMMCorePlus.instance() hands to others
        self.core = None


def _shut_down(core: Any, is_own: bool, started: bool) -> None:
    if started and core.isSequenceRunning():
        core.stopSequenceAcquisition()
    if is_own:
        # the method of CMMCorePlus refuses None; the one of its base detaches the event thread
        optional_package("pymmcore", "micromanager").CMMCore.registerCallback(core, None)
        core.unloadAllDevices()


def _core(
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
        _shut_down(core, True, False)
        raise InputError(
            "A configuration or device that Micro-Manager can load is needed",
            item=config or f"{adapter}/{device}",
            came=f"was refused ({error})",
            remedy="Try it in Micro-Manager first; the device must be switched on.",
        ) from error
    if not core.getCameraDevice():
        _shut_down(core, True, False)
        raise InputError("A configuration with a camera is needed", item=str(config), came="has none")
    return core, True


def _set_up(
    core: Any,
    exposure_ms: float | None,
    roi: tuple[int, int, int, int] | None,
    binning: int | None,
    properties: Mapping[str, str],
) -> None:
    if core.isSequenceRunning():
        if exposure_ms is not None or roi is not None or binning is not None or properties:
            raise InputError(
                "A camera that another program runs is left as it is",
                item=core.getCameraDevice(),
                came="was to be changed",
                remedy="Stop it there first, or give no exposure, region, binning or properties.",
            )
        return
    name = core.getCameraDevice()
    wanted = dict(properties) | ({} if binning is None else {"Binning": str(binning)})
    try:
        for key, value in wanted.items():
            core.setProperty(name, key, value)
        if roi is not None:
            top, left, height, width = roi
            core.setROI(left, top, width, height)
        if exposure_ms is not None:
            core.setExposure(exposure_ms)
    except (RuntimeError, ValueError) as error:
        raise _refused(core, error) from error


def _refused(core: Any, error: Exception) -> InputError:
    return InputError(
        "Settings that this camera takes are needed", item=core.getCameraDevice(), came=f"refused ({error})"
    )


def _first(camera: _Device, timeout_s: float) -> tuple[Any, Mapping[str, Any]]:
    until = time.monotonic() + timeout_s
    while (taken := camera.next()) is None:
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
