"""What a worker of a run does: read, restore and write piece after piece, with a model loaded once."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari_emrestore.core import SILENT
from napari_emrestore.pipeline.canvas import on_frame_grid
from napari_emrestore.pipeline.plain_json import plain
from napari_emrestore.pipeline.spreading.places import (
    load_as_ordered,
    process_name,
    reading_here,
    workplace,
)
from napari_emrestore.pipeline.windows import Job, restore_window

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_emrestore.core import IntensityMap
    from napari_emrestore.metrics import NoiseModel
    from napari_emrestore.pipeline.settings import RunSettings
    from napari_emrestore.pipeline.spreading.pieces import Piece
    from napari_emrestore.pipeline.spreading.places import Turn
    from napari_emrestore.restoration.plan import Window


@dataclass(frozen=True, slots=True)
class Order:
    """What all pieces of a run share.

    Attributes
    ----------
    settings : RunSettings
        With full paths and the model chosen.
    model : tuple of (str, Any)
        What the model must be, see `model_facts`.
    target : str
        The Zarr array to write to.
    intensity : IntensityMap, optional
        One for all bursts; ``None`` for a single frame, whose own comes with its pieces.
    noise : NoiseModel, optional
        Of a camera's calibration.
    """

    settings: RunSettings
    model: tuple[tuple[str, Any], ...]
    target: str
    intensity: IntensityMap | None
    noise: NoiseModel | None


@dataclass(frozen=True, slots=True)
class Look:
    """What is known about a whole frame: its grey values and, where the model asks for it, its noise."""

    intensity: IntensityMap
    noise: NoiseModel | None


@dataclass(frozen=True, slots=True)
class Task:
    """One piece, and what is known about its frame if it is a block of one."""

    order: Order
    piece: Piece
    look: Look | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a piece; its pixels are on disk.

    Attributes
    ----------
    number : int
        Of the piece.
    process : str
        Machine and process that made it.
    device, precision : str
        Where the model really ran there.
    seconds : float
        Wall time, loading excluded.
    load_seconds : float
        Of loading model and input, if this piece was the first of the process; else 0.
    missing_px, broken_px : int
        See `restoration.blocks.Block`.
    report : mapping, optional
        Of a burst: its `WindowReport` as plain JSON.
    """

    number: int
    process: str
    device: str
    precision: str
    seconds: float
    load_seconds: float
    missing_px: int = 0
    broken_px: int = 0
    report: Mapping[str, Any] | None = None


def make_piece(task: Task) -> Done:
    """Restore a piece and write it to its chunks."""
    with reading_here(), workplace(task.order, _set_up) as (place, load_seconds):
        started = time.perf_counter()
        piece, look = task.piece, task.look
        if piece.window is None or look is None:
            made = _burst(place, piece)
        else:
            made = _block(place, piece, piece.window, look)
        return Done(
            task.piece.number,
            process_name(),
            place.job.restorer.device,
            str(place.job.restorer.describe().get("precision", "fp32")),
            time.perf_counter() - started,
            load_seconds,
            **made,
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Workplace:
    """What a process keeps between pieces of one order."""

    job: Job
    array: Any
    turn: Turn

    def close(self) -> None:
        """Let go of the input."""
        self.job.stack.close()


def _set_up(order: Order) -> _Workplace:
    import zarr

    from napari_emrestore.io import open_frames
    from napari_emrestore.pipeline.windows import plan_windows

    settings = order.settings
    restorer, turn = load_as_ordered(settings.model, settings.device, settings.precision, order.model)
    stack = open_frames(settings.input)
    ranges = plan_windows(len(stack), restorer.frames, settings)
    job = Job(stack, restorer, settings, ranges, None, order.intensity, order.noise)
    return _Workplace(job, zarr.open_array(order.target, mode="r+"), turn)


def _block(place: _Workplace, piece: Piece, window: Window, look: Look) -> dict[str, Any]:
    from napari_emrestore.restoration.blocks import restore_block

    frame = place.job.stack.data[piece.frames[0]]
    with place.turn:
        made = restore_block(frame, place.job.restorer, window, look.intensity, look.noise)
    place.array[_index(place.array, piece.position, window.write.slices)] = made.pixels
    return {"missing_px": made.missing_px, "broken_px": made.broken_px}


def _burst(place: _Workplace, piece: Piece) -> dict[str, Any]:
    array = place.array

    def room(shape: tuple[int, ...], origin_px: tuple[int, int]) -> Any | None:
        return array if array.ndim == 2 else None  # one large frame goes to disk window by window

    with place.turn:
        restored, report, _ = restore_window(place.job, range(*piece.frames), room=room, monitor=SILENT)
    if array.ndim == 3:
        array[piece.position] = on_frame_grid(restored.image, report.origin_px, array.shape[1:])
    return {"report": plain(report)}


def _index(array: Any, position: int, area: tuple[slice, slice]) -> tuple[Any, ...]:
    return area if array.ndim == 2 else (position, *area)
