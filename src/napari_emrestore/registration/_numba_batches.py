"""The compiled passes as batches; see `kernels.Kernels` for what each returns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.registration import _numba_filters as filters
from napari_emrestore.registration import _numba_kernels as passes
from napari_emrestore.registration._newton import IMAGE_POWERS, IMAGE_ROWS, POWERS, TEMPLATE_ROWS
from napari_emrestore.registration._numba_cells import choose_cells
from napari_emrestore.registration.cells import cell_width, row_step

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Images = NDArray[np.float32]

_NO_MASK = np.ones((1, 1, 1), dtype=np.bool_)


class NumbaKernels:
    """Compiled passes on numpy arrays; calls release the interpreter lock, so threads run side by side."""

    name = "numba"
    batch = 4
    parallel = True

    def pyramid(
        self,
        frames: Sequence[NDArray[Any]],
        offsets: Sequence[float],
        gains: Sequence[float],
        levels: range,
    ) -> dict[int, Images]:
        """Return the levels asked for, of frames of type uint16 or float32."""
        h, w = frames[0].shape
        shapes = [(len(frames), h >> level, w >> level) for level in range(levels.stop)]
        kept = {level: np.empty(shapes[level], np.float32) for level in levels}
        passing = {level: np.empty((1, *shapes[level][1:]), np.float32) for level in range(1, levels.start)}
        # Frame by frame: a level is read again while it is still in the cache.
        for k, (frame, offset, gain) in enumerate(zip(frames, offsets, gains, strict=True)):
            if 0 in levels:
                filters.smooth(frame, offset, gain, kept[0][k])
            fine: NDArray[Any] = frame
            for level in range(1, levels.stop):
                half = kept[level][k] if level in levels else passing[level][0]
                filters.halve(fine, offset if level == 1 else 0.0, gain if level == 1 else 1.0, half)
                fine = half
        return kept

    def put(self, images: NDArray[np.float32]) -> Images:
        """Return the images in one piece."""
        return np.ascontiguousarray(images, dtype=np.float32)

    def host(self, images: Images) -> NDArray[np.float32]:
        """Return the images themselves."""
        return images

    def soften(self, image: Images) -> Images:
        """Return an image low-passed by (1 4 1)/6 along both axes."""
        out = np.empty_like(image)
        filters.soften(image, out)
        return out

    def prepared(self, image: Images, scale: float) -> Images:
        """Return the template itself: its sums are quick to take."""
        return image

    def template_moments(
        self, prepared: Images, cells: NDArray[np.bool_], scale: float
    ) -> NDArray[np.float64]:
        """Return the template's moments over the chosen cells."""
        out = np.empty((len(cells), TEMPLATE_ROWS, POWERS))
        h, w = prepared.shape
        passes.template_moments(prepared, cells, scale, cell_width(w), row_step(h), out)
        return out

    def choose_cells(
        self,
        warps: NDArray[np.float64],
        usable: NDArray[np.bool_],
        moving_usable: NDArray[np.bool_] | None,
        shape: tuple[int, int],
    ) -> NDArray[np.bool_]:
        """Return which cells are compared."""
        out = np.empty((len(warps), *usable.shape), np.bool_)
        masks = _NO_MASK if moving_usable is None else moving_usable
        choose_cells(warps, usable, masks, shape, cell_width(shape[1]), out)
        return out

    def image_moments(
        self,
        template: Images,
        images: Images,
        warps: NDArray[np.float64],
        cells: NDArray[np.bool_],
        active: NDArray[np.bool_],
        scale: float,
    ) -> NDArray[np.float64]:
        """Return the moments of the images sampled through their warps."""
        out = np.zeros((len(warps), IMAGE_ROWS, IMAGE_POWERS))
        cell = cell_width(template.shape[1])
        passes.image_moments(template, images, warps, cells, active, scale, cell, out)
        return out

    def slope_products(
        self,
        template: Images,
        images: Images,
        warps: NDArray[np.float64],
        cells: NDArray[np.bool_],
        step: int,
    ) -> NDArray[np.float64]:
        """Return sums of slope products."""
        out = np.empty((len(warps), 3, 3))
        passes.slope_products(template, images, warps, cells, cell_width(template.shape[1]), step, out)
        return out

    def add_sampled(
        self, images: Images, warps: NDArray[np.float64], cells: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the sum of the warped images and the count of frames."""
        total, count = np.zeros(images.shape[1:], np.float32), np.zeros(images.shape[1:], np.float32)
        for image, warp, chosen in zip(images, warps, cells, strict=True):
            passes.add_sampled(image, warp, chosen, cell_width(image.shape[1]), total, count)
        return total, count
