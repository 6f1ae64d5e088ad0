"""Entries of *File > Open Sample*: each the degraded image above its truth, on the same place, offline."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_emrestore.widgets.hooks.reading import LayerData


def tem_stream() -> list[LayerData]:
    """Return the simulated TEM stream and, frame by frame, what each should have shown."""
    return _sample_layers("tem-stream")


def sem_pair() -> list[LayerData]:
    """Return the real SEM pair: the fast scan above the slow one."""
    return _sample_layers("sem-pair")


def low_dose_particles() -> list[LayerData]:
    """Return the simulated nanoparticles at low dose and their truth."""
    return _sample_layers("low-dose-particles")


def _sample_layers(name: str) -> list[LayerData]:
    from napari_emrestore.samples import load_sample
    from napari_emrestore.widgets.layers import contrast_limits, image_options

    sample = load_sample(name)
    known = sample.acquisition
    truth = replace(known, name=f"{known.name} · {sample.truth_name}", dose_e=None)

    def layer(images: Any, acquisition: Any) -> LayerData:
        stack = len(images) > 1
        shown = images if stack else images[0]
        options = image_options(acquisition, stack=stack)
        return shown, {**options, "contrast_limits": contrast_limits(shown)}, "image"

    # the last layer lies on top and is the active one
    return [layer(sample.truths, truth), layer(sample.frames, known)]
