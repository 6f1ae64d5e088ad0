"""Three ways to find regions in an image of square pixels: by brightness, by likeness, by size.

In: an image ``(Y, X)``, finite, any units. Out: outlines ``(N, 2)`` in its pixels, each with a confidence
from 0 to 1. Nothing is drawn by chance: the same image gives the same regions. scikit-image does the work.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.overview.region_contrast import ring_around, ring_width_px, separation
from napari_emrestore.restoration.plan import Rect

if TYPE_CHECKING:
    from numpy.typing import NDArray

_CIRCLE_CORNERS = 24
_OUTLINE_PX = 0.5  # how far a simplified outline may leave the pixels
_SPLIT_SHARE = 0.25  # of the smallest diameter: how far two cores of touching regions lie apart
_SCALES_PER_OCTAVE = 4
_OVERLAP = 0.3  # share of the smaller of two blobs beyond which only the stronger stays


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """One region that a method found.

    Attributes
    ----------
    outline : ndarray, shape (N, 2)
        ``(y, x)`` of its corners.
    confidence : float
        From 0 to 1.
    """

    outline: NDArray[np.float64]
    confidence: float

    @property
    def centre(self) -> NDArray[np.float64]:
        """Mean of the corners ``(y, x)``."""
        return np.asarray(self.outline.mean(axis=0))


def by_brightness(
    image: NDArray[np.float32], *, threshold: float, bright: bool, smallest_px: float, largest_px: float
) -> list[Found]:
    """Return regions beyond a threshold; touching ones are cut apart by watershed.

    Parameters
    ----------
    image : ndarray, shape (Y, X)
        Smooth enough that the threshold meets no single noisy pixels; see `smoothed`.
    threshold : float
        Input units.
    bright : bool
        Whether regions are brighter than it.
    smallest_px, largest_px : float
        Diameters of circles of the smallest and the largest area that counts.

    Returns
    -------
    list of Found
        The confidence is the separation of region and ring times the solidity (area over that of the convex
        hull): high for compact regions that stand out.

    References
    ----------
    Vincent & Soille 1991, DOI 10.1109/34.87344 (watershed).
    """
    measure: Any = import_module("skimage.measure")
    mask = image > threshold if bright else image < threshold
    labels = _cut_apart(mask, smallest_px)
    smallest, largest = (math.pi * diameter**2 / 4 for diameter in (smallest_px, largest_px))
    found = []
    for one in measure.regionprops(labels):
        if not smallest <= one.area <= largest:
            continue
        y0, x0, y1, x1 = one.bbox
        box = Rect(y0, y1, x0, x1).grown(ring_width_px(one.area)).clipped(image.shape)
        inside = labels[box.slices] == one.label
        ring = ring_around(inside, ring_width_px(one.area)) & ~mask[box.slices]
        apart = separation(image[box.slices][inside], image[box.slices][ring])
        outline = _outline(inside) + np.array([box.y0, box.x0])
        if math.isfinite(apart) and len(outline) >= 3:
            found.append(Found(outline, float(np.clip(apart * one.solidity, 0, 1))))
    return found


def by_likeness(
    image: NDArray[np.float32], example: NDArray[np.float32], *, least: float, rotations: int = 1
) -> list[Found]:
    """Return places that look like an example, by normalised cross-correlation.

    Parameters
    ----------
    image : ndarray, shape (Y, X)
        Where to look; as large as the example or larger.
    example : ndarray, shape (y, x)
        What to look for.
    least : float
        Correlation from which a place counts, above 0 and up to 1.
    rotations : int
        In how many orientations the example is looked for, evenly over the circle.

    Returns
    -------
    list of Found
        Rectangles of the example's size; the confidence is the correlation coefficient.

    References
    ----------
    Lewis 1995, "Fast template matching", Vision Interface 120-123.
    """
    score, turn = _best_correlation(image, example, rotations)
    feature: Any = import_module("skimage.feature")
    apart = max(1, min(example.shape) // 2)
    peaks = feature.peak_local_max(score, min_distance=apart, threshold_abs=least, exclude_border=False)
    half = np.array(example.shape) / 2
    found = []
    for peak in peaks[np.lexsort(peaks.T[::-1])]:
        angle = 2 * math.pi * turn[tuple(peak)] / rotations
        corners = np.array([(-1, -1), (-1, 1), (1, 1), (1, -1)]) * half
        centre = peak + (np.array(example.shape) % 2 - 1) / 2  # an even example has its centre between pixels
        found.append(Found(corners @ _rotation(angle).T + centre, float(min(score[tuple(peak)], 1.0))))
    return found


def by_size(
    image: NDArray[np.float32], *, bright: bool, smallest_px: float, largest_px: float, least: float
) -> list[Found]:
    """Return round blobs of a range of diameters, by the Laplacian of Gaussians over scales.

    Parameters
    ----------
    image : ndarray, shape (Y, X)
        Where to look.
    bright : bool
        Whether blobs are brighter than around them.
    smallest_px, largest_px : float
        Diameters.
    least : float
        Response from which a blob counts, input units; a flat disc that stands c above its surroundings
        answers with 0.74 c.

    Returns
    -------
    list of Found
        Circles; the confidence is the separation of disc and ring.

    References
    ----------
    Lindeberg 1998, DOI 10.1023/A:1008045108935.
    """
    if image.min() == image.max():
        return []
    feature: Any = import_module("skimage.feature")
    steps = 1 + math.ceil(_SCALES_PER_OCTAVE * math.log2(max(largest_px / smallest_px, 1.0)))
    blobs = feature.blob_log(
        (image - image.mean()) * (1 if bright else -1),
        min_sigma=smallest_px / (2 * math.sqrt(2)),
        max_sigma=largest_px / (2 * math.sqrt(2)),
        num_sigma=max(steps, 2),
        threshold=least,
        overlap=_OVERLAP,
        log_scale=True,
    )
    found = [_circle(image, float(y), float(x), float(sigma) * math.sqrt(2)) for y, x, sigma in blobs]
    return sorted((one for one in found if one is not None), key=lambda one: tuple(one.centre))


def smoothed(image: NDArray[np.float32], smallest_px: float) -> NDArray[np.float32]:
    """Return an image in which what is far smaller than the smallest region is averaged away."""
    from scipy.ndimage import gaussian_filter

    return np.asarray(gaussian_filter(image, smallest_px / 8), np.float32)


def _cut_apart(mask: NDArray[np.bool_], smallest_px: float) -> NDArray[np.int32]:
    """Return the regions of a mask, necks between round parts cut."""
    from scipy.ndimage import distance_transform_edt

    skimage: Any = import_module("skimage")
    depth = np.asarray(distance_transform_edt(mask), np.float32)
    # a neck counts that is this much narrower than the parts it joins
    cores = skimage.measure.label(
        skimage.morphology.h_maxima(depth, max(1.0, _SPLIT_SHARE * smallest_px / 2))
    )
    return np.asarray(skimage.segmentation.watershed(-depth, cores, mask=mask), np.int32)


def _outline(inside: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the longest outline of a mask, simplified; holes are filled."""
    measure: Any = import_module("skimage.measure")
    contours = measure.find_contours(np.pad(inside.astype(np.float32), 1), 0.5)
    longest = max(contours, key=len)
    return np.asarray(measure.approximate_polygon(longest, _OUTLINE_PX)[:-1] - 1, np.float64)


def _best_correlation(
    image: NDArray[np.float32], example: NDArray[np.float32], rotations: int
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Return the best correlation at each centre, and the number of the rotation that gave it."""
    feature: Any = import_module("skimage.feature")
    from scipy.ndimage import rotate

    best = np.full(image.shape, -1.0, np.float32)
    turn = np.zeros(image.shape, np.int32)
    for k in range(rotations):
        turned = example if k == 0 else _turned(rotate, example, 360.0 * k / rotations)
        if min(np.subtract(image.shape, turned.shape)) < 0:
            continue
        score = feature.match_template(image, turned, pad_input=True, mode="reflect")
        better = score > best
        best[better], turn[better] = score[better], k
    return best, turn


def _turned(rotate: Any, example: NDArray[np.float32], degrees: float) -> NDArray[np.float32]:
    """Return the largest centred square of an example that stays within it when turned."""
    whole = rotate(example, degrees, reshape=False, order=1, mode="reflect")
    side = max(3, int(min(example.shape) / math.sqrt(2)))
    first = [(length - side) // 2 for length in whole.shape]
    return np.asarray(whole[first[0] : first[0] + side, first[1] : first[1] + side], np.float32)


def _circle(image: NDArray[np.float32], y: float, x: float, radius: float) -> Found | None:
    """Return the outline of a disc, and how well it is told from the ring around it."""
    width = ring_width_px(math.pi * radius**2)
    reach = math.ceil(radius) + width
    box = Rect(round(y), round(y) + 1, round(x), round(x) + 1).grown(reach).clipped(image.shape)
    rows, columns = np.ogrid[box.y0 : box.y1, box.x0 : box.x1]
    inside = (rows - y) ** 2 + (columns - x) ** 2 <= radius**2
    around = ring_around(inside, width)
    apart = separation(image[box.slices][inside], image[box.slices][around])
    if not math.isfinite(apart):
        return None
    angles = 2 * math.pi * np.arange(_CIRCLE_CORNERS) / _CIRCLE_CORNERS
    # so large that the polygon has the area of the disc
    rim = radius * math.sqrt(angles[1] / math.sin(angles[1]))
    return Found(np.stack([y + rim * np.sin(angles), x + rim * np.cos(angles)], axis=1), apart)


def _rotation(angle: float) -> NDArray[np.float64]:
    return np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
