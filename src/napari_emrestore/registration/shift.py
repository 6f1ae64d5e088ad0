"""The shift between two images when nothing is known about it: windowed, whitened cross-correlation.

The cross-spectrum is divided by its modulus to the power 0.75; 1, phase correlation, drowns at low dose.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    Image = NDArray[np.float32]

_CLEAR, _OBVIOUS = 1.5, 4.0
"""A highest peak this much above all others needs no second look, or not even one at a finer level."""
_CANDIDATES = 12
_ALIKE = 0.7
_NEAR_PX = 3
_LEAST_OVERLAP = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class SearchReference:
    """A small reference image made ready for `find_shifts`.

    Attributes
    ----------
    image, mask : ndarray, shape (Y, X)
        The image, zero outside its mask, and the mask.
    window : ndarray, shape (Y, X)
        Hann window of this size.
    spectrum : ndarray
        Of the windowed image, conjugated.
    """

    image: Image
    mask: NDArray[np.bool_]
    window: Image
    spectrum: NDArray[np.complex64]


def search_reference(image: Image, mask: NDArray[np.bool_] | None = None) -> SearchReference:
    """Return a small image (Y, X) with its windowed spectrum; pixels outside `mask` do not count."""
    from scipy import fft

    h, w = image.shape
    window = (np.hanning(h + 2)[1:-1, None] * np.hanning(w + 2)[None, 1:-1]).astype(np.float32)
    shown = np.ones(image.shape, dtype=np.bool_) if mask is None else mask
    centred, soft = _centred(image, shown), _softened(window, shown)
    return SearchReference(centred, shown, window, np.conj(fft.rfft2(centred * soft)))


def find_shifts(
    reference: SearchReference, moving: Image, masks: NDArray[np.bool_] | None = None
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the shifts ``(dy, dx)`` of moving images (B, Y, X) against the reference, and which are obvious.

    Shifts are (B, 2) in pixels of the images; one is obvious where its peak towers above all others.

    A scene point at ``(y, x)`` of the reference is found near ``(y + dy, x + dx)`` of a moving image.
    Valid up to half a side. Where no peak of the correlation stands out, the few highest, each with its
    wrapped twins, are compared by the correlation coefficient over the overlap they imply; of those nearly
    as good as the best, the smallest is returned.
    """
    from scipy import fft

    if masks is None:
        centred = moving - moving.mean(axis=(1, 2), keepdims=True)
        soft, masks = reference.window, np.broadcast_to(True, moving.shape)
    else:
        centred = np.stack([_centred(image, mask) for image, mask in zip(moving, masks, strict=True)])
        soft = np.stack([_softened(reference.window, mask) for mask in masks])
    cross = reference.spectrum * fft.rfft2(centred * soft)
    modulus = np.abs(cross)
    modulus += np.float32(1e-6) * np.maximum(modulus.max(axis=(1, 2), keepdims=True), np.float32(1e-30))
    root = np.sqrt(modulus)
    cross /= root * np.sqrt(root)  # to the power 3/4
    surfaces = fft.irfft2(cross, moving.shape[1:])
    shifts, obvious = np.empty((len(moving), 2)), np.empty(len(moving), dtype=np.bool_)
    for b, surface in enumerate(surfaces):
        first, second = _peaks(surface, 2)
        shifts[b] = _refined(surface, first)
        unique = not _ambiguous(shifts[b], surface.shape)
        obvious[b] = unique and surface[first] > _OBVIOUS * surface[second]
        if not (unique and surface[first] > _CLEAR * surface[second]):
            shifts[b] = _likeliest_shift(reference, surface, centred[b], masks[b])
    return shifts, obvious


def _likeliest_shift(
    reference: SearchReference, surface: Image, centred: Image, shown: NDArray[np.bool_]
) -> tuple[float, float]:
    shifts = [_refined(surface, peak) for peak in (_peak_near_rest(surface), *_peaks(surface, _CANDIDATES))]
    twins = [twin for shift in shifts for twin in _twins(shift, surface.shape)]
    evidence = [_evidence(reference, centred, shown, twin) for twin in twins]
    # A crystal fits itself at every period; of shifts that explain the frame alike, stages make the smallest.
    enough = max(evidence) - (1 - _ALIKE) * abs(max(evidence))
    alike = [twin for twin, found in zip(twins, evidence, strict=True) if found >= enough]
    return min(alike, key=lambda shift: shift[0] ** 2 + shift[1] ** 2)


def _centred(image: Image, shown: NDArray[np.bool_]) -> Image:
    mean = image.mean(where=shown) if shown.any() else np.float32(0)
    return np.where(shown, image - mean, np.float32(0))


def _softened(window: Image, shown: NDArray[np.bool_]) -> Image:
    # A hard edge of the mask would correlate with itself at no shift.
    return window if shown.all() else window * _soft(shown).astype(np.float32)


def _soft(shown: NDArray[np.bool_]) -> NDArray[np.float64]:
    from scipy import ndimage

    inside = ndimage.distance_transform_edt(np.pad(shown, 1, constant_values=True))[1:-1, 1:-1]
    return np.asarray(np.sin(np.pi / 2 * np.minimum(inside / (0.06 * max(shown.shape)), 1.0)) ** 2)


def _peaks(surface: Image, number: int) -> list[tuple[int, int]]:
    """Return the highest points of a wrapped surface, outside each other's neighbourhood."""
    rest, found = surface.copy(), []
    h, w = surface.shape
    for _ in range(number):
        row, column = divmod(int(rest.argmax()), w)
        found.append((row, column))
        near = np.arange(-_NEAR_PX, _NEAR_PX + 1)
        rest[np.ix_((row + near) % h, (column + near) % w)] = -np.inf
    return found


def _peak_near_rest(surface: Image) -> tuple[int, int]:
    """Return the highest point of a wrapped surface about no shift at all."""
    near = np.arange(-_NEAR_PX, _NEAR_PX + 1)
    h, w = surface.shape
    row, column = divmod(int(surface[np.ix_(near % h, near % w)].argmax()), len(near))
    return int(near[row] % h), int(near[column] % w)


def _refined(surface: Image, peak: tuple[int, int]) -> tuple[float, float]:
    """Return the top of the parabola through a peak and its neighbours, as a signed shift."""
    y, x = peak
    h, w = surface.shape
    dy = _vertex(surface[y - 1, x], surface[y, x], surface[(y + 1) % h, x])
    dx = _vertex(surface[y, x - 1], surface[y, x], surface[y, (x + 1) % w])
    return _signed(y + dy, h), _signed(x + dx, w)


def _vertex(before: float, at: float, after: float) -> float:
    curvature = float(before) - 2 * float(at) + float(after)
    return 0.5 * (float(before) - float(after)) / curvature if curvature < 0 else 0.0


def _signed(shift: float, side: int) -> float:
    return shift - side if shift > side / 2 else shift


def _ambiguous(shift: Iterable[float], shape: tuple[int, ...]) -> bool:
    return any(abs(s) > 0.4 * side for s, side in zip(shift, shape, strict=True))


def _twins(shift: tuple[float, float], shape: tuple[int, ...]) -> list[tuple[float, float]]:
    """Return the shift and those that look the same to a wrapped correlation, up to 0.6 of a side."""
    axes = []
    for s, side in zip(shift, shape, strict=True):
        axes.append([v for v in (s, s - side, s + side) if abs(v) <= 0.6 * side])
    return [(dy, dx) for dy in axes[0] for dx in axes[1]]


def _evidence(
    reference: SearchReference, moving: Image, shown: NDArray[np.bool_], shift: tuple[float, float]
) -> float:
    """Return how significant the correlation over the overlap of a shift is (Fisher's z times root n)."""
    dy, dx = round(shift[0]), round(shift[1])
    h, w = moving.shape
    ours = np.s_[max(0, -dy) : min(h, h - dy), max(0, -dx) : min(w, w - dx)]
    theirs = np.s_[max(0, dy) : min(h, h + dy), max(0, dx) : min(w, w + dx)]
    both = reference.mask[ours] & shown[theirs]
    n = int(both.sum())
    if n < _LEAST_OVERLAP * h * w:
        return -np.inf
    a, b = reference.image[ours][both], moving[theirs][both]
    a, b = a - a.mean(), b - b.mean()
    spread = float(np.sqrt(np.dot(a, a) * np.dot(b, b)))
    r = float(np.dot(a, b)) / spread if spread > 0 else 0.0
    return float(np.arctanh(np.clip(r, -0.999, 0.999)) * np.sqrt(n))
