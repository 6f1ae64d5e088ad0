"""How large a window may be, from what a restorer needs per pixel and what memory is free."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_emrestore.core import DeviceError, InputError
from napari_emrestore.restoration.devices import free_memory, pick_device
from napari_emrestore.restoration.plan import TilePlan, choose_window, plan_tiles
from napari_emrestore.restoration.runtime_restorer import RuntimeRestorer
from napari_emrestore.restoration.torch_restorer import TorchRestorer

if TYPE_CHECKING:
    from napari_emrestore.core import Restorer
    from napari_emrestore.restoration.inputs import Inputs

_USUAL_TOTAL = 3 << 30  # of input, output and work together
_LARGE = 1 << 30  # of input and output, from which on work must not exceed the input
_MOST_PX = 4096**2  # beyond, nothing is gained, and a stop request would wait long
_CPU_MARGIN = 3.0  # convolution scratch and heap holes: 1.0 to 3.1 times the activations were measured
_GPU_MARGIN = 1.5
_GPU_SHARE = 0.8
_CLASSICAL_BYTES = 64.0  # per pixel and image-size array: a handful of float64 temporaries


def plan_for(inputs: Inputs, restorer: Restorer, tile: str | int | tuple[int, int]) -> TilePlan:
    """Return the tile plan of an input.

    Parameters
    ----------
    inputs : Inputs
        What is to be restored.
    restorer : Restorer
        Whose `tiling` rules.
    tile : "auto", int or tuple of int
        Side or ``(Y, X)`` of the windows the restorer sees, halo included; used as it is. ``"auto"`` chooses
        the windows that compute the fewest pixels within `work_bytes`.

    Raises
    ------
    InputError
        If `tile` is none of these or does not fit the rule.
    DeviceError
        If a restorer that must not be tiled needs more memory than there is.
    """
    if tile != "auto":
        return plan_tiles(inputs.shape, restorer.tiling, _sides(tile))
    window = choose_window(inputs.shape, restorer.tiling, room_px(inputs, restorer))
    plan = plan_tiles(inputs.shape, restorer.tiling, window)
    if restorer.tiling.mode == "whole":
        _refuse_too_large(plan, inputs, restorer)
    return plan


def work_bytes(inputs: Inputs, restorer: Restorer) -> int:
    """Return how many bytes a window may take while it is worked on.

    On a GPU most of what is free. On the CPU at most half of what is free, and so much that input, output
    and work together stay within 3 GiB or, when input and output alone pass 1 GiB, within twice the input
    plus the output.
    """
    if isinstance(restorer, TorchRestorer) and restorer.place.name != "cpu":
        return int(pick_device(restorer.place.name).free_bytes * _GPU_SHARE)
    given = inputs.nbytes if inputs.in_memory else 0
    made = 4 * inputs.results * int(np.prod(inputs.result_shape)) if inputs.in_memory else 0
    wanted = given if given + made > _LARGE else _USUAL_TOTAL - given - made
    return min(free_memory() // 2, wanted)


def room_px(inputs: Inputs, restorer: Restorer) -> int:
    """Return the most pixels in a window that fit into `work_bytes`."""
    return max(1, min(_MOST_PX, int(work_bytes(inputs, restorer) / need_per_px(inputs, restorer))))


def need_per_px(inputs: Inputs, restorer: Restorer) -> float:
    """Return the bytes that restoring takes per window pixel, with a margin."""
    if isinstance(restorer, RuntimeRestorer):
        return restorer.bytes_per_px(inputs.frames)
    if not isinstance(restorer, TorchRestorer):
        return _CLASSICAL_BYTES * (inputs.frames + 1)
    margin = _CPU_MARGIN if restorer.place.name == "cpu" else _GPU_MARGIN
    return margin * restorer.bytes_per_px(inputs.frames)


def _sides(tile: object) -> tuple[int, int]:
    sides = tile if isinstance(tile, tuple) else (tile, tile)
    if len(sides) != 2 or not all(isinstance(side, int) and side > 0 for side in sides):
        raise InputError("A tile is 'auto', a side in px or two sides (Y, X)", came=f"{tile!r} came")
    return sides[0], sides[1]


def _refuse_too_large(plan: TilePlan, inputs: Inputs, restorer: Restorer) -> None:
    need = plan.window[0] * plan.window[1] * need_per_px(inputs, restorer)
    free = free_memory()
    if need > free:
        raise DeviceError(
            f"{restorer.id} must see the whole image, {inputs.shape[0]} x {inputs.shape[1]} px",
            came=f"this takes about {need / 2**30:.1f} GiB and {free / 2**30:.1f} GiB are free",
            remedy="Crop the image, or take a restorer that works in tiles.",
        )
