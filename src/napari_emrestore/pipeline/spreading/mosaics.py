"""The tiles of a mosaic, made by threads or a dask cluster; its file stays in one hand."""

from __future__ import annotations

import secrets
import threading
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_emrestore.core import SILENT
from napari_emrestore.pipeline.spreading.crews import open_crew
from napari_emrestore.pipeline.spreading.places import (
    let_go,
    load_as_ordered,
    model_facts,
    reading_here,
    workplace,
)
from napari_emrestore.pipeline.spreading.sharing import share_out

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari_emrestore.core import IntensityMap, Monitor, Restorer, TilingRule
    from napari_emrestore.io import FrameStack
    from napari_emrestore.metrics import NoiseModel
    from napari_emrestore.overview import MosaicPlan
    from napari_emrestore.overview.assembling import TileMakers
    from napari_emrestore.overview.composing import TileImages
    from napari_emrestore.overview.planning import Composition
    from napari_emrestore.overview.reading import EvenReader
    from napari_emrestore.pipeline.spreading.places import ModelFacts, Turn
    from napari_emrestore.restoration.plan import Rect


@dataclass(frozen=True, slots=True)
class MosaicOrder:
    """What all tiles of a mosaic share; the layout lies in the mosaic's folder, where all can read it.

    Attributes
    ----------
    frames : str
        File or folder of the frames, as a full path.
    mosaic : str
        Folder of the mosaic, as a full path.
    composition, most, rule, intensity, noise, restores, maps
        See `MosaicPlan`.
    model, device, precision : str
        See `load_restorer`; no model makes the raw mosaic only.
    model_is : tuple of (str, Any)
        See `model_facts`.
    token : str
        Of its own for each order, so that a worker never takes an older layout for this one.
    """

    frames: str
    mosaic: str
    composition: Composition
    most: int
    rule: TilingRule
    intensity: IntensityMap | None
    noise: NoiseModel | None
    restores: bool
    maps: bool
    model: str | None
    device: str
    precision: str
    model_is: ModelFacts
    token: str


@dataclass(frozen=True, slots=True)
class MosaicTask:
    """One tile of an order."""

    order: MosaicOrder
    tile: Rect


def tile_makers(
    scheduler: str,
    source: str | Path,
    *,
    model: str | None = None,
    restorer: Restorer | None = None,
    device: str = "auto",
    precision: str = "auto",
    monitor: Monitor = SILENT,
) -> TileMakers:
    """Return who makes the tiles of a mosaic for `assemble`: threads or the workers of a cluster.

    Tiles come back to this program, which writes them and their smaller copies; no more than two for each
    worker are on their way at once. What is written is noted, so a worker that dies costs its tiles only,
    and a mosaic that was interrupted goes on.

    Parameters
    ----------
    scheduler : str
        See `open_crew`.
    source : str or Path
        The frames, as every worker sees them.
    model : str, optional
        What each place is restored with.
    restorer : Restorer, optional
        That model, loaded anywhere; what workers load must be the same.
    device, precision : str
        Of the workers.
    monitor : Monitor
        Told after every tile.
    """

    def make(
        folder: Path, plan: MosaicPlan, tiles: Sequence[Rect], take: Callable[[TileImages], None]
    ) -> str:
        order = MosaicOrder(
            str(Path(source).resolve()),
            str(folder.resolve()),
            plan.composition,
            plan.frames,
            plan.rule,
            plan.intensity,
            plan.noise,
            plan.restores,
            plan.maps,
            model,
            device,
            precision,
            () if restorer is None else model_facts(restorer),
            secrets.token_hex(8),
        )
        devices: set[str] = set()

        def receive(made: tuple[TileImages, str]) -> None:
            devices.add(made[1])
            take(made[0])

        try:
            with open_crew(scheduler) as crew:
                crew.check([Path(order.frames), Path(order.mosaic) / "layout.json"])
                share_out(
                    crew,
                    make_tile,
                    (MosaicTask(order, tile) for tile in tiles),
                    receive,
                    done=len(plan.tiles) - len(tiles),
                    total=len(plan.tiles),
                    monitor=monitor,
                    what="making tiles",
                )
        finally:
            let_go(order)
        return ", ".join(sorted(devices))

    return make


def make_tile(task: MosaicTask) -> tuple[TileImages, str]:
    """Return the images of a tile, and the device that made them."""
    from napari_emrestore.overview import mosaic_tile

    with reading_here(), workplace(task.order, _set_up) as (place, _):
        with place.turn:
            made = mosaic_tile(place.plan, place.reader(), task.tile, place.restorer)
        return made, "cpu" if place.restorer is None else place.restorer.device


@dataclass(frozen=True, slots=True, eq=False)
class _Workshop:
    """What a process keeps between tiles of one order; each thread reads frames for itself."""

    plan: MosaicPlan
    stack: FrameStack
    restorer: Restorer | None
    turn: Turn
    own: Any = field(default_factory=threading.local)

    def reader(self) -> EvenReader:
        """Return this thread's reader, which keeps its latest frames."""
        from napari_emrestore.overview.reading import EvenReader

        if not hasattr(self.own, "reader"):
            self.own.reader = EvenReader(self.stack, self.plan.layout.shading)
        reader: EvenReader = self.own.reader
        return reader

    def close(self) -> None:
        """Let go of the frames."""
        self.stack.close()


def _set_up(order: MosaicOrder) -> _Workshop:
    from napari_emrestore.io import open_frames
    from napari_emrestore.overview import MosaicPlan, open_mosaic

    layout = open_mosaic(order.mosaic).layout
    plan = MosaicPlan(
        layout,
        order.composition,
        order.most,
        order.rule,
        order.intensity,
        order.noise,
        order.restores,
        order.maps,
    )
    restorer: Restorer | None = None
    turn: Turn = nullcontext()
    if order.model is not None:
        restorer, turn = load_as_ordered(order.model, order.device, order.precision, order.model_is)
    return _Workshop(plan, open_frames(order.frames), restorer, turn)
