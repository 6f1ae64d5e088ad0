"""How a mosaic is made, tile by tile: plain data that can be sent to any worker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from napari_emrestore.core import InputError, IntensityMap, TilingRule
from napari_emrestore.restoration.plan import Rect, round_up

if TYPE_CHECKING:
    from napari_emrestore.core import Restorer
    from napari_emrestore.metrics import NoiseModel
    from napari_emrestore.overview.layout import Layout
    from napari_emrestore.overview.reading import FrameSeries

Composition = Literal["blend", "best"]
TILE_PX = 512
CONFIDENCE_PX = 15
"""Side of the square over which the agreement of frames is judged."""
_ANYWHERE = TilingRule()
_SAMPLED = 12
_NOISE_FRAMES = 8


@dataclass(frozen=True, slots=True, eq=False)
class MosaicPlan:
    """Everything a tile is made from, beside the frames and the restorer.

    Attributes
    ----------
    layout : Layout
        Where frames lie and what they are divided by.
    composition : {"blend", "best"}
        The raw mosaic: the mean of all frames at a place, fading towards their rims, or the one frame whose
        centre is nearest.
    frames : int
        Frames of the burst that each place is restored from.
    rule : TilingRule
        Of the restorer; without one it needs no halo.
    intensity : IntensityMap, optional
        To a restorer's range, one for the whole mosaic.
    noise : NoiseModel, optional
        Of the frames, for restorers that ask for it.
    restores : bool
        Whether there is a restored mosaic.
    maps : bool
        Whether there are maps of coverage, frame count, residual and confidence.
    """

    layout: Layout
    composition: Composition = "blend"
    frames: int = 5
    rule: TilingRule = _ANYWHERE
    intensity: IntensityMap | None = None
    noise: NoiseModel | None = None
    restores: bool = False
    maps: bool = True

    @property
    def tiles(self) -> tuple[Rect, ...]:
        """The tiles, in the order in which the scan passed them; each pixel is in one."""
        height, width = self.layout.shape
        rects = [
            Rect(y, min(y + TILE_PX, height), x, min(x + TILE_PX, width))
            for y in range(0, height, TILE_PX)
            for x in range(0, width, TILE_PX)
        ]
        first = [self.layout.frames_in(rect)[:1].tolist() or [len(self.layout)] for rect in rects]
        order = sorted(range(len(rects)), key=lambda n: (first[n], n))
        return tuple(rects[n] for n in order)

    def read_area(self, tile: Rect) -> Rect:
        """Return what is put together so that a tile comes out as if all had been: on the stride grid."""
        halo = round_up(self.rule.halo, self.rule.stride) if self.restores else 0
        halo = max(halo, round_up(CONFIDENCE_PX, self.rule.stride)) if self.maps else halo
        stride = self.rule.stride
        height, width = (round_up(n, stride) for n in self.layout.shape)
        return Rect(
            max(0, (tile.y0 - halo) // stride * stride),
            min(height, round_up(tile.y1 + halo, stride)),
            max(0, (tile.x0 - halo) // stride * stride),
            min(width, round_up(tile.x1 + halo, stride)),
        )


def plan_mosaic(
    layout: Layout,
    series: FrameSeries,
    restorer: Restorer | None = None,
    *,
    composition: Composition = "blend",
    frames: int = 5,
    maps: bool = True,
) -> MosaicPlan:
    """Return how the mosaic is made; what must be the same for all tiles is measured once, here.

    Parameters
    ----------
    layout : Layout
        Where frames lie.
    series : FrameSeries
        The frames; some are looked at for intensity and noise.
    restorer : Restorer, optional
        None makes the raw mosaic only.
    composition, frames, maps
        See `MosaicPlan`; the number of frames is brought into the range of a restorer of several.

    Raises
    ------
    InputError
        If the composition is unknown, a number of frames is below 1, or the restorer must see an image whole.
    """
    if composition not in get_args(Composition):
        raise InputError("A mosaic is composed by 'blend' or 'best'", came=f"{composition!r} came")
    if frames < 1:
        raise InputError("A place is restored from at least one frame", came=f"{frames} came")
    if restorer is None:
        return MosaicPlan(layout, composition, frames, maps=maps)
    if restorer.tiling.mode == "whole":
        raise InputError(
            "A mosaic is restored tile by tile",
            item=restorer.id,
            came="must see the whole image",
            remedy="Choose another method; those that can be used are local or learned.",
        )
    sample = _sample(layout, series)
    noise = None
    if getattr(restorer, "asks_for_noise", False):
        noise = _noise(layout, series)
    return MosaicPlan(
        layout,
        composition,
        _frames_for(restorer, frames),
        restorer.tiling,
        IntensityMap.from_signal(sample),
        noise,
        restores=True,
        maps=maps,
    )


def _frames_for(restorer: Restorer, frames: int) -> int:
    """Return how many frames a place takes: a restorer of single images gets their mean."""
    fewest, most = restorer.frames
    return frames if most == 1 else min(max(frames, fewest), most)


def _sample(layout: Layout, series: FrameSeries) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    from napari_emrestore.overview.reading import EvenReader

    reader = EvenReader(series, layout.shading)
    return np.stack([reader[k] for k in _spread(layout, _SAMPLED)])


def _noise(layout: Layout, series: FrameSeries) -> NoiseModel:
    """Return the noise of frames as they came: dividing by the shading changes it by a few per cent."""
    from napari_emrestore.metrics import noise_model

    return noise_model(np.stack([series[k].data for k in _spread(layout, _NOISE_FRAMES)]))


def _spread(layout: Layout, most: int) -> list[int]:
    """Return at most so many frames that take part, evenly spread."""
    placed = np.flatnonzero(layout.placed)
    return [int(placed[n]) for n in sorted({int(n) for n in np.linspace(0, len(placed) - 1, most)})]
