"""Passes from image to image, compiled: the pyramid's low-passes and the final resampling."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.registration._compile import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Image = NDArray[np.float32]
    Matrix = NDArray[np.float64]

F = np.float32


@compiled
def halve(image: NDArray[Any], offset: float, gain: float, out: Image) -> None:
    """Write every second pixel of the image low-passed by (1 7 7 1)/16 along both axes."""
    h, w = image.shape
    rows, columns = out.shape
    shift, scale, seven = F(16.0 * offset), F(gain / 256.0), F(7)
    line = np.empty(w, F)
    even, odd = np.empty(columns + 1, F), np.empty(columns + 1, F)
    for r in range(rows):
        y = 2 * r
        a, b, c, d = image[max(y - 1, 0)], image[y], image[y + 1], image[min(y + 2, h - 1)]
        for i in range(w):
            line[i] = (F(a[i]) + F(d[i])) + seven * (F(b[i]) + F(c[i])) - shift
        odds = odd[1:]
        for i in range(columns):
            even[i] = line[2 * i]
            odds[i] = line[2 * i + 1]
        odd[0], even[columns] = even[0], line[w - 1]
        after, target = even[1:], out[r]
        for i in range(columns):
            target[i] = (odd[i] + after[i] + seven * (even[i] + odds[i])) * scale


@compiled
def smooth(image: NDArray[Any], offset: float, gain: float, out: Image) -> None:
    """Write the image low-passed by (1 4 6 4 1)/16 along both axes (sigma 1 px), in its own size."""
    h, w = image.shape
    shift, scale = F(offset), F(gain / 256.0)
    line = np.empty(w + 4, F)
    four, six = F(4), F(6)
    for y in range(h):
        a, b, c = image[max(y - 2, 0)], image[max(y - 1, 0)], image[y]
        d, e = image[min(y + 1, h - 1)], image[min(y + 2, h - 1)]
        middle = line[2:]
        for i in range(w):
            outer = (F(a[i]) - shift) + (F(e[i]) - shift) + four * ((F(b[i]) - shift) + (F(d[i]) - shift))
            middle[i] = outer + six * (F(c[i]) - shift)
        for i in range(2):
            line[i], line[w + 2 + i] = middle[0], middle[w - 1]
        l1, l3, l4, target = line[1:], line[3:], line[4:], out[y]
        for i in range(w):
            target[i] = (line[i] + l4[i] + four * (l1[i] + l3[i]) + six * middle[i]) * scale


@compiled
def soften(image: Image, out: Image) -> None:
    """Write the image low-passed by (1 4 1)/6 along both axes, in its own size."""
    h, w = image.shape
    line, four, scale = np.empty(w + 2, F), F(4), F(1 / 36)
    for y in range(h):
        above, row, below = image[max(y - 1, 0)], image[y], image[min(y + 1, h - 1)]
        middle, after, target = line[1:], line[2:], out[y]
        for i in range(w):
            middle[i] = above[i] + below[i] + four * row[i]
        line[0], line[w + 1] = line[1], line[w]
        for i in range(w):
            target[i] = (line[i] + after[i] + four * middle[i]) * scale


@compiled
def _keys(fraction: float, weights: Image) -> None:
    a = F(fraction)
    weights[0] = F(0.5) * ((F(2) - a) * a - F(1)) * a
    weights[1] = F(0.5) * ((F(3) * a - F(5)) * a * a + F(2))
    weights[2] = F(0.5) * ((F(4) - F(3) * a) * a + F(1)) * a
    weights[3] = F(0.5) * (a - F(1)) * a * a


@compiled
def resample_cubic(image: Image, m: Matrix, out: Image, valid: NDArray[np.bool_]) -> None:
    """Write the image at the warped positions by Keys' cubic, and where its whole support was measured."""
    h, w = image.shape
    wy, wx = np.empty(4, F), np.empty(4, F)
    for y in range(out.shape[0]):
        for x in range(out.shape[1]):
            out[y, x], valid[y, x] = F(0), False
            depth = m[2, 0] * y + m[2, 1] * x + m[2, 2]
            if not depth > 0.0:
                continue
            py = (m[0, 0] * y + m[0, 1] * x + m[0, 2]) / depth
            px = (m[1, 0] * y + m[1, 1] * x + m[1, 2]) / depth
            if not (-1.0 < py < h and -1.0 < px < w):
                continue
            row, column = math.floor(py + 1e-6), math.floor(px + 1e-6)
            fy, fx = py - row, px - column
            # A position on a pixel centre needs that pixel alone; 1e-6 px is what inverting a warp costs.
            fy, fx = (0.0 if fy < 1e-6 else fy), (0.0 if fx < 1e-6 else fx)
            top, bottom = (row, row) if fy == 0.0 else (row - 1, row + 2)
            left, right = (column, column) if fx == 0.0 else (column - 1, column + 2)
            if top < 0 or left < 0 or bottom >= h or right >= w:
                continue
            _keys(fy, wy)
            _keys(fx, wx)
            total = F(0)
            for j in range(top, bottom + 1):
                line = F(0)
                for i in range(left, right + 1):
                    line += wx[i - column + 1] * image[j, i]
                total += wy[j - row + 1] * line
            if math.isfinite(total):
                out[y, x], valid[y, x] = total, True
