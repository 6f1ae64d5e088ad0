"""Regions proposed to a person: found by brightness, by likeness to a drawn example, or by size.

In: the levels of an overview, larger than memory if need be, and what is looked for, in nm. Out: regions
that are not accepted yet, each with a confidence from 0 to 1 that says how well it stands out or how alike
it is - not how likely it is what the person looks for.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.core import SILENT, InputError
from napari_emrestore.overview.region_detectors import Found, by_brightness, by_likeness, by_size, smoothed
from napari_emrestore.overview.region_geometry import bounds, box_of, centre
from napari_emrestore.overview.regions import Region
from napari_emrestore.overview.square_tiles import SquareGrid, SquareTile, square_grid
from napari_emrestore.restoration.plan import Rect

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from napari_emrestore.core import Monitor

_PIXELS_ACROSS = 12  # of the smallest diameter: enough to measure, few enough to be quick
_EXAMPLE_PX = 32
_SMALLEST_EXAMPLE_PX = 5
_DISC_ANSWER = 2 / math.e  # of the Laplacian of a Gaussian to a flat disc of contrast 1, at its own scale
_SAMPLED_TILES = 16
_SAMPLED_PIXELS = 1 << 16


@dataclass(frozen=True, slots=True)
class Brightness:
    """Regions beyond a threshold, cut apart by watershed.

    Attributes
    ----------
    smallest_nm, largest_nm : float
        Diameters of circles of the smallest and the largest area.
    bright : bool
        Whether they are brighter than the threshold.
    threshold : float, optional
        Input units; ``None`` takes Otsu's of the area.
    """

    smallest_nm: float
    largest_nm: float
    bright: bool = True
    threshold: float | None = None


@dataclass(frozen=True, slots=True)
class Likeness:
    """Places that look like a drawn region.

    Attributes
    ----------
    example : Region
        Its upright box is what is looked for.
    least : float
        Correlation from which a place counts, above 0 and up to 1.
    rotations : int
        In how many orientations, evenly over the circle.
    """

    example: Region
    least: float = 0.6
    rotations: int = 1


@dataclass(frozen=True, slots=True)
class Blobs:
    """Round blobs of a range of sizes.

    Attributes
    ----------
    smallest_nm, largest_nm : float
        Diameters.
    bright : bool
        Whether they are brighter than around them.
    least : float
        How far they stand out at least, in standard deviations of the pixels of the area.
    """

    smallest_nm: float
    largest_nm: float
    bright: bool = True
    least: float = 0.5


Method = Brightness | Likeness | Blobs


@dataclass(frozen=True, slots=True)
class Proposals:
    """What was found.

    Attributes
    ----------
    regions : tuple of Region
        Not accepted, most confident first; their numbers mean nothing before `RegionSet.add`.
    note : str
        How it was looked for and what was left out, in words.
    """

    regions: tuple[Region, ...]
    note: str


def propose(
    levels: Sequence[Any],
    method: Method,
    *,
    class_name: str,
    pixel_size_nm: tuple[float, float] | None = None,
    area: Rect | None = None,
    known: Sequence[Region] = (),
    most: int = 5000,
    monitor: Monitor = SILENT,
) -> Proposals:
    """Return regions for a person to accept or refuse; the same input gives the same ones.

    Parameters
    ----------
    levels : sequence of array, each of shape (Y, X)
        The overview, finest level first; numpy, dask or zarr. Read piece by piece.
    method : Brightness, Likeness or Blobs
        What is looked for.
    class_name : str
        Class of the regions.
    pixel_size_nm : tuple of float, optional
        ``(y, x)`` of the finest level; without it, all lengths in nm are taken as pixels.
    area : Rect, optional
        Part of the finest level; all of it by default.
    known : sequence of Region
        What is there already and shall not be proposed again.
    most : int
        How many are returned at most; the most confident ones.
    monitor : Monitor
        Told after every piece.

    Raises
    ------
    InputError
        If the sizes make no sense, the area lies outside of the overview, or the example is too small.
    Cancelled
        When `monitor` says so.
    """
    size = pixel_size_nm or (1.0, 1.0)
    search = _prepare(levels, method, size)
    area = _checked_area(area, levels[0].shape)
    detect = search.detector(area)
    found: list[Found] = []
    cores = search.grid.plan(area)
    for done, core in enumerate(cores):
        monitor.step(done, len(cores), "looking for regions")
        tile = search.grid.read(core, search.halo_px)
        if not tile.missing.all():
            found += _owned(tile, detect(tile.image))
    monitor.step(len(cores), len(cores), "looking for regions")
    kept, again = _without_doubles(found, known, search.apart_px)
    regions = tuple(_region(one, search.kind, search.origin, class_name) for one in kept[:most])
    return Proposals(regions, search.describe(len(kept), again, most, unit="nm" if pixel_size_nm else "px"))


@dataclass(slots=True, eq=False)
class _Search:
    """One method on one grid."""

    method: Method
    grid: SquareGrid
    side_nm: float
    example: NDArray[np.float32] | None = None
    threshold: float | None = None

    @property
    def origin(self) -> str:
        return {Brightness: "brightness", Likeness: "likeness", Blobs: "blobs"}[type(self.method)]

    @property
    def kind(self) -> Any:
        return "rectangle" if isinstance(self.method, Likeness) else "polygon"

    @property
    def halo_px(self) -> float:
        """How far a region whose centre is in a core may reach out of it, with its surroundings."""
        if isinstance(self.method, Likeness):
            return float(max(self.example_shape))
        return 1.5 * self.method.largest_nm / self.side_nm + 4

    @property
    def example_shape(self) -> tuple[int, int]:
        image = self.example
        return (0, 0) if image is None else (image.shape[0], image.shape[1])

    @property
    def apart_px(self) -> float:
        """Distance of centres in the finest level below which two regions are one."""
        scale = min(a * b for a, b in zip(self.grid.factor, self.grid.step, strict=True))
        if isinstance(self.method, Likeness):
            return min(self.example_shape) / 2 * scale
        return self.method.smallest_nm / self.side_nm / 2 * scale

    def detector(self, area: Rect) -> Callable[[NDArray[np.float32]], list[Found]]:
        """Return the call that finds regions in a tile."""
        method, side = self.method, self.side_nm
        if isinstance(method, Likeness):
            example = self.example
            if example is None:
                raise InputError("Looking for likeness needs an example", came="none came")
            return lambda image: by_likeness(image, example, least=method.least, rotations=method.rotations)
        smallest, largest = method.smallest_nm / side, method.largest_nm / side
        if isinstance(method, Blobs):
            samples = self._samples(area, 0.0)
            # one flat disc of contrast c answers with 0.74 c
            least = _DISC_ANSWER * method.least * float(samples.std()) if samples.size else 0.0
            return lambda image: by_size(
                image, bright=method.bright, smallest_px=smallest, largest_px=largest, least=least
            )
        level = method.threshold
        if level is None:
            level = _otsu(self._samples(area, smallest))
        self.threshold = level
        return lambda image: by_brightness(
            smoothed(image, smallest),
            threshold=level,
            bright=method.bright,
            smallest_px=smallest,
            largest_px=largest,
        )

    def describe(self, count: int, again: int, most: int, unit: str) -> str:
        parts = [f"{count} found at {self.side_nm:.3g} {unit} per pixel"]
        if self.threshold is not None:
            parts.append(f"threshold {self.threshold:.4g}")
        if again:
            parts.append(f"{again} more left out, for they are there already")
        if count > most:
            parts.append(f"only the {most} most confident are shown")
        return ", ".join(parts) + "."

    def _samples(self, area: Rect, smallest_px: float) -> NDArray[np.float32]:
        """Return pixels of up to 16 pieces of the area, as a tile's would be once smoothed."""
        cores = self.grid.plan(area)
        chosen = cores[:: -(-len(cores) // _SAMPLED_TILES)]
        return np.concatenate([_sample(self.grid.read(core), smallest_px) for core in chosen])


def _sample(tile: SquareTile, smallest_px: float) -> NDArray[np.float32]:
    image = smoothed(tile.image, smallest_px)[~tile.missing]
    return image[:: max(1, image.size // _SAMPLED_PIXELS)]


def _otsu(values: NDArray[np.float32]) -> float:
    if values.size == 0 or values.min() == values.max():
        raise InputError(
            "A threshold needs an area that varies",
            came="it is constant" if values.size else "it holds no number",
            remedy="Choose another area, or set the threshold.",
        )
    filters: Any = import_module("skimage.filters")
    return float(filters.threshold_otsu(values))


def _prepare(levels: Sequence[Any], method: Method, size: tuple[float, float]) -> _Search:
    """Return the search of a method, at the resolution that suits it."""
    if isinstance(method, Likeness):
        return _prepare_likeness(levels, method, size)
    if not 0 < method.smallest_nm <= method.largest_nm:
        raise InputError(
            "Diameters are above 0, the largest not below the smallest",
            came=f"{method.smallest_nm} to {method.largest_nm} came",
        )
    grid, side = square_grid(levels, size, method.smallest_nm / _PIXELS_ACROSS)
    return _Search(method, grid, side)


def _prepare_likeness(levels: Sequence[Any], method: Likeness, size: tuple[float, float]) -> _Search:
    if not 0 < method.least <= 1 or method.rotations < 1:
        raise InputError(
            "A correlation above 0 and up to 1 and one rotation or more are needed",
            came=f"{method.least} and {method.rotations} came",
        )
    box = box_of(method.example).clipped(levels[0].shape)
    shortest_nm = min(box.shape[0] * size[0], box.shape[1] * size[1])
    grid, side = square_grid(levels, size, shortest_nm / _EXAMPLE_PX)
    if min(box.shape) < _SMALLEST_EXAMPLE_PX:
        raise InputError(
            f"An example of {_SMALLEST_EXAMPLE_PX} pixels or more in y and x is needed",
            item=f"region {method.example.id}",
            came=f"has {box.shape[0]} × {box.shape[1]} pixels in the overview",
            remedy="Draw a rectangle around one example.",
        )
    tile = grid.read(box)
    if tile.missing.any() or tile.image.min() == tile.image.max():
        raise InputError(
            "An example shows something, without gaps",
            item=f"region {method.example.id}",
            came="is constant or holds pixels without a number",
            remedy="Draw it elsewhere.",
        )
    return _Search(method, grid, side, tile.image)


def _checked_area(area: Rect | None, shape: tuple[int, ...]) -> Rect:
    whole = Rect(0, shape[0], 0, shape[1])
    inside = whole if area is None else area.clipped((shape[0], shape[1]))
    if min(inside.shape) == 0:
        raise InputError("An area within the overview is needed", came=f"{area} came")
    return inside


def _owned(tile: SquareTile, found: list[Found]) -> list[Found]:
    """Return, in pixels of the finest level, what has its centre in the core and on measured pixels."""
    kept = []
    for one in found:
        y, x = np.clip(np.round(one.centre).astype(int), 0, np.array(tile.image.shape) - 1)
        moved = Found(tile.to_overview(one.outline), one.confidence)
        if not tile.missing[y, x] and tile.owns(moved.centre):
            kept.append(moved)
    return kept


def _without_doubles(found: list[Found], known: Sequence[Region], apart_px: float) -> tuple[list[Found], int]:
    """Return the found regions, the most confident first, and how many are known already.

    Of two that lie nearer than `apart_px` the more confident stays; so does a known one, which counts as far
    as its own half size.
    """
    from scipy.spatial import cKDTree

    ordered = sorted(found, key=lambda one: (-one.confidence, *one.centre.tolist()))
    if not ordered:
        return [], 0
    centres = np.array([one.centre for one in ordered])
    tree = cKDTree(centres)
    gone = np.zeros(len(ordered), bool)
    for region in known:
        y0, y1, x0, x1 = bounds(region)
        gone[tree.query_ball_point(centre(region), max(apart_px, min(y1 - y0, x1 - x0) / 2))] = True
    again = int(gone.sum())
    kept = []
    for k, one in enumerate(ordered):
        if not gone[k]:
            kept.append(one)
            gone[tree.query_ball_point(centres[k], apart_px)] = True
    return kept, again


def _region(one: Found, kind: Any, origin: str, class_name: str) -> Region:
    return Region(
        1,
        kind,
        class_name,
        tuple((float(y), float(x)) for y, x in one.outline),
        confidence=one.confidence,
        origin=origin,
        accepted=False,
    )
