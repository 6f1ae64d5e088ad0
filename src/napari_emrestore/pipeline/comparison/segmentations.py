"""Does restoring help my labels? One segmentation of every image, and labels given, against true regions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.core import SILENT, InputError
from napari_emrestore.metrics import adapted_rand, segment_membranes
from napari_emrestore.pipeline.comparison.candidates import WHOLE, Candidate, Region, check_candidates
from napari_emrestore.restoration.plan import Rect

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from napari_emrestore.core import Monitor

FIXED, GIVEN = "fixed segmentation", "labels given"


@dataclass(frozen=True, slots=True, eq=False)
class LabelImage:
    """Regions of the compared field.

    Attributes
    ----------
    name : str
        Where they come from.
    labels : ndarray of int, shape (Y, X)
        A number per region; 0 is none.
    """

    name: str
    labels: NDArray[Any]


@dataclass(frozen=True, slots=True)
class SegmentedRow:
    """How well the regions found in one image, or given as labels, agree with the true ones.

    Attributes
    ----------
    name, region : str
        Of which image or labels, in which part of the field.
    made_by : str
        `FIXED` or `GIVEN`.
    pixels, true_regions : int
        Pixels of true regions, which alone count, and how many regions these are.
    found : int
        Regions found among these pixels.
    error, precision, recall : float, optional
        See `metrics.AdaptedRand`; ``None`` where no true region lies.
    gain : float, optional
        Error of the raw image minus this one: above 0, these labels are nearer to the truth than those of
        the raw image.
    """

    name: str
    region: str
    made_by: str
    pixels: int
    true_regions: int
    found: int
    error: float | None = None
    precision: float | None = None
    recall: float | None = None
    gain: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class SegmentationTable:
    """A finished comparison of segmentations.

    Attributes
    ----------
    rows : tuple of SegmentedRow
        Region by region; images in order, the ground truth, labels that were given.
    against : str
        Where the true regions come from.
    is_segmented : bool
        Whether they were found in the ground truth by the same segmentation instead of drawn by a person.
    raw : str
        Name of the image that gains are over; empty if there is none.
    width_px : float
        Of a membrane.
    labels : mapping of str to ndarray, shape (Y, X), int32
        What the fixed segmentation found in each image.
    """

    rows: tuple[SegmentedRow, ...]
    against: str
    is_segmented: bool
    raw: str
    width_px: float
    labels: Mapping[str, NDArray[np.int32]]


def compare_segmentations(
    candidates: Sequence[Candidate],
    truth: Candidate | None = None,
    *,
    true_regions: LabelImage | None = None,
    given: Sequence[LabelImage] = (),
    raw: str = "",
    regions: Sequence[Region] = (),
    width_px: float = 4.0,
    monitor: Monitor = SILENT,
) -> SegmentationTable:
    """Return how well regions are found in each image, for the whole field and for parts of it.

    Parameters
    ----------
    candidates : sequence of Candidate
        One to eight images of one field, the raw one among them.
    truth : Candidate, optional
        The ground truth, which is segmented as well.
    true_regions : LabelImage, optional
        What a person drew, for example; ``None`` takes what the segmentation finds in the ground truth.
    given : sequence of LabelImage
        Labels made elsewhere, for example by a network on a raw and on a restored image.
    raw : str
        Name of the unrestored candidate.
    regions : sequence of Region
        Parts of the field. Images are segmented as a whole; parts are measured.
    width_px : float
        See `segment_membranes`.
    monitor : Monitor
        Told after every image; may stop the work.

    Raises
    ------
    InputError
        If names or shapes do not fit, there is neither truth nor true regions, or no region is in the field.
    Cancelled
        When `monitor` says so.

    Notes
    -----
    Pixels that are not finite in one of the images count in none.
    """
    images = [*candidates, *([truth] if truth is not None else [])]
    check_candidates(candidates, images[-1].image.shape)
    finite = np.logical_and.reduce([np.isfinite(one.image) for one in images])
    _check_labels([*given, *([true_regions] if true_regions is not None else [])], finite.shape)
    found = {}
    for done, one in enumerate(images):
        monitor.step(done, len(images), "segmenting")
        found[one.name] = segment_membranes(_without_gaps(one.image), width_px=width_px)
    monitor.step(len(images), len(images), "segmenting")
    if true_regions is None and truth is None:
        raise InputError(
            "Segmentations are compared with true regions",
            came="neither labels nor a ground truth came",
            remedy="Choose a Labels layer with the true regions.",
        )
    if true_regions is None and truth is not None:
        true, against = found.pop(truth.name), truth.name
    elif true_regions is not None:
        true, against = true_regions.labels, true_regions.name
    field = Region(WHOLE, Rect(0, finite.shape[0], 0, finite.shape[1]))
    rows = [
        row
        for place in (field, *regions)
        for row in _rows_of(place, np.where(finite, true, 0), found, given, raw)
    ]
    return SegmentationTable(tuple(rows), against, true_regions is None, raw, width_px, found)


def _rows_of(
    place: Region,
    true: NDArray[Any],
    found: Mapping[str, NDArray[np.int32]],
    given: Sequence[LabelImage],
    raw: str,
) -> list[SegmentedRow]:
    cut = place.area.slices
    here = true[cut] if place.inside is None else np.where(place.inside, true[cut], 0)
    sources = [*((name, labels, FIXED) for name, labels in found.items())]
    sources += [(one.name, one.labels, GIVEN) for one in given]
    before = adapted_rand(found[raw][cut], here).error if raw in found and here.any() else None
    return [_row(name, place.name, made_by, labels[cut], here, before) for name, labels, made_by in sources]


def _row(
    name: str, region: str, made_by: str, labels: NDArray[Any], true: NDArray[Any], before: float | None
) -> SegmentedRow:
    counted = true != 0
    inside = labels[counted]
    row = (
        name,
        region,
        made_by,
        int(np.count_nonzero(counted)),
        len(np.unique(true[counted])),
        len(np.unique(inside[inside != 0])),
    )
    if not counted.any():
        return SegmentedRow(*row)
    score = adapted_rand(labels, true)
    gain = None if before is None else before - score.error
    return SegmentedRow(*row, score.error, score.precision, score.recall, gain)


def _check_labels(labels: Sequence[LabelImage], shape: tuple[int, ...]) -> None:
    for one in labels:
        if one.labels.shape != shape or one.labels.dtype.kind not in "iub":
            raise InputError(
                f"Labels are whole numbers (Y, X) of the compared field, here {tuple(shape)}",
                item=one.name,
                came=f"has shape {one.labels.shape} of {one.labels.dtype}",
            )
    if len({one.name for one in labels}) < len(labels):
        raise InputError("Labels need different names", came=", ".join(one.name for one in labels))


def _without_gaps(image: NDArray[Any]) -> NDArray[Any]:
    """Return the image with the nearest finite pixel where one is missing, so that no gap is an edge."""
    missing = ~np.isfinite(image)
    if not missing.any() or missing.all():
        return image
    from scipy.ndimage import distance_transform_edt

    nearest = distance_transform_edt(missing, return_distances=False, return_indices=True)
    return np.asarray(image[tuple(nearest)])
