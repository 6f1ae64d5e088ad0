"""Many frames of a moving stage become one overview; places in it become targets at the microscope.

In: frames ``(Y, X)`` of a `core.FrameSource` in detector units, with stage positions if they are known. Out:
a layout that says where every frame lies (pixels, ``(y, x)``), a mosaic on disk in input units with its maps,
and regions of interest with where they are on the mosaic and under the stage.

What it does not do: align two images (`registration`), restore a burst (`restoration`), move a stage
(`cameras`), show anything.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOMES: dict[str, str] = {}

__all__: list[str] = []


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
