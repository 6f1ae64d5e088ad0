"""Models taught on a person's own ground truth: clean images of the same place, or degraded on purpose.

In: frames in detector units with a clean image of their place (registered by itself), or clean images and
frames that show what the microscope does to them. Out: a `Taught`; where held-out samples show a higher
SSIM, a new model ``<model>-<name>`` stands in the models folder. Recipes from random weights on many images
are `training.fit`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_emrestore.training.teaching.lessons import CleanLessons, PairLessons
    from napari_emrestore.training.teaching.matching import match_blur, matched_preset
    from napari_emrestore.training.teaching.pairs import Pair, gather_pair
    from napari_emrestore.training.teaching.teaching import Taught, teach

_HOMES = {
    "CleanLessons": "lessons",
    "Pair": "pairs",
    "PairLessons": "lessons",
    "Taught": "teaching",
    "gather_pair": "pairs",
    "match_blur": "matching",
    "matched_preset": "matching",
    "teach": "teaching",
}

__all__ = [
    "CleanLessons",
    "Pair",
    "PairLessons",
    "Taught",
    "gather_pair",
    "match_blur",
    "matched_preset",
    "teach",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
