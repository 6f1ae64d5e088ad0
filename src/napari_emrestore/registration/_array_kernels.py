"""The pixel passes of registration in whole-array operations, for numpy and for torch on any device.

The same sums as `_numba_kernels` over the same pixels, so results agree to float32 rounding. Positions are
kept as displacements, which float32 holds to 1e-5 px; row sums are taken on the device and finished on the
host in float64.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.registration import cells as planner
from napari_emrestore.registration._newton import IMAGE_POWERS, IMAGE_ROWS, POWERS, TEMPLATE_ROWS, YY
from napari_emrestore.registration.cells import cell_width

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

Array = Any  # numpy.ndarray or torch.Tensor


class NumpyArrays:
    """The few operations numpy spells differently from torch."""

    name = "numpy"
    batch = 1

    def put(self, array: NDArray[Any]) -> Array:
        """Return the array as float32 where the passes run."""
        return np.asarray(array, dtype=np.float32)

    def host(self, array: Array) -> NDArray[Any]:
        """Return the array as numpy."""
        return np.asarray(array)

    def stack(self, arrays: Sequence[Array]) -> Array:
        """Return the arrays stacked along a new first axis."""
        return np.stack(arrays)

    def floor(self, array: Array) -> Array:
        """Return the floor."""
        return np.floor(array)

    def clip(self, array: Array, low: float, high: float) -> Array:
        """Return the array limited to [low, high]."""
        return np.clip(array, low, high)

    def pick(self, flat: Array, row: Array, column: Array, w: int) -> Array:
        """Return pixels of images (B, Y * w) at whole rows and columns (B, Y, X) given as floats."""
        index = row.astype(np.int64) * w + column.astype(np.int64)
        return np.take_along_axis(flat, index.reshape(len(flat), -1), 1).reshape(row.shape)


class TorchArrays:
    """The same operations on a torch device."""

    batch = 32

    def __init__(self, device: str) -> None:
        import torch

        self._torch = torch
        self._device = torch.device(device)
        self.name = f"torch ({device})"

    def put(self, array: NDArray[Any]) -> Array:
        """Return the array as float32 where the passes run."""
        host = np.ascontiguousarray(array, dtype=np.float32)
        return self._torch.from_numpy(host).to(self._device)

    def host(self, array: Array) -> NDArray[Any]:
        """Return the array as numpy."""
        return np.asarray(array.cpu().numpy())

    def stack(self, arrays: Sequence[Array]) -> Array:
        """Return the arrays stacked along a new first axis."""
        return self._torch.stack(list(arrays))

    def floor(self, array: Array) -> Array:
        """Return the floor."""
        return self._torch.floor(array)

    def clip(self, array: Array, low: float, high: float) -> Array:
        """Return the array limited to [low, high]."""
        return self._torch.clamp(array, low, high)

    def pick(self, flat: Array, row: Array, column: Array, w: int) -> Array:
        """Return pixels of images (B, Y * w) at whole rows and columns (B, Y, X) given as floats."""
        index = row.long() * w + column.long()
        return self._torch.gather(flat, 1, index.reshape(len(flat), -1)).reshape(row.shape)


class ArrayKernels:
    """Passes over batches of images (B, Y, X); see `kernels.Kernels` for what each returns.

    Parameters
    ----------
    arrays : NumpyArrays or TorchArrays
        Where the passes run.
    """

    def __init__(self, arrays: NumpyArrays | TorchArrays) -> None:
        self._a = arrays
        self.name = arrays.name
        self.batch = arrays.batch
        self.parallel = False

    def pyramid(
        self,
        frames: Sequence[NDArray[Any]],
        offsets: Sequence[float],
        gains: Sequence[float],
        levels: range,
    ) -> dict[int, Array]:
        """Return the levels asked for, of the frames less `offsets` times `gains`."""
        scaled = [(np.asarray(f, np.float64) - o) * g for f, o, g in zip(frames, offsets, gains, strict=True)]
        raw = self._a.put(np.stack(scaled))
        made = {0: self._smooth(raw)} if 0 in levels else {}
        current = raw
        for level in range(1, levels.stop):
            current = self._halve_rows(self._halve_rows(current).swapaxes(1, 2)).swapaxes(1, 2)
            if level in levels:
                made[level] = current
        return made

    def _halve_rows(self, images: Array) -> Array:
        h = images.shape[1]
        upper = np.arange(h // 2) * 2
        before, after = np.maximum(upper - 1, 0), np.minimum(upper + 2, h - 1)
        return (images[:, before] + images[:, after] + 7 * (images[:, upper] + images[:, upper + 1])) / 16

    def _smooth(self, images: Array) -> Array:
        return self._smooth_rows(self._smooth_rows(images).swapaxes(1, 2)).swapaxes(1, 2)

    def _smooth_rows(self, images: Array) -> Array:
        h = images.shape[1]
        total = 0.0
        for d, tap in zip(range(-2, 3), (1, 4, 6, 4, 1), strict=True):
            total = total + tap / 16 * images[:, np.clip(np.arange(h) + d, 0, h - 1)]
        return total

    def host(self, images: Array) -> NDArray[np.float32]:
        """Return the images as numpy."""
        return self._a.host(images)

    def put(self, images: NDArray[np.float32]) -> Array:
        """Return numpy images as a batch where the passes run."""
        return self._a.put(images)

    def soften(self, image: Array) -> Array:
        """Return an image low-passed by (1 4 1)/6 along both axes."""
        for _ in range(2):
            sums = 4 * image
            sums[1:] += image[:-1]
            sums[:-1] += image[1:]
            sums[0] += image[0]
            sums[-1] += image[-1]
            image = (sums / 6).swapaxes(0, 1)
        return image

    def prepared(self, image: Array, scale: float) -> Array:
        """Return the template's row quantities summed over cells, shape (Y, cells, 24)."""
        h, w = image.shape
        cell = cell_width(w)
        columns = (w - 2) // cell
        gy, gx = self._gradients(image)
        u = self._a.put((np.arange(w) - (w - 1) / 2)[None] / scale)
        alone = [gy, u * gy, gx, u * gx, u * u * gx]
        products = [gy * gy * u**i for i in range(3)]
        products += [gy * gx * u**i for i in range(4)] + [gx * gx * u**i for i in range(5)]
        every = [image, image * image, *alone, *(q * image for q in alone), *products]
        summed = [q[:, 1 : 1 + columns * cell].reshape(h, columns, cell).sum(-1) for q in every]
        return self._a.stack(summed).swapaxes(0, 1).swapaxes(1, 2)

    def template_moments(
        self, prepared: Array, cells: NDArray[np.bool_], scale: float
    ) -> NDArray[np.float64]:
        """Return the template's moments over the chosen cells, shape (B, 24, 5)."""
        chosen = self._a.put(cells)
        lines = np.array(self._a.host(self._a.stack([(prepared * c[..., None]).sum(1) for c in chosen])))
        step = planner.row_step(cells.shape[1])
        taken = np.arange(cells.shape[1]) % step == step // 2
        lines[:, ~taken, YY:] = 0
        moments = _moments(lines, scale, TEMPLATE_ROWS, POWERS)
        moments[:, :YY, IMAGE_POWERS:] = 0
        some = np.count_nonzero(cells[:, taken], axis=(1, 2))
        moments[:, YY:] *= (np.count_nonzero(cells, axis=(1, 2)) / np.maximum(some, 1))[:, None, None]
        return moments

    def choose_cells(
        self,
        warps: NDArray[np.float64],
        usable: NDArray[np.bool_],
        moving_usable: NDArray[np.bool_] | None,
        shape: tuple[int, int],
    ) -> NDArray[np.bool_]:
        """Return which cells are compared, shape (B, Y, cells)."""
        return planner.choose_cells(warps, usable, moving_usable, shape)

    def image_moments(
        self,
        template: Array,
        images: Array,
        warps: NDArray[np.float64],
        cells: NDArray[np.bool_],
        active: NDArray[np.bool_],
        scale: float,
    ) -> NDArray[np.float64]:
        """Return the moments of the images sampled through their warps, shape (B, 8, 3)."""
        out = np.zeros((len(warps), IMAGE_ROWS, IMAGE_POWERS))
        which = np.flatnonzero(active)
        w = template.shape[1]
        i = self._sample(images[which], warps[which]) * self._a.put(planner.cell_pixels(cells[which], w))
        gy, gx = self._gradients(template)
        u = self._a.put((np.arange(w) - (w - 1) / 2)[None] / scale)
        rows = [i, i * i, i * template, gy * i, u * gy * i, gx * i, u * gx * i, u * u * gx * i]
        lines = self._a.host(self._a.stack([q.sum(-1) for q in rows]))
        out[which] = _moments(np.moveaxis(lines, 0, -1), scale, IMAGE_ROWS, IMAGE_POWERS)
        return out

    def _gradients(self, images: Array) -> tuple[Array, Array]:
        gy, gx = images * 0, images * 0
        gy[..., 1:-1, :] = (images[..., 2:, :] - images[..., :-2, :]) * 0.5
        gx[..., 1:-1] = (images[..., 2:] - images[..., :-2]) * 0.5
        return gy, gx

    def slope_products(
        self,
        template: Array,
        images: Array,
        warps: NDArray[np.float64],
        cells: NDArray[np.bool_],
        step: int,
    ) -> NDArray[np.float64]:
        """Return sums of slope products, shape (B, (yy, xx, yx), (tt, ti, ii))."""
        chosen = cells.copy()
        for d in (1, 2):
            chosen[:, d:-d] &= cells[:, : -2 * d] & cells[:, 2 * d :]
        both = chosen.copy()
        both[:, :, 1:-1] &= chosen[:, :, :-2] & chosen[:, :, 2:]
        both[:, :3] = both[:, -3:] = both[:, :, 0] = both[:, :, -1] = False
        weight = self._a.put(planner.cell_pixels(both, template.shape[1]))
        i = self._sample(images, warps)
        (ty, tx), (cy, cx) = self._gradients(template), self._gradients(i)
        iy, ix = i * 0, i * 0
        iy[:, 2:-2] = (8 * (i[:, 3:-1] - i[:, 1:-3]) - (i[:, 4:] - i[:, :-4])) / 12
        ix[:, :, 2:-2] = (8 * (i[:, :, 3:-1] - i[:, :, 1:-3]) - (i[:, :, 4:] - i[:, :, :-4])) / 12
        products = [
            [ty * ty, ty * iy, cy * iy],
            [tx * tx, tx * ix, cx * ix],
            [ty * tx, (ty * ix + tx * iy) / 2, (cy * ix + cx * iy) / 2],
        ]
        lines = self._a.stack([self._a.stack([(weight * q).sum(-1) for q in row]) for row in products])
        return np.asarray(np.moveaxis(self._a.host(lines).sum(-1, dtype=np.float64), -1, 0))

    def add_sampled(
        self, images: Array, warps: NDArray[np.float64], cells: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the sum of the warped images and how many of them each pixel holds, both (Y, X)."""
        weight = planner.cell_pixels(cells, images.shape[2])
        sampled = self._a.host(self._sample(images, warps)) * weight
        return sampled.sum(0), weight.sum(0)

    def _sample(self, images: Array, warps: NDArray[np.float64]) -> Array:
        """Return the images at the warped pixels, shape (B, Y, X).

        Along y where the warped row crosses the image's columns, then along the row; see `_numba_kernels`.
        """
        b, h, w = images.shape
        dy, dx, steep = self._displacements(warps, h, w)
        y, x = self._a.put(np.arange(h)[:, None]), self._a.put(np.arange(w)[None])
        fx = dx - self._a.floor(dx)
        column = self._a.clip(self._a.floor(dx) + x, 1, w - 3)
        flat = images.reshape(b, h * w)
        total = 0.0
        for i, wx in enumerate(_spline_weights(fx), -1):
            crossing = dy + steep * (i - fx)
            row = self._a.clip(self._a.floor(crossing) + y, 1, h - 3)
            fy = crossing - self._a.floor(crossing)
            line = 0.0
            for j, wy in enumerate(_spline_weights(fy), -1):
                line = line + wy * self._a.pick(flat, row + j, column + i, w)
            total = total + wx * line
        return total

    def _displacements(self, warps: NDArray[np.float64], h: int, w: int) -> tuple[Array, Array, Array]:
        y, x = self._a.put(np.arange(h)[:, None]), self._a.put(np.arange(w)[None])
        m = [[self._a.put(warps[:, i, j] - (i == j))[:, None, None] for j in range(3)] for i in range(3)]
        tilt = m[2][0] * y + m[2][1] * x
        dy = (m[0][0] * y + m[0][1] * x + m[0][2] - y * tilt) / (1 + tilt)
        dx = (m[1][0] * y + m[1][1] * x + m[1][2] - x * tilt) / (1 + tilt)
        steep = (m[0][1] - (dy + y) * m[2][1]) / (1 + m[1][1] - (dx + x) * m[2][1])
        return dy, dx, steep


def _spline_weights(f: Array) -> tuple[Array, ...]:
    g = 1 - f
    return g**3 / 6, 2 / 3 - f * f + f**3 / 2, 2 / 3 - g * g + g**3 / 2, f**3 / 6


def _moments(lines: NDArray[np.float32], scale: float, rows: int, powers: int) -> NDArray[np.float64]:
    """Return moments (B, rows, powers) of row sums (B, Y, rows)."""
    h = lines.shape[1]
    v = (np.arange(h) - (h - 1) / 2) / scale
    vander = np.vander(v, powers, increasing=True)
    moments: NDArray[np.float64] = np.einsum("byq,yj->bqj", lines[..., :rows].astype(np.float64), vander)
    return moments
