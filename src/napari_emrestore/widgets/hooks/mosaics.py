"""A mosaic of ours as layers: raw, restored and its maps on one grid, lazily, also while it grows."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from napari.types import LayerData

_SHOWN = ("raw", "restored")


def mosaic_layers(path: str | Path) -> list[LayerData]:
    """Return the images of a mosaic as layers, raw below restored; its maps are hidden at first.

    Parameters
    ----------
    path : str or Path
        Folder that `overview.mosaic_files` wrote.
    """
    from napari_emrestore.io import open_frames, read_provenance
    from napari_emrestore.overview.mosaic_files import open_mosaic
    from napari_emrestore.widgets.hooks.reading import layer_data

    mosaic = open_mosaic(path)
    # napari puts what comes later on top
    order = sorted(mosaic.images, key=lambda name: (name in _SHOWN, name == "restored"))
    layers = []
    for name in order:
        image = mosaic.path / name
        data, options, kind = layer_data(open_frames(image), provenance=read_provenance(image))
        title = mosaic.path.stem if name == "raw" else f"{mosaic.path.stem} · {name}"
        # what napari remembers of a lazy array would never grow
        remembered = {} if mosaic.complete else {"cache": False}
        layers.append((data, {**options, **remembered, "name": title, "visible": name in _SHOWN}, kind))
    return layers
