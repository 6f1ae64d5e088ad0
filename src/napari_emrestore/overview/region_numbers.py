"""Numbers of a region: how large, how bright, how well seen, and how much of it a restoration added.

Everything is measured on the pixels given; what cannot be is ``None`` and the note says why.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.core import SILENT, InputError
from napari_emrestore.overview.region_contrast import ring_around, ring_width_px
from napari_emrestore.overview.region_geometry import area_px, bounds, box_of, pixels_inside

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from napari_emrestore.core import Monitor
    from napari_emrestore.overview.regions import Region
    from napari_emrestore.restoration.plan import Rect

POINT_RADIUS_PX = 5
_MOST_PIXELS = 1 << 24
_LEAST_FOR_NOISE = 16
_Array = Any


@dataclass(frozen=True, slots=True, eq=False)
class MeasuredImages:
    """Images and maps of one overview ``(Y, X)``, numpy, dask or zarr, all on its pixels.

    Attributes
    ----------
    raw : array
        The overview as it was recorded, input units.
    restored : array, optional
        The same, restored, same units.
    truth : array, optional
        Ground truth, same units.
    data_range : float, optional
        Distance from the smallest to the largest possible intensity; needed with a truth.
    frame_count : array, optional
        How many frames cover each pixel.
    registration_px : array, optional
        Residual of the registration at each pixel, in pixels.
    confidence : array, optional
        From 0 to 1, how far the restoration can be trusted at each pixel.
    pixel_size_nm : tuple of float, optional
        ``(y, x)``.

    Raises
    ------
    InputError
        If shapes differ, or there is a truth without a data range.
    """

    raw: _Array
    restored: _Array | None = None
    truth: _Array | None = None
    data_range: float | None = None
    frame_count: _Array | None = None
    registration_px: _Array | None = None
    confidence: _Array | None = None
    pixel_size_nm: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        for name in ("raw", "restored", "truth", "frame_count", "registration_px", "confidence"):
            image = getattr(self, name)
            if image is not None and (len(image.shape) != 2 or image.shape != self.raw.shape):
                raise InputError(
                    "Images and maps of an overview share its shape",
                    item=name,
                    came=f"is {tuple(image.shape)}, the raw overview is {tuple(self.raw.shape)}",
                )
        if self.truth is not None and self.data_range is None:
            raise InputError("SSIM and PSNR need a data range", came="a truth came without one")


@dataclass(frozen=True, slots=True)
class RegionNumbers:
    """What was measured in one region.

    Attributes
    ----------
    height_px, width_px : float
        Of the upright box around it; 0 for a point.
    height_nm, width_nm : float, optional
        The same in nm.
    area_px : float
        Of the drawn outline, or the painted pixels.
    area_um2 : float, optional
        The same in µm².
    diameter_nm : float, optional
        Of a circle of that area.
    pixels : int
        Finite pixels of the raw image that took part, for a point those within 5 px.
    every : int
        1 if all pixels were looked at; of a very large region every second, third, … in y and x.
    raw_mean, restored_mean : float, optional
        Input units.
    raw_contrast, restored_contrast : float, optional
        Mean inside minus mean of the ring around it, input units.
    raw_cnr, restored_cnr : float, optional
        The contrast over the standard deviation of the ring.
    ssim, psnr_db : float, optional
        Of the restored image, or of the raw one if there is no restored one, against the truth.
    residual_rms : float, optional
        Root mean square of restored minus raw, input units.
    residual_to_noise : float, optional
        The same over the noise measured in the raw image there: about 1 where the restoration took
        away no more than noise, above where it changed more than that.
    residual_structure : float, optional
        Correlation of the residual with its neighbours in y and x: 0 for white noise; above 0, structure
        was added or taken away (or the raw noise was correlated already).
    confidence : float, optional
        Mean of the confidence map.
    frames : float, optional
        Mean number of frames that cover it.
    registration_px : float, optional
        Mean registration residual, in pixels.
    note : str
        Why a number is missing.
    """

    height_px: float
    width_px: float
    height_nm: float | None = None
    width_nm: float | None = None
    area_px: float = 0.0
    area_um2: float | None = None
    diameter_nm: float | None = None
    pixels: int = 0
    every: int = 1
    raw_mean: float | None = None
    restored_mean: float | None = None
    raw_contrast: float | None = None
    restored_contrast: float | None = None
    raw_cnr: float | None = None
    restored_cnr: float | None = None
    ssim: float | None = None
    psnr_db: float | None = None
    residual_rms: float | None = None
    residual_to_noise: float | None = None
    residual_structure: float | None = None
    confidence: float | None = None
    frames: float | None = None
    registration_px: float | None = None
    note: str = ""


def measure_regions(
    regions: Sequence[Region], images: MeasuredImages, monitor: Monitor = SILENT
) -> Iterator[tuple[Region, RegionNumbers]]:
    """Yield each region with its numbers; see `measure_region`.

    Raises
    ------
    Cancelled
        When `monitor` says so.
    """
    for done, region in enumerate(regions):
        monitor.step(done, len(regions), "measuring regions")
        yield region, measure_region(region, images)
    monitor.step(len(regions), len(regions), "measuring regions")


def measure_region(region: Region, images: MeasuredImages) -> RegionNumbers:
    """Return the numbers of one region.

    Pixels count whose centres lie within and whose values are finite. A region that lies outside of the
    overview has a size and nothing else.
    """
    numbers = _size(region, images.pixel_size_nm)
    patch = _Patch.around(region, images)
    if patch is None:
        return replace(numbers, note="No pixel of the overview has its centre within.")
    found: dict[str, Any] = {"pixels": patch.count, "every": patch.every}
    notes: list[str] = []
    if patch.every > 1:
        notes.append(f"Too large to look at all pixels: every {patch.every}th in y and x was measured.")
    if patch.count == 0:
        return replace(numbers, **found, note=" ".join([*notes, "The raw overview holds no number there."]))
    for name, image in (("raw", patch.raw), ("restored", patch.restored)):
        if image is not None:
            found |= {f"{name}_{key}": value for key, value in patch.brightness(image).items()}
    found |= patch.residual(notes)
    found |= patch.scores(images.data_range, notes)
    for name, chart in (
        ("confidence", images.confidence),
        ("frames", images.frame_count),
        ("registration_px", images.registration_px),
    ):
        found[name] = None if chart is None else patch.mean(patch.read(chart))
    return replace(numbers, **found, note=" ".join(notes))


def _size(region: Region, pixel_size_nm: tuple[float, float] | None) -> RegionNumbers:
    y0, y1, x0, x1 = bounds(region)
    height, width, area = y1 - y0, x1 - x0, area_px(region)
    if pixel_size_nm is None:
        return RegionNumbers(height, width, area_px=area)
    pixel_nm2 = pixel_size_nm[0] * pixel_size_nm[1]
    return RegionNumbers(
        height,
        width,
        height * pixel_size_nm[0],
        width * pixel_size_nm[1],
        area,
        area * pixel_nm2 * 1e-6,
        2 * math.sqrt(area * pixel_nm2 / math.pi) if region.kind != "point" else None,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Patch:
    """A region's pixels and those around it, read once."""

    box: Rect
    every: int
    raw: NDArray[np.float64]
    restored: NDArray[np.float64] | None
    truth: NDArray[np.float64] | None
    inside: NDArray[np.bool_]
    ring: NDArray[np.bool_]

    @classmethod
    def around(cls, region: Region, images: MeasuredImages) -> _Patch | None:
        """Return the patch of a region, or None if none of its pixels lies in the overview."""
        own = box_of(region)
        reach = POINT_RADIUS_PX if region.kind == "point" else 0
        area = math.pi * reach**2 if reach else area_px(region)
        box = own.grown(reach + ring_width_px(area)).clipped(images.raw.shape)
        if min(box.shape) == 0:
            return None
        every = math.ceil(math.sqrt(box.shape[0] * box.shape[1] / _MOST_PIXELS))
        inside = _disc(region, box, reach) if reach else pixels_inside(region, box, every)
        if not inside.any():
            return None
        restored, truth = (
            None if image is None else _read(image, box, every) for image in (images.restored, images.truth)
        )
        ring = ring_around(inside, ring_width_px(area) / every)
        return cls(box, every, _read(images.raw, box, every), restored, truth, inside, ring)

    @property
    def count(self) -> int:
        """Finite raw pixels of the region."""
        return int(np.count_nonzero(self.inside & np.isfinite(self.raw)))

    def read(self, chart: _Array) -> NDArray[np.float64]:
        """Return the patch of another image."""
        return _read(chart, self.box, self.every)

    def mean(self, image: NDArray[np.float64]) -> float | None:
        """Return the mean of the finite pixels of the region."""
        values = _finite(image[self.inside])
        return float(values.mean()) if values.size else None

    def brightness(self, image: NDArray[np.float64]) -> dict[str, float | None]:
        """Return mean, contrast and contrast over noise of an image."""
        around, mean = _finite(image[self.ring]), self.mean(image)
        if mean is None or around.size < 2:
            return {"mean": mean, "contrast": None, "cnr": None}
        contrast, spread = mean - float(around.mean()), float(around.std())
        return {"mean": mean, "contrast": contrast, "cnr": contrast / spread if spread > 0 else None}

    def residual(self, notes: list[str]) -> dict[str, float | None]:
        """Return how much the restoration changed; the notes get why something is missing."""
        if self.restored is None:
            return {}
        change = np.where(self.inside, self.restored - self.raw, np.nan)
        values = _finite(change)
        if values.size == 0:
            notes.append("The restored overview holds no number there.")
            return {}
        rms = float(np.sqrt(np.mean(values**2)))
        noise = self._noise()
        if noise is None:
            notes.append("Too few finite pixels to measure the raw noise.")
        return {
            "residual_rms": rms,
            "residual_to_noise": rms / noise if noise else None,
            "residual_structure": _neighbour_correlation(change) if self.every == 1 else None,
        }

    def scores(self, data_range: float | None, notes: list[str]) -> dict[str, float | None]:
        """Return SSIM and PSNR against the truth; the notes get why something is missing."""
        if self.truth is None or data_range is None:
            return {}
        from napari_emrestore.metrics import psnr, ssim

        image = self.raw if self.restored is None else self.restored
        mask = self.inside & np.isfinite(image) & np.isfinite(self.truth)
        if not mask.any():
            notes.append("Image and truth share no finite pixel there.")
            return {}
        found: dict[str, float | None] = {
            "psnr_db": psnr(image, self.truth, data_range=data_range, mask=mask)
        }
        if self.every > 1:
            return found
        try:
            found["ssim"] = ssim(image, self.truth, data_range=data_range, mask=mask)
        except InputError as error:
            notes.append(f"SSIM: {error}")
        return found

    def _noise(self) -> float | None:
        from napari_emrestore.metrics import noise_sigma

        # the largest finite part is not searched for: a patch with gaps has no noise of its own
        if self.every > 1 or min(self.raw.shape) < 3 or self.raw.size < _LEAST_FOR_NOISE:
            return None
        return noise_sigma(self.raw) if np.isfinite(self.raw).all() else None


def _read(image: _Array, box: Rect, every: int) -> NDArray[np.float64]:
    rows, columns = box.slices
    return np.asarray(image[rows.start : rows.stop : every, columns.start : columns.stop : every], np.float64)


def _disc(region: Region, box: Rect, radius_px: float) -> NDArray[np.bool_]:
    (y, x) = region.vertices[0]
    rows, columns = np.ogrid[box.y0 : box.y1, box.x0 : box.x1]
    return np.asarray((rows - y) ** 2 + (columns - x) ** 2 <= radius_px**2)


def _finite(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return values[np.isfinite(values)]


def _neighbour_correlation(image: NDArray[np.float64]) -> float | None:
    """Return the correlation of neighbours in y and x, over all pairs of finite pixels."""
    centred = image - np.nanmean(image)
    products, squares = [], []
    for one, other in ((centred[1:], centred[:-1]), (centred[:, 1:], centred[:, :-1])):
        pairs = np.isfinite(one) & np.isfinite(other)
        products.append(one[pairs] * other[pairs])
        squares.append((one[pairs] ** 2 + other[pairs] ** 2) / 2)
    energy = float(np.concatenate(squares).sum())
    return float(np.concatenate(products).sum()) / energy if energy > 0 else None
