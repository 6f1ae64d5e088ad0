"""What Micro-Manager has to offer on this computer, for a picker: cameras, configurations, a loaded core."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_emrestore.cameras.micromanager_core import unload
from napari_emrestore.core.optional import optional_package


@dataclass(frozen=True, slots=True)
class LoadedCore:
    """The core another plugin has loaded, which a camera without `config` and `adapter` joins.

    Attributes
    ----------
    camera, stage : str
        Labels; empty for a missing stage.
    is_running : bool
        Whether its owner runs the camera: then it is looked at, and nothing can be changed.
    """

    camera: str
    stage: str
    is_running: bool


def find_devices(adapter: str | None = None) -> dict[str, list[str]]:
    """Return the cameras that Micro-Manager's adapters offer: adapter to names of devices.

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
        unload(core)
    return found


def find_configurations() -> list[Path]:
    """Return the configuration files in the folder of Micro-Manager, by name; none without Micro-Manager.

    Raises
    ------
    MissingPackageError
        If pymmcore-plus is not installed.
    """
    package = optional_package("pymmcore_plus", "micromanager")
    folder = package.find_micromanager()
    return sorted(Path(folder).glob("*.cfg")) if folder else []


def loaded_core() -> LoadedCore | None:
    """Return what is loaded in this process already, None if there is no camera.

    Raises
    ------
    MissingPackageError
        If pymmcore-plus is not installed.
    """
    core: Any = optional_package("pymmcore_plus", "micromanager").CMMCorePlus.instance()
    if not core.getCameraDevice():
        return None
    return LoadedCore(core.getCameraDevice(), core.getXYStageDevice(), core.isSequenceRunning())
