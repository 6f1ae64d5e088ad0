"""N frames of one field of view become one registered burst, judged frame by frame, and one merged image.

In: a `core.FrameSource` or a `core.Burst` ``(N, Y, X)`` in detector units, N from 1 to 32. Out: a
`core.RegisteredBurst` (float32, same units, on the grid of its reference frame) with a verdict on every
frame; merged images ``(Y, X)``, float32, same units. Coordinates are ``(y, x)`` in pixels.

What it does not do: find the warps (`registration`), restore (`restoration`), open or write files (`io`).
Nothing is dropped without a reason that can be read, and frames as they came stay in the result.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_emrestore.bursts.accepting import as_aligned as as_aligned
    from napari_emrestore.bursts.collecting import MOST_FRAMES as MOST_FRAMES
    from napari_emrestore.bursts.collecting import collect as collect
    from napari_emrestore.bursts.collecting import windows as windows
    from napari_emrestore.bursts.merging import merge as merge
    from napari_emrestore.bursts.registering import register as register
    from napari_emrestore.bursts.training_pairs import TrainingPair as TrainingPair
    from napari_emrestore.bursts.training_pairs import crop_positions as crop_positions
    from napari_emrestore.bursts.training_pairs import training_pair as training_pair
    from napari_emrestore.bursts.triage import TriageSettings as TriageSettings

_HOMES = {
    "MOST_FRAMES": "collecting",
    "TrainingPair": "training_pairs",
    "TriageSettings": "triage",
    "as_aligned": "accepting",
    "collect": "collecting",
    "crop_positions": "training_pairs",
    "merge": "merging",
    "register": "registering",
    "training_pair": "training_pairs",
    "windows": "collecting",
}

__all__ = [
    "MOST_FRAMES",
    "TrainingPair",
    "TriageSettings",
    "as_aligned",
    "collect",
    "crop_positions",
    "merge",
    "register",
    "training_pair",
    "windows",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
