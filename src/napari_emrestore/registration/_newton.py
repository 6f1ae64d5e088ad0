"""Moments of a template and an image -> the next warp: the small dense part of ECC, for whole batches.

Everything is in centred, scaled coordinates ``Y = (y - cy) / s``, ``X = (x - cx) / s``. The eight
parameters ``p`` change a warp by ``I + [[p1, p2, p0], [p4, p5, p3], [p6, p7, 0]]`` on ``(Y, X, 1)``; their
features (steepest-descent images) are sums of terms ``c g X^i Y^j`` with ``g`` the template's gradient
along y or x. So all sums over pixels reduce to moments ``sum q Y^j`` of the row quantities ``q`` below.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from napari_emrestore.registration._compile import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Row quantities of a template: t, t², then gy, gx (gradients) with powers of X, alone, times t, and products.
T, TT = 0, 1
GY, GX, GYT, GXT = 2, 4, 7, 9  # GY: gy, X gy; GX: gx, X gx, X² gx; the same times t
YY, YX, XX = 12, 15, 19  # gy² X^0..2, gy gx X^0..3, gx² X^0..4
TEMPLATE_ROWS = 24
POWERS = 5  # of Y

# Row quantities of an image sampled at the warped template pixels.
J, JJ, JT, GYJ, GXJ = 0, 1, 2, 3, 5  # j, j², j t; gy j, X gy j; gx j, X gx j, X² gx j
IMAGE_ROWS = 8
IMAGE_POWERS = 3

# What a step finds: correlation before it, variance of the image, its length, the way since cells were set.
CORRELATION, VARIANCE, MOVED, TRAVELLED = 0, 1, 2, 3

LEAST_SHARE, MOST_SHARE = 0.1, 1.5
LEAST_PIXELS = 256.0

# Two terms per feature: sign, gradient (0: y, 1: x), power of X, power of Y.
_SIGN = np.array([[1, 0], [1, 0], [1, 0], [1, 0], [1, 0], [1, 0], [-1, -1], [-1, -1]], dtype=np.float64)
_AXIS = np.array([[0, 0], [0, 0], [0, 0], [1, 0], [1, 0], [1, 0], [0, 1], [0, 1]])
_PX = np.array([[0, 0], [0, 0], [1, 0], [0, 0], [0, 0], [1, 0], [0, 1], [1, 2]])
_PY = np.array([[0, 0], [1, 0], [0, 0], [0, 0], [1, 0], [0, 0], [2, 1], [1, 0]])

# Parameters sought for each kind, as rows over the eight.
_BASES = {
    "translation": [[0], [3]],
    "euclidean": [[0], [3], [2, -4]],
    "affine": [[0], [1], [2], [3], [4], [5]],
    "homography": [[0], [1], [2], [3], [4], [5], [6], [7]],
}


def basis(kind: str) -> NDArray[np.float64]:
    """Return the parameters of `kind` as rows over the eight, shape (p, 8)."""
    rows = np.zeros((len(_BASES[kind]), 8))
    for row, entries in zip(rows, _BASES[kind], strict=True):
        for entry in entries:
            row[abs(entry)] = -1.0 if entry < 0 else 1.0
    return rows


@compiled
def features(rows: NDArray[np.float64], first_y: int, first_x: int, out: NDArray[np.float64]) -> None:
    """Write the sums of the eight features from moments; `first_y`, `first_x` are the rows of gy and gx."""
    for k in range(8):
        out[k] = 0.0
        for t in range(2):
            first = first_y if _AXIS[k, t] == 0 else first_x
            if _SIGN[k, t] != 0.0:
                out[k] += _SIGN[k, t] * rows[first + _PX[k, t], _PY[k, t]]


@compiled
def hessian(rows: NDArray[np.float64], shares: tuple[float, float, float], out: NDArray[np.float64]) -> None:
    """Write the 8 by 8 sums of feature products, noise taken out by the signal shares of yy, yx and xx."""
    for k in range(8):
        for m in range(8):
            total = 0.0
            for s in range(2):
                for t in range(2):
                    sign = _SIGN[k, s] * _SIGN[m, t]
                    axes = _AXIS[k, s] + _AXIS[m, t]
                    if sign != 0.0:
                        first = YY if axes == 0 else (YX if axes == 1 else XX)
                        total += (
                            sign * shares[axes] * rows[first + _PX[k, s] + _PX[m, t], _PY[k, s] + _PY[m, t]]
                        )
            out[k, m] = total


@compiled
def solve(matrix: NDArray[np.float64], sides: NDArray[np.float64]) -> bool:
    """Solve ``matrix @ x = sides`` in place by Gauss with row pivots; False when singular."""
    n = matrix.shape[0]
    for k in range(n):
        pivot = k
        for i in range(k + 1, n):
            if abs(matrix[i, k]) > abs(matrix[pivot, k]):
                pivot = i
        if not abs(matrix[pivot, k]) > 1e-30:
            return False
        for j in range(n):
            matrix[k, j], matrix[pivot, j] = matrix[pivot, j], matrix[k, j]
        for j in range(sides.shape[1]):
            sides[k, j], sides[pivot, j] = sides[pivot, j], sides[k, j]
        for i in range(n):
            if i != k:
                factor = matrix[i, k] / matrix[k, k]
                for j in range(k, n):
                    matrix[i, j] -= factor * matrix[k, j]
                for j in range(sides.shape[1]):
                    sides[i, j] -= factor * sides[k, j]
    for k in range(n):
        for j in range(sides.shape[1]):
            sides[k, j] /= matrix[k, k]
    return True


@compiled
def ecc_step(
    rows: NDArray[np.float64],
    image: NDArray[np.float64],
    n: float,
    shares: NDArray[np.float64],
    kind_basis: NDArray[np.float64],
    scale: float,
    step: NDArray[np.float64],
    found: NDArray[np.float64],
) -> bool:
    """Write the parameter step that maximises the correlation, and what was found before it.

    Evangelidis & Psarakis 2008 (10.1109/TPAMI.2008.113), inverse compositional: with zero-mean features
    F, template t and image i, ``step = H^-1 F^T (g i - t)`` and the gain
    ``g = (t.t - t.P t) / (t.i - t.P i)``, P projecting onto the features. Gradients are per pixel,
    parameters per `scale` pixels. Noise in the template makes H too large and the step too short by the
    signal shares ``<grad t, grad i> g / <grad t, grad t>`` of yy, xx and yx; `shares` are these ratios
    without the gain.

    Returns False, with a zero step, when there is none.
    """
    sums, with_t, with_i = np.empty(8), np.empty(8), np.empty(8)
    full = np.empty((8, 8))
    step[:] = 0.0
    mean_t, mean_i = rows[T, 0] / n, image[J, 0] / n
    var_t, var_i = rows[TT, 0] - n * mean_t * mean_t, image[JJ, 0] - n * mean_i * mean_i
    covariance = image[JT, 0] - n * mean_t * mean_i
    found[CORRELATION] = np.nan
    if not (var_t > 0.0 and var_i > 0.0):
        return False
    spread = math.sqrt(var_t * var_i)
    found[CORRELATION], found[VARIANCE] = covariance / spread, var_i / n
    rough_gain = var_t / max(covariance, 0.05 * spread)
    share_y = min(max(shares[0] * rough_gain, LEAST_SHARE), MOST_SHARE)
    share_x = min(max(shares[1] * rough_gain, LEAST_SHARE), MOST_SHARE)
    # White noise has no product of both slopes. Where the scene has little of it the ratio says nothing.
    share_yx = min(max(shares[2] * rough_gain, math.sqrt(share_y * share_x)), MOST_SHARE)
    features(rows, GY, GX, sums)
    features(rows, GYT, GXT, with_t)
    features(image, GYJ, GXJ, with_i)
    hessian(rows, (share_y, share_yx, share_x), full)
    p = kind_basis.shape[0]
    small, sides, right = np.zeros((p, p)), np.zeros((p, 2)), np.zeros((p, 2))
    for a in range(p):
        for k in range(8):
            w = kind_basis[a, k]
            if w != 0.0:
                right[a, 0] += w * (with_t[k] - sums[k] * mean_t)
                right[a, 1] += w * (with_i[k] - sums[k] * mean_i)
                for b in range(p):
                    for m in range(8):
                        if kind_basis[b, m] != 0.0:
                            small[a, b] += w * kind_basis[b, m] * (full[k, m] - sums[k] * sums[m] / n)
    sides[:] = right
    if not solve(small, sides):
        return False
    top, bottom = var_t, covariance
    for a in range(p):
        top -= right[a, 0] * sides[a, 0]
        bottom -= right[a, 0] * sides[a, 1]
    # Far from the optimum the projection can turn the gain round, which would drive the warp away.
    gain = top / bottom if bottom > 0.05 * spread and top > 0.05 * var_t else rough_gain
    for a in range(p):
        for k in range(8):
            step[k] += kind_basis[a, k] * (gain * sides[a, 1] - sides[a, 0]) / scale
    return True


@compiled
def compose(
    warp: NDArray[np.float64], step: NDArray[np.float64], rigid: bool, shape: tuple[int, int], s: float
) -> bool:
    """Apply the inverse of `step` (scaled) before `warp` (pixels) in place; False when singular."""
    cy, cx = (shape[0] - 1) / 2, (shape[1] - 1) / 2
    d = np.empty((3, 3))  # all transposed: warp <- warp n d^-1 n^-1 is solved as d^T z = (warp n)^T
    d[0, 0], d[1, 0], d[2, 0] = 1.0 + step[1], step[2], step[0]
    d[0, 1], d[1, 1], d[2, 1] = step[4], 1.0 + step[5], step[3]
    d[0, 2], d[1, 2], d[2, 2] = step[6], step[7], 1.0
    if rigid:  # keep the rotation a rotation
        cos, sin = math.cos(step[2]), math.sin(step[2])
        d[0, 0], d[1, 0], d[0, 1], d[1, 1] = cos, sin, -sin, cos
    z = np.empty((3, 3))
    for j in range(3):
        z[0, j], z[1, j] = warp[j, 0] * s, warp[j, 1] * s
        z[2, j] = warp[j, 0] * cy + warp[j, 1] * cx + warp[j, 2]
    if not solve(d, z):
        return False
    for j in range(3):
        z[0, j], z[1, j] = z[0, j] / s, z[1, j] / s
        z[2, j] -= z[0, j] * cy + z[1, j] * cx
    if not abs(z[2, 2]) > 1e-12:
        return False
    for i in range(3):
        for j in range(3):
            warp[j, i] = z[i, j] / z[2, 2]
    return True


@compiled
def corner_reach(step: NDArray[np.float64], scale: float) -> float:
    """Return how far `step` moves the farthest corner, in pixels."""
    reach = 0.0
    for y in (-1.0, 1.0):
        for x in (-1.0, 1.0):
            w = step[6] * y + step[7] * x
            dy = step[0] + step[1] * y + step[2] * x - y * w
            dx = step[3] + step[4] * y + step[5] * x - x * w
            reach = max(reach, math.sqrt(dy * dy + dx * dx) * scale)
    return reach


@compiled
def advance(
    rows: NDArray[np.float64],
    image: NDArray[np.float64],
    n: NDArray[np.float64],
    shares: NDArray[np.float64],
    kind_basis: NDArray[np.float64],
    shape: tuple[int, int],
    longest_px: float,
    tolerance_px: float,
    shrinking: float,
    warps: NDArray[np.float64],
    active: NDArray[np.bool_],
    found: NDArray[np.float64],
) -> None:
    """Take one step for every active frame: update `warps`, `active` and `found` (B, 4) in place.

    Steps are cut to `longest_px` at the corners. A frame rests when what is still to come, judged by how
    much shorter its last step was than the one before (`shrinking` for the first, and at least), is below
    `tolerance_px`. A frame without a step gets a NaN correlation and rests.
    """
    step = np.empty(8)
    scale = (max(shape[0], shape[1]) - 1) / 2
    for b in range(warps.shape[0]):
        if not active[b]:
            continue
        last = found[b, MOVED]
        found[b, CORRELATION] = np.nan
        active[b] = False
        if n[b] < LEAST_PIXELS or not ecc_step(
            rows[b], image[b], n[b], shares[b], kind_basis, scale, step, found[b]
        ):
            continue
        reach = corner_reach(step, scale)
        if not reach < np.inf:
            found[b, CORRELATION] = np.nan
            continue
        if reach > longest_px:
            step *= longest_px / reach
            reach = longest_px
        if not compose(warps[b], step, kind_basis.shape[0] == 3, shape, scale):
            found[b, CORRELATION] = np.nan
            continue
        shrink = min(max(reach / last, shrinking), 0.9) if last > 0.0 else shrinking
        found[b, MOVED] = reach
        found[b, TRAVELLED] += reach
        active[b] = reach * shrink / (1.0 - shrink) > tolerance_px
