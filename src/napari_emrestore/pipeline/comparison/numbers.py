"""The table: how near each candidate comes to a ground truth, or how far it is from a named reference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.core import SILENT, InputError
from napari_emrestore.metrics import frc, match_intensity, score, split_image
from napari_emrestore.pipeline.comparison.candidates import WHOLE, Candidate, Region, check_candidates
from napari_emrestore.restoration.plan import Rect

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_emrestore.core import Monitor
    from napari_emrestore.pipeline.comparison.segmentations import SegmentationTable

_SQUARE = 0.01  # pixels count as square up to this relative difference of their sides


@dataclass(frozen=True, slots=True)
class Row:
    """The numbers of one candidate in one region.

    Attributes
    ----------
    candidate, region : str
        What was measured where.
    pixels : int
        Pixels that took part: those of the region that are finite in all compared images.
    ssim, psnr_db, mse, mae : float, optional
        As in `metrics`. Against a ground truth they are scores; against a reference candidate they only
        say how much both differ. ``None`` where `note` says why.
    ssim_matched, psnr_matched_db, mse_matched, mae_matched : float, optional
        The same after the scale and offset that fit the candidate best, region by region.
    frc_px, frc_nm : float, optional
        Period at which the Fourier ring correlation falls below 1/7; infinite if it never is above.
    frc_kind : str
        What was correlated with what.
    seconds : float, optional
        Of making the candidate.
    note : str
        Why a number is missing.
    """

    candidate: str
    region: str
    pixels: int
    ssim: float | None = None
    psnr_db: float | None = None
    mse: float | None = None
    mae: float | None = None
    ssim_matched: float | None = None
    psnr_matched_db: float | None = None
    mse_matched: float | None = None
    mae_matched: float | None = None
    frc_px: float | None = None
    frc_nm: float | None = None
    frc_kind: str = ""
    seconds: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A finished table.

    Attributes
    ----------
    rows : tuple of Row
        Region by region, candidates in order.
    against : str
        Name of what the candidates were compared with.
    is_truth : bool
        Whether that is a ground truth; if not, no number here says which candidate is better.
    data_range : float
        Of SSIM and PSNR in all rows, in input units.
    range_source : str
        Where the data range comes from.
    segmentation : SegmentationTable, optional
        What restoring does to finding regions, where that was measured.
    """

    rows: tuple[Row, ...]
    against: str
    is_truth: bool
    data_range: float
    range_source: str
    segmentation: SegmentationTable | None = None


def compare(
    candidates: Sequence[Candidate],
    truth: Candidate | None = None,
    *,
    reference: str | None = None,
    regions: Sequence[Region] = (),
    whole: bool = True,
    data_range: float | None = None,
    pixel_size_nm: tuple[float, float] | None = None,
    monitor: Monitor = SILENT,
) -> Comparison:
    """Return the numbers of all candidates, for the whole field and for regions of it.

    Parameters
    ----------
    candidates : sequence of Candidate
        One to eight images of one field.
    truth : Candidate, optional
        The ground truth. Without one, candidates are compared with one of them, and the numbers are a
        change, not a quality.
    reference : str, optional
        Name of the candidate to compare with if there is no truth; the first by default.
    regions : sequence of Region
        Parts of the field.
    whole : bool
        Whether the whole field is measured too, and comes first.
    data_range : float, optional
        Distance from the smallest to the largest possible intensity; ``None`` takes the span of the
        truth (or reference) over the whole field, and the table says so.
    pixel_size_nm : tuple of float, optional
        ``(y, x)``; for a resolution in nm, which square pixels have only.
    monitor : Monitor
        Told after every row.

    Returns
    -------
    Comparison

    Raises
    ------
    InputError
        If shapes or names do not fit, a region name is doubled, or what is compared with is constant.
    Cancelled
        When `monitor` says so.
    """
    against = truth if truth is not None else _find(candidates, reference)
    check_candidates(candidates, against.image.shape)
    span, source = (data_range, "as set") if data_range is not None else _span(against, truth is not None)
    field = Region(WHOLE, Rect(0, against.image.shape[0], 0, against.image.shape[1]))
    places = [*([field] if whole else []), *regions]
    if len({place.name for place in places}) < len(places):
        raise InputError("Regions need different names", came=", ".join(place.name for place in places))
    finite = np.isfinite(against.image)
    for candidate in candidates:
        finite &= np.isfinite(candidate.image)
    table = _Table(against, truth is not None, finite, span, _side(pixel_size_nm))
    rows: list[Row] = []
    total = len(places) * len(candidates)
    for place in places:
        for candidate in candidates:
            monitor.step(len(rows), total, "measuring")
            rows.append(table.row(candidate, place))
    monitor.step(total, total, "measuring")
    return Comparison(tuple(rows), against.name, truth is not None, span, source)


@dataclass(frozen=True, slots=True, eq=False)
class _Table:
    """What all rows share."""

    against: Candidate
    is_truth: bool
    finite: NDArray[np.bool_]
    data_range: float
    pixel_nm: float | None

    def row(self, candidate: Candidate, region: Region) -> Row:
        cut = region.area.slices
        mask = self.finite[cut] if region.inside is None else self.finite[cut] & region.inside
        image, other = candidate.image[cut], self.against.image[cut]
        numbers: dict[str, Any] = {}
        notes = []
        if candidate is self.against:
            notes.append("is the reference")
        else:
            notes += _add_scores(numbers, image, other, self.data_range, mask)
        notes += self._add_frc(numbers, image, other, whole=bool(mask.all()))
        return Row(
            candidate.name,
            region.name,
            int(np.count_nonzero(mask)),
            seconds=candidate.seconds,
            note=" ".join(notes),
            **numbers,
        )

    def _add_frc(
        self, numbers: dict[str, Any], image: NDArray[Any], truth: NDArray[Any], *, whole: bool
    ) -> list[str]:
        """Add the resolution of a region that is a full rectangle; return why there is none."""
        if not whole:
            return ["FRC needs a rectangle without gaps."]
        try:
            if self.is_truth:
                kind, period = "with the ground truth", frc(image, truth).resolution_px()
            else:
                # each pixel of a half is two of the image
                kind, period = "of two halves of one image", 2 * frc(*split_image(image)).resolution_px()
        except InputError as error:
            return [f"FRC: {error}"]
        nm = None if self.pixel_nm is None else period * self.pixel_nm
        numbers.update(frc_px=period, frc_nm=nm, frc_kind=kind)
        return []


def _add_scores(
    numbers: dict[str, Any],
    image: NDArray[Any],
    truth: NDArray[Any],
    data_range: float,
    mask: NDArray[np.bool_],
) -> list[str]:
    """Add the scores of a region as they are and matched; return why some are missing."""
    if not mask.any():
        return ["No pixel of the region is finite in all images."]
    kept = None if mask.all() else mask
    matched = match_intensity(image, truth, mask=kept)
    notes = []
    for suffix, version in (("", image), ("_matched", matched)):
        try:
            found = score(version, truth, data_range=data_range, mask=kept)
        except InputError as error:
            from napari_emrestore.metrics import mae, mse, psnr

            notes = [f"SSIM: {error}"]
            numbers[f"psnr{suffix}_db"] = psnr(version, truth, data_range=data_range, mask=kept)
            numbers[f"mse{suffix}"] = mse(version, truth, mask=kept)
            numbers[f"mae{suffix}"] = mae(version, truth, mask=kept)
        else:
            numbers[f"ssim{suffix}"], numbers[f"psnr{suffix}_db"] = found.ssim, found.psnr_db
            numbers[f"mse{suffix}"], numbers[f"mae{suffix}"] = found.mse, found.mae
    return notes


def _find(candidates: Sequence[Candidate], name: str | None) -> Candidate:
    found = [candidate for candidate in candidates if name in (None, candidate.name)]
    if found:
        return found[0]
    raise InputError(
        "A comparison without ground truth needs one of the candidates as reference",
        came="none came" if name is None else f"{name!r} is none of them",
    )


def _span(against: Candidate, is_truth: bool) -> tuple[float, str]:
    kind = "ground truth" if is_truth else "reference"
    values = against.image[np.isfinite(against.image)]
    span = float(values.max()) - float(values.min()) if values.size else 0.0
    if not span > 0:
        raise InputError(
            f"A {kind} must vary over the image",
            item=against.name,
            came="is constant" if values.size else "holds no finite pixel",
            remedy="Pick another one, or set the data range.",
        )
    return span, f"span of the {kind} over the whole image"


def _side(pixel_size_nm: tuple[float, float] | None) -> float | None:
    """Return the side of a square pixel; None if it is unknown or the pixel is not square."""
    if pixel_size_nm is None or abs(pixel_size_nm[0] / pixel_size_nm[1] - 1) > _SQUARE:
        return None
    return float(np.mean(pixel_size_nm))
