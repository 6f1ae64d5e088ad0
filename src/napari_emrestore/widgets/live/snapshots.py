"""Snapshots: what is seen now as layers of its own, with their record."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_emrestore.widgets.layers import image_options
from napari_emrestore.widgets.live.pictures import RAW, RESTORED

if TYPE_CHECKING:
    from napari.layers import Image
    from napari.viewer import Viewer

    from napari_emrestore.widgets.live.pictures import Picture


def add_snapshot(viewer: Viewer, picture: Picture, live: dict[str, Image]) -> list[Image]:
    """Add the raw frame of a picture, its restoration and its ground truth, as far as they are there.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Gets the layers.
    picture : Picture
        What is seen.
    live : dict of str to Image
        The live layers, whose place and contrast the new ones take.
    """
    view = picture.view
    source = f"{view.raw.acquisition.name} · frame {view.raw.index}"
    restored_raw = view.restored_raw or view.raw
    restored = f"{restored_raw.acquisition.name} · frame {restored_raw.index}"
    added = []
    for name, image in picture.images.items():
        made_by = view.restored.provenance if view.restored is not None and name == RESTORED else None
        title = {RAW: source, RESTORED: f"{restored} · {view.settings.model}"}
        of = restored_raw if name == RESTORED else view.raw
        options = image_options(of.acquisition, stack=False, provenance=made_by)
        shown = live.get(name)
        place = (
            {}
            if shown is None
            else {
                "translate": shown.translate,
                "contrast_limits": shown.contrast_limits,
                "colormap": shown.colormap.name,
            }
        )
        options["name"] = title.get(name, f"{source} · ground truth")
        added.append(viewer.add_image(np.array(image), **{**options, **place}))
    return added
