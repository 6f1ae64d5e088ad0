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
def _next_run(chosen: NDArray[np.bool_], start: int) -> tuple[int, int]:
    """Return first and end of the next run of chosen cells; both the number of cells when there is none."""
    first = start
    while first < chosen.size and not chosen[first]:
        first += 1
    end = first
    while end < chosen.size and chosen[end]:
        end += 1
    return first, end


@compiled
def _reduce_template(above: Image, row: Image, below: Image, n: int, u0: Any, du: Any, out: Matrix) -> None:
    """Add to `out` the row quantities of `n` pixels but products; rows start one pixel to the left."""
    up, down, centre, right = above[1:], below[1:], row[1:], row[2:]
    s, ss = F(0), F(0)
    y0, y1, x0, x1, x2 = F(0), F(0), F(0), F(0), F(0)
    ty0, ty1, tx0, tx1, tx2 = F(0), F(0), F(0), F(0), F(0)
    for k in range(n):
        t = centre[k]
        u = u0 + du * F(k)
        gy, gx = down[k] - up[k], right[k] - row[k]
        ugy, ugx = u * gy, u * gx
        uugx = u * ugx
        s += t
        ss += t * t
        y0 += gy
        y1 += ugy
        x0 += gx
        x1 += ugx
        x2 += uugx
        ty0 += gy * t
        ty1 += ugy * t
        tx0 += gx * t
        tx1 += ugx * t
        tx2 += uugx * t
    out[0] += s
    out[1] += ss
    for q, slope in enumerate((y0, y1, x0, x1, x2, ty0, ty1, tx0, tx1, tx2)):
        out[2 + q] += F(0.5) * slope


@compiled
def _reduce_products(above: Image, row: Image, below: Image, n: int, u0: Any, du: Any, out: Matrix) -> None:
    """Add to `out` the gradient products of `n` pixels; rows start one pixel to the left."""
    up, down, right = above[1:], below[1:], row[2:]
    yy0, yy1, yy2 = F(0), F(0), F(0)
    yx0, yx1, yx2, yx3 = F(0), F(0), F(0), F(0)
    xx0, xx1, xx2, xx3, xx4 = F(0), F(0), F(0), F(0), F(0)
    for k in range(n):
        u = u0 + du * F(k)
        gy, gx = down[k] - up[k], right[k] - row[k]
        ugy, ugx = u * gy, u * gx
        uugx = u * ugx
        yy0 += gy * gy
        yy1 += gy * ugy
        yy2 += ugy * ugy
        yx0 += gy * gx
        yx1 += gy * ugx
        yx2 += ugy * ugx
        yx3 += ugy * uugx
        xx0 += gx * gx
        xx1 += gx * ugx
        xx2 += ugx * ugx
        xx3 += ugx * uugx
        xx4 += uugx * uugx
    products = (yy0, yy1, yy2, yx0, yx1, yx2, yx3, xx0, xx1, xx2, xx3, xx4)
    for q, product in enumerate(products):
        out[12 + q] += F(0.25) * product


@compiled
def template_moments(
    template: Image, cells: NDArray[np.bool_], scale: float, cell: int, step: int, out: Matrix
) -> None:
    """Write the moments of a template over the chosen cells of each frame, shape (B, 24, 5).

    Products are taken from every `step`-th row, for all.
    """
    h, w = template.shape
    line = np.empty(TEMPLATE_ROWS)
    du = F(1.0 / scale)
    out[:] = 0.0
    for b in range(cells.shape[0]):
        every, some = 0, 0
        for y in range(1, h - 1):
            line[:] = 0.0
            above, row, below = template[y - 1], template[y], template[y + 1]
            taken = y % step == step // 2
            first, end = _next_run(cells[b, y], 0)
            while first < end:
                left, n = first * cell, (end - first) * cell
                u0 = F((left + 1 - (w - 1) / 2) / scale)
                _reduce_template(above[left:], row[left:], below[left:], n, u0, du, line)
                every += n
                if taken:
                    _reduce_products(above[left:], row[left:], below[left:], n, u0, du, line)
                    some += n
                first, end = _next_run(cells[b, y], end)
            v = (y - (h - 1) / 2) / scale
            for q in range(TEMPLATE_ROWS if taken else 12):
                power = line[q]
                for j in range(IMAGE_POWERS if q < 12 else POWERS):
                    out[b, q, j] += power
                    power *= v
        if some > 0:
            out[b, 12:] *= every / some


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
            first, end = _next_run(cells[b, y], 0)
            while first < end:
                left, n = first * cell, (end - first) * cell
                sample_row(flat, (h, w), warps[b], y, left + 1, n, crossed, sampled)
                u0 = F((left + 1 - (w - 1) / 2) / scale)
                above, row, below = template[y - 1, left:], template[y, left:], template[y + 1, left:]
                _reduce(above, row, below, sampled, n, u0, du, line)
                first, end = _next_run(cells[b, y], end)
            v = (y - (h - 1) / 2) / scale
            for q in range(IMAGE_ROWS):
                power = line[q]
                for j in range(IMAGE_POWERS):
                    out[b, q, j] += power
                    power *= v


@compiled
def _reduce_slopes(t: Image, i: Image, n: int, out: Matrix) -> None:
    """Add the slope products of `n` pixels; the rows from two above to two below start two to the left.

    A template's slope is the central difference its gradient is; the image's is a fourth-order one as
    well, close to how the image changes as its warp moves.
    """
    t_up, t_down, t_left, t_right = t[1, 2:], t[3, 2:], t[2, 1:], t[2, 3:]
    up2, up, down, down2 = i[0, 2:], i[1, 2:], i[3, 2:], i[4, 2:]
    left2, left, right, right2 = i[2], i[2, 1:], i[2, 3:], i[2, 4:]
    eighth = F(0.125)
    tyy, txx, tyx, yy, xx, yx = F(0), F(0), F(0), F(0), F(0), F(0)
    iyy, ixx, iyx = F(0), F(0), F(0)
    for k in range(n):
        ty, tx = t_down[k] - t_up[k], t_right[k] - t_left[k]
        cy, cx = down[k] - up[k], right[k] - left[k]
        iy, ix = cy - eighth * (down2[k] - up2[k]), cx - eighth * (right2[k] - left2[k])
        tyy += ty * ty
        txx += tx * tx
        tyx += ty * tx
        yy += ty * iy
        xx += tx * ix
        yx += ty * ix + tx * iy
        iyy += cy * iy
        ixx += cx * ix
        iyx += cy * ix + cx * iy
    out[:, 0] += F(0.25) * np.array((tyy, txx, tyx))
    out[:, 1] += F(1 / 3) * np.array((yy, xx, F(0.5) * yx))
    out[:, 2] += F(1 / 3) * np.array((iyy, ixx, F(0.5) * iyx))


@compiled
def slope_products(
    template: Image, images: Image, warps: Matrix, cells: NDArray[np.bool_], cell: int, step: int, out: Matrix
) -> None:
    """Write sums of slope products over every `step`-th row: (B, (yy, xx, yx), (tt, ti, ii))."""
    h, w = template.shape
    five, crossed = np.empty((5, w + 20), F), np.empty(w + 16, F)
    out[:] = 0.0
    for b in range(images.shape[0]):
        flat = images[b].reshape(h * w)
        for y in range(3, h - 3, step):
            both = cells[b, y] & cells[b, y - 1] & cells[b, y + 1] & cells[b, y - 2] & cells[b, y + 2]
            first, end = _next_run(both, 0)
            while first < end:
                left, n = (first + 1) * cell - 1, (end - first - 2) * cell
                if n > 0:
                    for r in range(5):
                        sample_row(flat, (h, w), warps[b], y - 2 + r, left, n + 4, crossed, five[r])
                    _reduce_slopes(template[y - 2 : y + 3, left : left + n + 4], five, n, out[b])
                first, end = _next_run(both, end)


@compiled
def add_sampled(
    image: Image, warp: Matrix, cells: NDArray[np.bool_], cell: int, total: Image, count: Image
) -> None:
    """Add one warped image, where its cells are, to the running total and count."""
    h, w = image.shape
    flat = image.reshape(h * w)
    sampled, crossed = np.empty(w + 16, F), np.empty(w + 16, F)
    for y in range(cells.shape[0]):
        first, end = _next_run(cells[y], 0)
        while first < end:
            x, n = 1 + first * cell, (end - first) * cell
            sample_row(flat, (h, w), warp, y, x, n, crossed, sampled)
            for k in range(n):
                total[y, x + k] += sampled[k]
                count[y, x + k] += F(1)
            first, end = _next_run(cells[y], end)
