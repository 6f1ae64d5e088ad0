"""The pixel passes of registration, compiled: one read of each image, float32 in SIMD lanes.

A pass walks rows; a row walks *runs*, stretches in which the warped position stays inside one pixel cell
relative to the row, so that all loads are contiguous and no gather is needed. Offsets into the flat image
are unsigned: numba wraps negative indices, and that test would keep the loops out of SIMD lanes.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.registration._compile import compiled
from napari_emrestore.registration._newton import IMAGE_POWERS, IMAGE_ROWS, POWERS, TEMPLATE_ROWS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Image = NDArray[np.float32]
    Matrix = NDArray[np.float64]

F = np.float32
U = np.uint64


@compiled
def template_table(image: Image, scale: float, cell: int, out: Image) -> None:
    """Write running sums of a template's row quantities (see `_newton`), shape (Y, cells + 1, 24)."""
    h, w = image.shape
    half, inverse = F(0.5), F(1.0 / scale)
    centre = F((w - 1) / 2)
    q = np.empty(TEMPLATE_ROWS, F)
    for y in range(1, h - 1):
        q[:] = F(0)
        for c in range(out.shape[1] - 1):
            for x in range(1 + c * cell, 1 + (c + 1) * cell):
                t = image[y, x]
                gy = half * (image[y + 1, x] - image[y - 1, x])
                gx = half * (image[y, x + 1] - image[y, x - 1])
                u = (F(x) - centre) * inverse
                q[0] += t
                q[1] += t * t
                q[2] += gy
                q[3] += u * gy
                q[4] += gx
                q[5] += u * gx
                q[6] += u * u * gx
                q[7] += gy * t
                q[8] += u * gy * t
                q[9] += gx * t
                q[10] += u * gx * t
                q[11] += u * u * gx * t
                power = F(1)
                for i in range(5):
                    if i < 3:
                        q[12 + i] += gy * gy * power
                    if i < 4:
                        q[15 + i] += gy * gx * power
                    q[19 + i] += gx * gx * power
                    power *= u
            out[y, c + 1] = q


@compiled
def template_moments(table: Image, cells: NDArray[np.bool_], scale: float, out: Matrix) -> None:
    """Write the moments of a template over the chosen cells of each frame, shape (B, 24, 5).

    `table` holds running sums along each row (first entry 0), so that a run of cells costs two look-ups.
    """
    h, columns = cells.shape[1:]
    line = np.empty(TEMPLATE_ROWS, F)
    out[:] = 0.0
    for b in range(cells.shape[0]):
        for y in range(h):
            line[:] = F(0)
            start = -1
            for c in range(columns + 1):
                inside = c < columns and cells[b, y, c]
                if inside and start < 0:
                    start = c
                elif start >= 0 and not inside:
                    for q in range(TEMPLATE_ROWS):
                        line[q] += table[y, c, q] - table[y, start, q]
                    start = -1
            v = (y - (h - 1) / 2) / scale
            for q in range(TEMPLATE_ROWS):
                power = np.float64(line[q])
                for j in range(POWERS):
                    out[b, q, j] += power
                    power *= v


@compiled
def _blend(
    source: Image, at: int, stride: int, m: int, fraction: Any, slope: Any, out: Image, to: int
) -> None:
    """Interpolate `m` values between samples `stride` apart; the fraction grows by `slope` per value.

    Runs are short, so whole lanes of 16 are computed where there is room: the next run writes over what
    was too much.
    """
    sixth, half, two_thirds, one = F(1 / 6), F(1 / 2), F(2 / 3), F(1)
    lanes = (m + 15) >> 4
    if at + 2 * stride + 16 * lanes > source.size or to + 16 * lanes > out.size:
        lanes = m >> 4
        for j in range(16 * lanes, m):
            f = fraction + slope * F(j)
            g = one - f
            ff, gg = f * f, g * g
            outer = sixth * (gg * g * source[U(at - stride + j)] + ff * f * source[U(at + 2 * stride + j)])
            inner = (two_thirds - ff + half * ff * f) * source[U(at + j)]
            out[U(to + j)] = outer + inner + (two_thirds - gg + half * gg * g) * source[U(at + stride + j)]
    for lane in range(lanes):
        start = lane * 16
        k0, k1 = U(at - stride + start), U(at + start)
        k2, k3, target = U(at + stride + start), U(at + 2 * stride + start), U(to + start)
        base = fraction + slope * F(start)
        for j in range(16):
            u = U(j)
            f = base + slope * F(j)
            g = one - f
            ff, gg = f * f, g * g
            outer = sixth * (gg * g * source[k0 + u] + ff * f * source[k3 + u])
            inner = (two_thirds - ff + half * ff * f) * source[k1 + u]
            out[target + u] = outer + inner + (two_thirds - gg + half * gg * g) * source[k2 + u]


@compiled
def _run_length(fraction: float, slope: float, inverse: float, longest: int) -> int:
    """Return after how many pixels a position leaves its cell, 1 to `longest`; `inverse` is 1 / slope."""
    if slope > 0.0 and 1.0 - fraction < slope * longest:
        return min(longest, int((1.0 - fraction) * inverse) + 1)
    if slope < 0.0 and fraction < -slope * longest:
        return min(longest, int(fraction * -inverse) + 1)
    return longest


@compiled
def _along(m: Matrix, y: int, x: int) -> float:
    """Return the x at which a warp finds a pixel."""
    return float((m[1, 0] * y + m[1, 1] * x + m[1, 2]) / (m[2, 0] * y + m[2, 1] * x + m[2, 2]))


@compiled
def sample_row(
    flat: Image, shape: tuple[int, int], m: Matrix, y: int, x: int, n: int, line: Image, out: Image
) -> None:
    """Write `n` pixels of a flat image at the warped positions of row `y` from column `x` on.

    A warp takes the row to a straight line of the image. First the image is interpolated along y where
    that line crosses its columns, then along the line. The cubic B-spline, without its usual prefilter,
    smooths a little and equally at all fractions, but moves nothing: what is left of the sampling grid
    falls as (f / (1 - f))^4. Interpolating kernels of twice its length have worse phase, and phase error
    is what biases a shift. Positions keep a distance from the rim (see `cells`); one that does not is
    moved in.
    """
    h, w = shape
    py = (m[0, 0] * y + m[0, 1] * x + m[0, 2]) / (m[2, 0] * y + m[2, 1] * x + m[2, 2])
    px = _along(m, y, x)
    px_end = _along(m, y, x + n - 1)
    steep = (m[0, 1] - py * m[2, 1]) / (m[1, 1] - px * m[2, 1])
    first = max(math.floor(px) - 1, 0)
    count = min(math.floor(px_end) + 3, w - 1) - first + 1
    inverse = 1.0 / steep if steep != 0.0 else 0.0
    i = 0
    while i < count:
        position = py + steep * (first + i - px)
        row = min(max(math.floor(position), 1), h - 3)
        fraction = min(max(position - row, 0.0), 1.0)
        run = _run_length(fraction, steep, inverse, count - i)
        _blend(flat, row * w + first + i, w, run, F(fraction), F(steep), line, i)
        i += run
    straight = m[2, 1] == 0.0
    # With perspective the way along the row bends: chords this long stay within 1e-3 px of it.
    stretch = n if straight else max(1, int(math.sqrt(4e-3 / abs(m[2, 1]))))
    slope = (px_end - px) / max(n - 1, 1) - 1.0
    inverse = 1.0 / slope if slope != 0.0 else 0.0
    position = px
    i = 0
    while i < n:
        if straight:
            position = px + (slope + 1.0) * i
        else:
            position = _along(m, y, x + i)
            slope = (_along(m, y, x + i + stretch) - position) / stretch - 1.0
            inverse = 1.0 / slope if slope != 0.0 else 0.0
        cell = min(max(math.floor(position) - first, 1), count - 3)
        fraction = min(max(position - first - cell, 0.0), 1.0)
        run = min(n - i, count - 2 - cell)
        run = _run_length(fraction, slope, inverse, min(run, stretch))
        _blend(line, cell, 1, run, F(fraction), F(slope), out, i)
        i += run


@compiled
def _reduce(
    above: Image, row: Image, below: Image, sampled: Image, n: int, u0: Any, du: Any, out: Matrix
) -> None:
    """Add to `out` the row quantities of `n` sampled pixels; template rows start one pixel to the left."""
    up, down, centre, right = above[1:], below[1:], row[1:], row[2:]
    half = F(0.5)
    s, ss, st = F(0), F(0), F(0)
    y0, y1, x0, x1, x2 = F(0), F(0), F(0), F(0), F(0)
    for k in range(n):
        i = sampled[k]
        u = u0 + du * F(k)
        gy, gx = (down[k] - up[k]) * i, (right[k] - row[k]) * i
        ugx = u * gx
        s += i
        ss += i * i
        st += i * centre[k]
        y0 += gy
        y1 += u * gy
        x0 += gx
        x1 += ugx
        x2 += u * ugx
    out[0] += s
    out[1] += ss
    out[2] += st
    out[3] += half * y0
    out[4] += half * y1
    out[5] += half * x0
    out[6] += half * x1
    out[7] += half * x2


@compiled
def image_moments(
    template: Image,
    images: Image,
    warps: Matrix,
    cells: NDArray[np.bool_],
    active: NDArray[np.bool_],
    scale: float,
    cell: int,
    out: Matrix,
) -> None:
    """Write the moments of each active frame sampled through its warp, shape (B, 8, 3)."""
    h, w = template.shape
    columns = cells.shape[2]
    sampled, crossed = np.empty(w + 16, F), np.empty(w + 16, F)
    line = np.empty(IMAGE_ROWS)
    du = F(1.0 / scale)
    for b in range(images.shape[0]):
        if not active[b]:
            continue
        out[b] = 0.0
        flat = images[b].reshape(h * w)
        for y in range(1, h - 1):
            line[:] = 0.0
            c = 0
            while c < columns:
                if not cells[b, y, c]:
                    c += 1
                    continue
                first = c
                while c < columns and cells[b, y, c]:
                    c += 1
                x, n = 1 + first * cell, (c - first) * cell
                sample_row(flat, (h, w), warps[b], y, x, n, crossed, sampled)
                u0 = F((x - (w - 1) / 2) / scale)
                above, row, below = template[y - 1, x - 1 :], template[y, x - 1 :], template[y + 1, x - 1 :]
                _reduce(above, row, below, sampled, n, u0, du, line)
            v = (y - (h - 1) / 2) / scale
            for q in range(IMAGE_ROWS):
                power = 1.0
                for j in range(IMAGE_POWERS):
                    out[b, q, j] += line[q] * power
                    power *= v


@compiled
def _reduce_gradients(t: Image, three: Image, n: int, out: Matrix) -> None:
    """Add the gradient products of `n` pixels; rows above, at and below start one to the left."""
    t0, t1, t2 = t[0, 1:], t[1], t[2, 1:]
    i0, i1, i2 = three[0, 1:], three[1], three[2, 1:]
    t3, i3 = t[1, 2:], three[1, 2:]
    ytt, yti, yii, xtt, xti, xii = F(0), F(0), F(0), F(0), F(0), F(0)
    for k in range(n):
        ty, iy = t2[k] - t0[k], i2[k] - i0[k]
        tx, ix = t3[k] - t1[k], i3[k] - i1[k]
        ytt += ty * ty
        yti += ty * iy
        yii += iy * iy
        xtt += tx * tx
        xti += tx * ix
        xii += ix * ix
    out[0, 0] += 0.25 * ytt
    out[0, 1] += 0.25 * yti
    out[0, 2] += 0.25 * yii
    out[1, 0] += 0.25 * xtt
    out[1, 1] += 0.25 * xti
    out[1, 2] += 0.25 * xii


@compiled
def gradient_products(
    template: Image, images: Image, warps: Matrix, cells: NDArray[np.bool_], cell: int, step: int, out: Matrix
) -> None:
    """Write sums of gradient products over every `step`-th row: (B, axis, (tt, ti, ii))."""
    h, w = template.shape
    columns = cells.shape[2]
    three, crossed = np.empty((3, w + 18), F), np.empty(w + 16, F)
    out[:] = 0.0
    for b in range(images.shape[0]):
        flat = images[b].reshape(h * w)
        for y in range(2, h - 2, step):
            start = -1
            for c in range(columns + 1):
                inside = c < columns and cells[b, y, c] and cells[b, y - 1, c] and cells[b, y + 1, c]
                if inside and start < 0:
                    start = c
                elif start >= 0 and not inside:
                    x, n = 1 + start * cell, (c - start) * cell
                    for r in range(3):
                        sample_row(flat, (h, w), warps[b], y - 1 + r, x - 1, n + 2, crossed, three[r])
                    _reduce_gradients(template[y - 1 : y + 2, x - 1 : x + n + 1], three, n, out[b])
                    start = -1


@compiled
def add_sampled(
    image: Image, warp: Matrix, cells: NDArray[np.bool_], cell: int, total: Image, count: Image
) -> None:
    """Add one warped image, where its cells are, to the running total and count."""
    columns = cells.shape[1]
    h, w = image.shape
    flat = image.reshape(h * w)
    sampled, crossed = np.empty(w + 16, F), np.empty(w + 16, F)
    for y in range(cells.shape[0]):
        start = -1
        for c in range(columns + 1):
            inside = c < columns and cells[y, c]
            if inside and start < 0:
                start = c
            elif start >= 0 and not inside:
                x, n = 1 + start * cell, (c - start) * cell
                sample_row(flat, (h, w), warp, y, x, n, crossed, sampled)
                for k in range(n):
                    total[y, x + k] += sampled[k]
                    count[y, x + k] += F(1)
                start = -1
