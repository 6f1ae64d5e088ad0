"""The smaller jobs of the dock: the noise of a camera, and what a folder holds for a recipe; no Qt."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from napari_emrestore.restoration.calibration import Calibration
    from napari_emrestore.training import Recipe
    from napari_emrestore.widgets.jobs import JobMonitor
    from napari_emrestore.widgets.layers import LayerFrames


def recipe_text(recipe: Recipe) -> str:
    """Return what a recipe makes and learns from, in words."""
    places = len(recipe.data.sources)
    short = f" A short form of {recipe.full_recipe}." if recipe.full_recipe else ""
    return (
        f"{recipe.summary}{short} From random weights, on images of {places} "
        f"{'place' if places == 1 else 'places'} below the folder, such as {recipe.data.sources[0].pattern}."
    )


def lacking(recipe: Recipe, folder: str) -> tuple[str, ...]:
    """Return what of a recipe's images is not in a folder; nothing for no folder."""
    from napari_emrestore.training import missing_sources

    return tuple(missing_sources(recipe.data, Path(folder))) if folder and Path(folder).is_dir() else ()


def kept_cameras() -> list[str]:
    """Return the names of the calibrations there are."""
    from napari_emrestore.restoration.calibration import list_calibrations

    return list_calibrations()


def calibrate(frames: LayerFrames, dark: Any | None, camera: str, monitor: JobMonitor) -> Calibration:
    """Measure the noise of a camera and keep it under its name."""
    from napari_emrestore.restoration.calibration import MOST_FRAMES, save_calibration
    from napari_emrestore.restoration.calibration import calibrate as measure

    monitor.step(0, 1, "measuring noise")
    blank = None if dark is None else np.asarray(dark[:MOST_FRAMES])
    pixels = np.asarray(frames.data[:MOST_FRAMES])
    found = measure(pixels, camera=camera, dark=blank, source=frames.acquisition.name)
    save_calibration(found)
    monitor.step(1, 1, "measuring noise")
    return found


def camera_text(found: Calibration) -> str:
    """Return a calibration in words."""
    noise = found.noise
    error = f", known to {100 * found.relative_error:.1f} %" if np.isfinite(found.relative_error) else ""
    head = (
        f"{found.camera}: {noise.gain:.4g} counts per electron, offset {noise.offset:.4g}, read noise "
        f"{noise.read_noise:.4g} counts{error}."
    )
    return " ".join([head, *(f"{note[0].upper()}{note[1:]}." for note in found.notes)])
