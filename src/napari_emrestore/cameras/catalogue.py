"""The table of cameras: name to module and attribute, so that listing imports none of them."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

from napari_emrestore.core import SILENT, InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_emrestore.cameras.source import LiveSource
    from napari_emrestore.core import Monitor

ENTRY_POINTS = "napari_emrestore.cameras"
"""Group of entry points by which other packages add cameras: a name, and a callable that opens one."""
_GIVEN = ("reader", "monitor")  # by whoever opens a camera, to those that take them; not settings


@dataclass(frozen=True, slots=True)
class CameraKind:
    """One row of the table of cameras.

    Attributes
    ----------
    name : str
        For `open_camera`.
    summary : str
        One sentence for a menu.
    opener : str
        ``"module:attribute"`` of a callable that takes settings by keyword and returns a `LiveSource`.
    """

    name: str
    summary: str
    opener: str


_HERE = "napari_emrestore.cameras"
CAMERAS: tuple[CameraKind, ...] = (
    CameraKind(
        "simulated",
        "A simulated microscope: a moving stage over a large specimen, with its ground truth",
        f"{_HERE}.simulated:open_simulated",
    ),
    CameraKind("replay", "A recording or stack, played at a frame rate", f"{_HERE}.replay:open_replay"),
    CameraKind("folder", "A folder that another program writes files into", f"{_HERE}.folder:open_folder"),
    CameraKind(
        "micromanager", "A camera of Micro-Manager (pymmcore-plus)", f"{_HERE}.micromanager:open_micromanager"
    ),
    CameraKind("network", "Frames another program sends over ZeroMQ", f"{_HERE}.network:open_network"),
)


def list_cameras() -> tuple[CameraKind, ...]:
    """Return every camera that can be opened by name: our own, then those of other packages."""
    others = entry_points(group=ENTRY_POINTS)
    return (
        *CAMERAS,
        *(CameraKind(p.name, f"By {p.dist.name if p.dist else p.module}", p.value) for p in others),
    )


def open_camera(
    name: str, *, reader: Callable[..., Any] | None = None, monitor: Monitor = SILENT, **settings: Any
) -> LiveSource:
    """Return a camera that is ready to be iterated.

    Parameters
    ----------
    name : str
        Of `list_cameras`.
    reader : callable, optional
        Opens a path as a stack of frames, for cameras that read files; for example `io.open_frames`.
    monitor : Monitor
        Asked again and again by cameras that wait for the first frame; may cancel that.
    **settings
        Of this camera, see `camera_settings`.

    Raises
    ------
    InputError
        If there is no such camera or setting, a value cannot be used, or files are to be read without a
        `reader`.
    MissingPackageError
        If the camera needs a package that is not installed.
    SourceTimeoutError
        If the first frame, which tells shape and type, does not come in time.
    Cancelled
        If the monitor was asked to stop while the first frame was waited for.
    """
    opener = camera_opener(name)
    known = inspect.signature(opener).parameters
    takes_any = any(p.kind is p.VAR_KEYWORD for p in known.values())
    unknown = [setting for setting in settings if setting not in known and not takes_any]
    if unknown:
        raise InputError(
            f"The settings of camera {name!r} are {', '.join(p for p in known if p not in _GIVEN)}",
            came=f"{unknown[0]!r} came",
        )
    given = {"reader": reader, "monitor": monitor}
    settings |= {name: given[name] for name in _GIVEN if name in known}
    camera: LiveSource = opener(**settings)
    return camera


def camera_settings(name: str) -> dict[str, inspect.Parameter]:
    """Return the settings of a camera with their defaults and types, by name, without opening it."""
    known = inspect.signature(camera_opener(name), eval_str=False).parameters
    return {setting: p for setting, p in known.items() if setting not in _GIVEN}


def camera_opener(name: str) -> Callable[..., Any]:
    """Return what opens a camera of the table; imports its module.

    Raises
    ------
    InputError
        If there is no such camera.
    """
    rows = {row.name: row for row in list_cameras()}
    if name not in rows:
        raise InputError(f"A camera is one of {', '.join(rows)}", came=f"{name!r} came")
    module, attribute = rows[name].opener.split(":")
    found: Callable[..., Any] = getattr(import_module(module), attribute)
    return found
