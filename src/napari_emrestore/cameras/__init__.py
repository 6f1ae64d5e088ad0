"""Live frames in: a simulated microscope, replay, a watched folder, Micro-Manager, a network stream.

In: the name of a camera and its settings (`open_camera`; `list_cameras` imports none of them). Out: a
`LiveSource` that yields `core.Frame` objects ``(Y, X)`` in the detector's own units and type. A frame's
``index`` counts what the device took, so frames lost on the way show as gaps; its ``time_s`` is the end of
exposure, or the arrival where the device does not say, on this computer's ``time.monotonic`` clock. A known
stage position is in ``frame.acquisition.extra["stage_um"]`` as ``[y, x]``. `open_stage` gives the XY stage of
Micro-Manager, to be driven.

What it does not do: read files (whoever opens a camera hands over a `reader`, for example
`io.open_frames`), record, register or restore. That is the live line in `pipeline`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_emrestore.cameras.catalogue import CameraKind, camera_settings, list_cameras, open_camera
    from napari_emrestore.cameras.described_settings import CameraSetting, describe_settings
    from napari_emrestore.cameras.micromanager_stage import open_stage
    from napari_emrestore.cameras.ring import Ring
    from napari_emrestore.cameras.source import LiveSource

_HOMES = {
    "CameraKind": "catalogue",
    "CameraSetting": "described_settings",
    "LiveSource": "source",
    "Ring": "ring",
    "camera_settings": "catalogue",
    "describe_settings": "described_settings",
    "list_cameras": "catalogue",
    "open_camera": "catalogue",
    "open_stage": "micromanager_stage",
}

__all__ = [
    "CameraKind",
    "CameraSetting",
    "LiveSource",
    "Ring",
    "camera_settings",
    "describe_settings",
    "list_cameras",
    "open_camera",
    "open_stage",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
