"""Bring an image onto the grid of another through a warp, without inventing pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.core import InputError, Warp
from napari_emrestore.registration._compile import has_numba
from napari_emrestore.registration.shifting import is_shift, resample_shifted

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SNAP_PX = 1e-6
_ROWS = 64


def resample(
    image: NDArray[Any], warp: Warp, *, shape: tuple[int, int] | None = None
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return a moving image on the grid of its reference, and where that holds measured data.

    Parameters
    ----------
    image : ndarray, shape (Y, X)
        The moving image, any real dtype.
    warp : Warp
        Reference to moving.
    shape : tuple of int, optional
        ``(Y, X)`` of the reference grid; that of `image` without it.

    Returns
    -------
    resampled : ndarray, shape (Y, X), float32
        In input units; 0 where not valid.
    valid : ndarray, shape (Y, X), bool
        True where all pixels the value is made of lie in the image and are finite: nothing is
        interpolated across the border or over a NaN.

    Raises
    ------
    InputError
        If `image` is not a real image, or `shape` is not two positive numbers.

    Notes
    -----
    Catmull-Rom cubic, 4 x 4 pixels (Keys 1981, 10.1109/TASSP.1981.1163711). At whole pixels it is the
    pixel itself and needs no neighbours, so shifts by whole pixels are exact copies.
    """
    data = np.asarray(image)
    if data.ndim != 2 or data.dtype.kind not in "buif" or 0 in data.shape:
        raise InputError(
            "An image to be resampled is (Y, X) and real",
            came=f"{data.dtype} of shape {data.shape} came",
        )
    rows, columns = data.shape if shape is None else shape
    if rows < 1 or columns < 1:
        raise InputError("A grid has at least one row and column", came=f"{shape} came")
    pixels = np.ascontiguousarray(data, dtype=np.float32)
    out = np.zeros((rows, columns), np.float32)
    valid = np.zeros((rows, columns), np.bool_)
    if is_shift(warp):
        resample_shifted(pixels, (float(warp.matrix[0, 2]), float(warp.matrix[1, 2])), out, valid)
    elif has_numba():
        from napari_emrestore.registration import _numba_filters

        _numba_filters.resample_cubic(pixels, warp.matrix, out, valid)
    else:
        resample_in_numpy(pixels, warp.matrix, out, valid)
    return out, valid


def resample_in_numpy(
    image: NDArray[np.float32], m: NDArray[np.float64], out: NDArray[np.float32], valid: NDArray[np.bool_]
) -> None:
    """Do what the compiled pass does, a band of rows at a time, where numba is not installed."""
    h, w = image.shape
    for top in range(0, len(out), _ROWS):
        y = np.arange(top, min(top + _ROWS, len(out)), dtype=np.float64)[:, None]
        x = np.arange(out.shape[1], dtype=np.float64)[None]
        depth = m[2, 0] * y + m[2, 1] * x + m[2, 2]
        safe = np.where(depth > 0, depth, 1.0)
        row, fy, inside_y = _split((m[0, 0] * y + m[0, 1] * x + m[0, 2]) / safe, h)
        column, fx, inside_x = _split((m[1, 0] * y + m[1, 1] * x + m[1, 2]) / safe, w)
        total = np.zeros(row.shape, np.float32)
        for j, wy in enumerate(_keys(fy), -1):
            line = np.zeros(row.shape, np.float32)
            for i, wx in enumerate(_keys(fx), -1):
                pixel = image[np.clip(row + j, 0, h - 1), np.clip(column + i, 0, w - 1)]
                # A weight of nothing must not carry a NaN in.
                line += np.where(wx == 0, np.float32(0), wx * pixel)
            total += np.where(wy == 0, np.float32(0), wy * line)
        band = np.s_[top : top + len(y)]
        valid[band] = (depth > 0) & inside_y & inside_x & np.isfinite(total)
        out[band] = np.where(valid[band], total, np.float32(0))


def _split(
    position: NDArray[np.float64], side: int
) -> tuple[NDArray[np.intp], NDArray[np.float32], NDArray[np.bool_]]:
    """Return the pixel below, the fraction (0 within 1e-6) and whether the support is inside."""
    near = np.clip(position, -2.0, side + 1.0)
    cell = np.floor(near + _SNAP_PX)
    fraction = near - cell
    fraction = np.where(fraction < _SNAP_PX, 0.0, fraction)
    whole = fraction == 0
    inside = np.where(whole, (cell >= 0) & (cell < side), (cell >= 1) & (cell < side - 2))
    return cell.astype(np.intp), fraction.astype(np.float32), inside


def _keys(f: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
    half = np.float32(0.5)
    return (
        half * ((2 - f) * f - 1) * f,
        half * ((3 * f - 5) * f * f + 2),
        half * ((4 - 3 * f) * f + 1) * f,
        half * (f - 1) * f * f,
    )
