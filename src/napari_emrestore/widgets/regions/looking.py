"""Brings a region into the middle of the view."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_emrestore.overview.region_geometry import bounds
from napari_emrestore.widgets.compare.viewing import camera_of

if TYPE_CHECKING:
    from napari.layers import Layer
    from napari.viewer import Viewer

    from napari_emrestore.overview.regions import Region

_SHARE = 0.3  # of the canvas that a region fills
_LEAST_PX = 40.0  # around a point


def jump_to(viewer: Viewer, overview: Layer, region: Region) -> None:
    """Put a region into the middle of the view, about a third as large as that.

    Before napari 0.9 no plugin can tell the size of the canvas, and the zoom stays.
    """
    y0, y1, x0, x1 = bounds(region)
    corners = np.zeros((4, overview.ndim))
    corners[:, -2:] = [(y0, x0), (y0, x1), (y1, x1), (y1, x0)]
    places = np.array([overview.data_to_world(corner) for corner in corners])[:, -2:]
    camera, canvas = camera_of(viewer), getattr(viewer, "canvas", None)
    camera.center = (0.0, *places.mean(axis=0))
    if canvas is None:
        return
    pixel = np.abs(np.asarray(overview.scale[-2:], float))
    extent = np.maximum(places.max(axis=0) - places.min(axis=0), _LEAST_PX * pixel)
    camera.zoom = _SHARE * float((np.asarray(canvas.size, float) / extent).min())
