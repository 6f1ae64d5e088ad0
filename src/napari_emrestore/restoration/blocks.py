"""An image restored block by block: which blocks, and one of them wherever its pixels can be read.

What `restore` does window after window, for windows that are worked on apart from each other: in other
threads, processes or on other machines. Intensities and noise are measured once, by whoever hands out blocks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari_emrestore.core import Acquisition, InputError
from napari_emrestore.io.zarr_writing import CHUNK_PX
from napari_emrestore.restoration.budget import room_px
from napari_emrestore.restoration.inputs import Inputs
from napari_emrestore.restoration.plan import TilePlan, plan_blocks, round_up
from napari_emrestore.restoration.windows import WindowReader, make_window

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from napari_emrestore.core import IntensityMap, Restorer
    from napari_emrestore.metrics import NoiseModel
    from napari_emrestore.restoration.plan import Window

_BLOCKS_PX = (1024, CHUNK_PX)  # larger ones spend less on halos, smaller ones fit more machines


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """A restored block.

    Attributes
    ----------
    pixels : ndarray, shape (Y, X), float32
        Input units; NaN where nothing was measured.
    missing_px, broken_px : int
        Pixels without a measurement, and pixels the model made infinite or not-a-number.
    """

    pixels: NDArray[np.float32]
    missing_px: int
    broken_px: int


def blocks_of(inputs: Inputs, restorer: Restorer, tile: str | int | tuple[int, int]) -> TilePlan:
    """Return the blocks that an image is restored in on its way to an array on disk.

    Parameters
    ----------
    inputs : Inputs
        What is to be restored.
    restorer : Restorer
        Whose `tiling` rules.
    tile : "auto", int or tuple of int
        ``"auto"``: blocks of whole chunks of 512 px, two a side where memory allows. A number is the side of
        the windows the restorer sees, halos included; their blocks are smaller by two halos.

    Raises
    ------
    InputError
        If `tile` leaves no block, is off the stride, or the restorer must see the whole image.
    """
    rule = restorer.tiling
    halo = round_up(rule.halo, rule.stride)
    if tile == "auto":
        # a stride that does not divide a chunk makes blocks that share chunks, which is slow but right
        sides = [round_up(side, rule.stride) for side in _BLOCKS_PX]
        room = room_px(inputs, restorer)
        side = next((s for s in sides if (s + 2 * halo) ** 2 <= room), sides[-1])
        return plan_blocks(inputs.shape, rule, (side, side))
    asked = tile if isinstance(tile, tuple) else (tile, tile)
    rows, columns = (int(side) - 2 * halo for side in asked)
    if min(rows, columns) < rule.stride:
        raise InputError(
            f"A tile is larger than two halos of {halo} px",
            came=f"{tile} px came",
            remedy=f"Use at least {2 * halo + rule.stride} px, or tile='auto'.",
        )
    return plan_blocks(inputs.shape, rule, (rows, columns))


def restore_block(
    data: Any, restorer: Restorer, window: Window, intensity: IntensityMap, noise: NoiseModel | None = None
) -> Block:
    """Return what one window of an image becomes; reads no more than it needs.

    Parameters
    ----------
    data : array, shape (Y, X)
        The whole image in input units; numpy, or anything with ``shape``, ``dtype`` and slicing.
    restorer : Restorer
        Loaded.
    window : Window
        Of a plan of `blocks_of`.
    intensity : IntensityMap
        Of the whole image.
    noise : NoiseModel, optional
        Of the whole image, for a restorer that asks for it (`with_noise`); ``None`` measures it.
    """
    from napari_emrestore.restoration.run import with_noise

    inputs = Inputs(data, 1, 1, Acquisition(), by_rows=False)
    restorer, _ = with_noise(restorer, inputs, intensity, noise)
    made = make_window(WindowReader(inputs, intensity), restorer, 0, window)
    return Block(intensity.to_input(made.kept), made.missing_px, made.broken_px)
