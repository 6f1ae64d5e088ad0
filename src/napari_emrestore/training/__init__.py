"""Clean images in, degraded training samples, trained networks and model cards out.

`simulator` turns a scene into the frames a microscope would have taken (intensities 0 to 1 in, 16-bit
counts out, lengths in pixels, times in ms, doses in electrons per pixel); `scenes` draws procedural
scenes; `recipe` reads a training recipe; `fit` runs one,
`run_recipe` does so into the models folder. Nothing here opens a user's microscope files.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_emrestore.training.fitting import fit
    from napari_emrestore.training.presets import PRESETS, find_preset
    from napari_emrestore.training.recipe import Recipe, bundled_recipes, read_recipe
    from napari_emrestore.training.recipe_runs import missing_sources, run_recipe
    from napari_emrestore.training.scenes import draw_scene
    from napari_emrestore.training.simulator import Simulated, simulate

_HOMES = {
    "PRESETS": "presets",
    "Recipe": "recipe",
    "Simulated": "simulator",
    "bundled_recipes": "recipe",
    "draw_scene": "scenes",
    "find_preset": "presets",
    "fit": "fitting",
    "missing_sources": "recipe_runs",
    "read_recipe": "recipe",
    "run_recipe": "recipe_runs",
    "simulate": "simulator",
}

__all__ = [
    "PRESETS",
    "Recipe",
    "Simulated",
    "bundled_recipes",
    "draw_scene",
    "find_preset",
    "fit",
    "missing_sources",
    "read_recipe",
    "run_recipe",
    "simulate",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
