"""Small pictures of regions, raw beside restored, made off the main thread for the rows in view."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QObject, Signal

from napari_emrestore.overview.region_geometry import box_of
from napari_emrestore.overview.targets.rings import rings_of
from napari_emrestore.widgets.jobs import Jobs

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from napari_emrestore.core import Monitor
    from napari_emrestore.overview.regions import Region
    from napari_emrestore.restoration.plan import Rect

SIDE_PX = 56
_CONTEXT = 0.35  # of the region's side, on every side
_LEAST_SIDE_PX = 24
_MOST_KEPT = 2000


@dataclass(frozen=True, slots=True, eq=False)
class Pictured:
    """One image that thumbnails are cut from.

    Attributes
    ----------
    levels : tuple of array, each of shape (Y, X)
        Finest first.
    limits : tuple of float
        Intensities that are black and white.
    """

    levels: tuple[Any, ...]
    limits: tuple[float, float]


@dataclass(frozen=True, slots=True, eq=False)
class Thumbnail:
    """Pictures of one region.

    Attributes
    ----------
    pictures : tuple of ndarray of uint8, each of shape (56, 56)
        Raw, and restored where there is one.
    outlines : tuple of ndarray, each of shape (N, 2)
        Around the region ``(y, x)`` in pixels of the pictures; of a point the point.
    """

    pictures: tuple[NDArray[np.uint8], ...]
    outlines: tuple[NDArray[np.float64], ...]


class Thumbnails(QObject):
    """Thumbnails by number of region; what is not there is made when it is asked for.

    Signals
    -------
    made : int
        Number of a region whose thumbnail can be shown now.
    """

    made = Signal(int)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._jobs = Jobs(self, quiet=True)
        self._jobs.part.connect(self._take)
        self._images: tuple[Pictured, ...] = ()
        self._kept: OrderedDict[int, tuple[Any, Thumbnail]] = OrderedDict()
        self._asked: tuple[int, ...] = ()

    def cut_from(self, images: Sequence[Pictured]) -> None:
        """Forget all thumbnails and cut them from other images from now on."""
        self._images = tuple(images)
        self._kept.clear()
        self._asked = ()

    def get(self, region: Region) -> Thumbnail | None:
        """Return the thumbnail of a region as it is now, or None if it is not made yet."""
        kept = self._kept.get(region.id)
        return kept[1] if kept is not None and kept[0] == _place(region) else None

    def want(self, regions: Sequence[Region]) -> None:
        """Make the thumbnails of these regions next; what was wanted before is dropped."""
        missing = [region for region in regions if self.get(region) is None]
        asked = tuple(region.id for region in missing)
        if not missing or not self._images or (asked == self._asked and self._jobs.running):
            return
        self._asked = asked
        self._jobs.start("Thumbnails", partial(_make_all, missing, self._images))

    def _take(self, part: tuple[tuple[Pictured, ...], Region, Thumbnail]) -> None:
        images, region, thumbnail = part
        if images != self._images:
            return
        self._kept[region.id] = (_place(region), thumbnail)
        while len(self._kept) > _MOST_KEPT:
            self._kept.popitem(last=False)
        self.made.emit(region.id)


def make_thumbnail(region: Region, images: Sequence[Pictured]) -> Thumbnail:
    """Return the pictures of a region with what is around it; outside of the overview is black."""
    box = _square(region)
    scale = SIDE_PX / box.shape[0]
    outlines = tuple(
        (np.subtract(ring, (box.y0 - 0.5, box.x0 - 0.5))) * scale - 0.5 for ring in rings_of(region)
    )
    return Thumbnail(tuple(_picture(image, box) for image in images), outlines)


def _make_all(regions: Sequence[Region], images: tuple[Pictured, ...], monitor: Any) -> None:
    for region, thumbnail in _each(regions, images, monitor):
        monitor.show((images, region, thumbnail))


def _each(
    regions: Sequence[Region], images: Sequence[Pictured], monitor: Monitor
) -> Iterator[tuple[Region, Thumbnail]]:
    for done, region in enumerate(regions):
        monitor.step(done, len(regions), "cutting thumbnails")
        yield region, make_thumbnail(region, images)


def _place(region: Region) -> Any:
    return region.vertices, region.mask


def _square(region: Region) -> Rect:
    """Return a square around a region, with some context."""
    box = box_of(region)
    side = max(_LEAST_SIDE_PX, round(max(box.shape) * (1 + 2 * _CONTEXT)))
    y, x = (box.y0 + box.y1 - side) // 2, (box.x0 + box.x1 - side) // 2
    return type(box)(y, y + side, x, x + side)


def _picture(image: Pictured, box: Rect) -> NDArray[np.uint8]:
    """Return a box of an image as 56 × 56 grey values, from the coarsest level that is fine enough."""
    finest = image.levels[0].shape
    wanted = box.shape[0] / SIDE_PX
    level = max(
        (one for one in image.levels if finest[0] / one.shape[0] <= max(wanted, 1.0)),
        key=lambda one: finest[0] / one.shape[0],
        default=image.levels[0],
    )
    factor = np.array(finest) / level.shape
    centres = [
        (first + (np.arange(SIDE_PX) + 0.5) * box.shape[0] / SIDE_PX) / by
        for first, by in zip((box.y0, box.x0), factor, strict=True)
    ]
    rows, columns = (np.floor(one).astype(int) for one in centres)
    inside = [(one >= 0) & (one < length) for one, length in zip((rows, columns), level.shape, strict=True)]
    grey = np.zeros((SIDE_PX, SIDE_PX), np.uint8)
    if not (inside[0].any() and inside[1].any()):
        return grey
    (y0, y1), (x0, x1) = (
        (one[ok].min(), one[ok].max() + 1) for one, ok in zip((rows, columns), inside, strict=True)
    )
    pixels = np.asarray(level[y0:y1, x0:x1], np.float32)
    picked = pixels[np.ix_(rows[inside[0]] - y0, columns[inside[1]] - x0)]
    low, high = image.limits
    shown = np.clip(np.nan_to_num((picked - low) / max(high - low, 1e-12)), 0, 1)
    grey[np.ix_(inside[0], inside[1])] = np.round(255 * shown)
    return grey
