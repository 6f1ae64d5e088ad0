"""Registered frames in input units in, one restored image in input units out, in exact tiles.

`restore` maps intensities to a model's range once per image or stack, cuts the image into windows that
equal the whole, runs a restorer on each and maps back, unclamped. Restorers are learned (`load_restorer`
with a model's id or path) or classical (an id of `list_classical`). Arrays are ``(Y, X)`` or ``(N, Y, X)``;
dask and zarr arrays are read piece by piece.

It neither registers frames (`bursts`) nor opens or creates files (`io`).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_emrestore.restoration.checks import check_input
    from napari_emrestore.restoration.classical import list_classical
    from napari_emrestore.restoration.devices import Device, list_devices, pick_device
    from napari_emrestore.restoration.loading import load_restorer
    from napari_emrestore.restoration.memory import release_memory, tune_allocator
    from napari_emrestore.restoration.plan import TilePlan, choose_window, plan_tiles
    from napari_emrestore.restoration.run import restore
    from napari_emrestore.restoration.torch_restorer import TorchRestorer

_HOMES = {
    "Device": "devices",
    "TilePlan": "plan",
    "TorchRestorer": "torch_restorer",
    "check_input": "checks",
    "choose_window": "plan",
    "list_classical": "classical",
    "list_devices": "devices",
    "load_restorer": "loading",
    "pick_device": "devices",
    "plan_tiles": "plan",
    "release_memory": "memory",
    "restore": "run",
    "tune_allocator": "memory",
}

__all__ = [
    "Device",
    "TilePlan",
    "TorchRestorer",
    "check_input",
    "choose_window",
    "list_classical",
    "list_devices",
    "load_restorer",
    "pick_device",
    "plan_tiles",
    "release_memory",
    "restore",
    "tune_allocator",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
