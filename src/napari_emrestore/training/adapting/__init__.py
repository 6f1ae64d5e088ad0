"""Models fitted to a person's own microscope, without ground truth.

In: a trained model and frames ``(N, Y, X)`` in detector units, several of one scene or single ones. Out: an
`Adaptation`; where held-out pixels show a gain, a new model ``<model>-<name>`` stands in the models folder,
and nothing else was changed. What it does not do: judge beauty, sharpen, or tell what repeats in every frame
(fixed pattern) from the scene.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_emrestore.training.adapting.adaptation import METHODS, Adaptation, AdaptSettings, adapt
    from napari_emrestore.training.adapting.held_out import Gain
    from napari_emrestore.training.adapting.keeping import is_made_here, undo
    from napari_emrestore.training.adapting.tuning import Check, TuningPlan

_HOMES = {
    "METHODS": "adaptation",
    "AdaptSettings": "adaptation",
    "Adaptation": "adaptation",
    "Check": "tuning",
    "Gain": "held_out",
    "TuningPlan": "tuning",
    "adapt": "adaptation",
    "is_made_here": "keeping",
    "undo": "keeping",
}

__all__ = [
    "METHODS",
    "AdaptSettings",
    "Adaptation",
    "Check",
    "Gain",
    "TuningPlan",
    "adapt",
    "is_made_here",
    "undo",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
