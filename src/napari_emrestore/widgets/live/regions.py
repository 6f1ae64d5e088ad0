"""A rectangle drawn in a Shapes layer as a region of the camera's frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_emrestore.pipeline.live_settings import LEAST_SIDE_PX

if TYPE_CHECKING:
    from napari.layers import Layer, Shapes

Roi = tuple[int, int, int, int]


def region_of(
    shapes: Shapes, live: Layer, origin_px: tuple[int, int], frame_shape: tuple[int, int]
) -> tuple[Roi | None, str]:
    """Return the part of a frame that the last shape of a layer encloses, and that in words.

    Parameters
    ----------
    shapes : Shapes
        Its last shape counts; of anything but a rectangle, the rectangle around it.
    live : Layer
        A layer that shows the camera.
    origin_px : tuple of int
        Frame pixel ``(y, x)`` that is the first of this layer.
    frame_shape : tuple of int
        ``(Y, X)`` of a whole frame.

    Returns
    -------
    roi : tuple of int or None
        ``(top, left, height, width)``; None if the shape leaves too little of the frame.
    text : str
        What is used, or why it is not.
    """
    if not shapes.data:
        return None, "Draw a rectangle in the layer to look at a part of the frame."
    corners = np.asarray([shapes.data_to_world(corner)[-2:] for corner in shapes.data[-1]])
    pixels = np.asarray([live.world_to_data(corner) for corner in corners])[:, -2:] + origin_px
    low = np.maximum(np.floor(pixels.min(axis=0) + 0.5), 0).astype(int)
    high = np.minimum(np.ceil(pixels.max(axis=0) + 0.5), frame_shape).astype(int)
    height, width = (int(side) for side in high - low)
    if min(height, width) < LEAST_SIDE_PX:
        return None, (
            f"A region has at least {LEAST_SIDE_PX} px a side within the frame; "
            f"this one has {max(width, 0)} × {max(height, 0)}. The whole frame is shown."
        )
    top, left = (int(edge) for edge in low)
    return (top, left, height, width), f"{width} × {height} px of the frame, from ({left}, {top})"
