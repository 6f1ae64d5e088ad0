"""Restoring the newest frames of a stream where the network runs: each frame goes to the device once."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.core import DeviceError, InputError
from napari_emrestore.registration.shifting import taps
from napari_emrestore.restoration.out_of_memory import is_out_of_memory
from napari_emrestore.restoration.plan import round_up
from napari_emrestore.restoration.recorded_passes import RecordedPass
from napari_emrestore.restoration.uploads import Uploads
from napari_emrestore.restoration.windows import mirrored

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import torch
    from numpy.typing import NDArray

    from napari_emrestore.core import IntensityMap
    from napari_emrestore.registration.shifting import Taps
    from napari_emrestore.restoration.torch_restorer import TorchRestorer


class StreamRestorer:
    """Keeps the newest N frames on a device, shifts them there onto one grid and restores them.

    Frames go up as 8- or 16-bit numbers; shifts, filling of gaps, conversion and network run on the device,
    and only the result comes back. Images are restored in one piece: `restore` is for larger ones. A network
    of single images is given the mean of the frames.

    Parameters
    ----------
    restorer : TorchRestorer
        Takes `frames` frames, or one.
    shape : tuple of int
        ``(Y, X)`` of every frame.
    dtype : dtype
        ``uint8`` or ``uint16``.
    frames : int
        N, from 1.

    Raises
    ------
    InputError
        If type or number of frames do not fit.
    DeviceError
        If the device's memory does not suffice.
    """

    def __init__(
        self, restorer: TorchRestorer, shape: tuple[int, int], dtype: np.dtype[Any], frames: int
    ) -> None:
        fewest, most = restorer.frames
        self._merges = most == 1
        if frames < 1 or not (self._merges or fewest <= frames <= most):
            raise InputError(
                f"{restorer.id} takes {fewest} to {most} frames", came=f"{frames} frames were to be kept"
            )
        self._device = restorer.place.name
        with self._in_memory():
            self._take_room(restorer, shape, dtype, frames)

    @property
    def is_graph(self) -> bool:
        """Whether the network's pass was recorded as a CUDA graph."""
        return self._pass.is_graph

    def put(self, pixels: NDArray[Any], place: int) -> None:
        """Send a frame ``(Y, X)`` to a place, 0 to N - 1; it replaces the one there."""
        self._uploads.send(pixels, self._raw[place])

    def restore(
        self,
        places: Sequence[int],
        shifts_px: Sequence[tuple[float, float]],
        intensity: IntensityMap,
        noise: tuple[float, float] | None = None,
    ) -> NDArray[np.float32]:
        """Return the restoration ``(Y, X)`` of all frames in input units, on the grid of the last.

        Parameters
        ----------
        places : sequence of int
            Of all N frames, oldest first.
        shifts_px : sequence of tuple of float
            ``(dy, dx)`` from the grid of the last to each frame; (0, 0) for the last.
        intensity : IntensityMap
            To model range and back.
        noise : tuple of float, optional
            Slope and height of the noise line in model range, for a network that asks for it; without it
            the frames count as free of noise.

        Raises
        ------
        DeviceError
            If the device's memory does not suffice.
        """
        with self._in_memory():
            self._restore(places, shifts_px, intensity, noise)
        return np.array(self._result.numpy())

    def _take_room(
        self, restorer: TorchRestorer, shape: tuple[int, int], dtype: np.dtype[Any], frames: int
    ) -> None:
        import torch

        self._uploads = Uploads(shape, dtype, self._device)
        self._raw = torch.zeros((frames, *shape), device=self._device)
        self._grid = torch.zeros((frames, *shape), device=self._device)
        whole = [round_up(side, restorer.tiling.stride) for side in shape]
        self._beyond = None if tuple(whole) == shape else self._mirrored(whole, shape)
        self._given = torch.zeros((1, 1 if self._merges else frames, *whole), device=self._device)
        self._noise = torch.zeros((1, 2), device=self._device) if restorer.asks_for_noise else None
        self._pass = RecordedPass(restorer, self._given, self._noise)
        self._result = torch.empty(shape, pin_memory=self._device.startswith("cuda"))

    def _restore(
        self,
        places: Sequence[int],
        shifts_px: Sequence[tuple[float, float]],
        intensity: IntensityMap,
        noise: tuple[float, float] | None,
    ) -> None:
        import torch

        height, width = self._result.shape
        self._uploads.arrive()
        with torch.inference_mode():
            self._align(places, shifts_px)
            self._give(intensity)
            if self._noise is not None:
                self._noise.copy_(torch.tensor([noise or (0.0, 0.0)]))
            made = self._pass.run()[:height, :width] * intensity.scale + intensity.offset
            self._result.copy_(made)  # waits for the card

    def _align(self, places: Sequence[int], shifts_px: Sequence[tuple[float, float]]) -> None:
        """Shift the frames onto the grid of the last; a gap in one takes the mean of the others."""
        import torch

        grid = self._grid
        known = torch.zeros(grid.shape, device=self._device)
        for k, (place, shift) in enumerate(zip(places, shifts_px, strict=True)):
            shift_into(self._raw[place], shift, grid[k], known[k])
        mean = (grid * known).sum(dim=0) / known.sum(dim=0).clamp(min=1)
        torch.where(known > 0, grid, mean, out=grid)

    def _give(self, intensity: IntensityMap) -> None:
        """Fill what the network is given: model range, extended to its stride."""
        frames = self._grid.mean(dim=0, keepdim=True) if self._merges else self._grid
        if self._beyond is not None:
            rows, columns = self._beyond
            frames = frames.index_select(1, rows).index_select(2, columns)
        self._given[0].copy_(frames).sub_(intensity.offset).div_(intensity.scale)

    @contextmanager
    def _in_memory(self) -> Iterator[None]:
        try:
            yield
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            raise DeviceError(
                f"A stream that is restored in one piece must fit into the memory of {self._device}",
                came=f"torch gave: {(str(error) or 'MemoryError').splitlines()[0]}",
                remedy="Use a smaller region or fewer frames, or restore in tiles.",
            ) from error

    def _mirrored(self, whole: Sequence[int], shape: Sequence[int]) -> list[torch.Tensor]:
        import torch

        return [
            torch.as_tensor(mirrored(0, length, side), device=self._device)
            for length, side in zip(whole, shape, strict=True)
        ]


def shift_into(
    image: torch.Tensor, shift_px: tuple[float, float], out: torch.Tensor, known: torch.Tensor
) -> None:
    """Do on any device what `registration.resample` does for a shift; `known` comes as zeros."""
    y, x = (taps(along, side, side) for along, side in zip(shift_px, image.shape, strict=True))
    if y.first >= y.last or x.first >= x.last:
        return
    band = _weighted(image, y, 0)
    out[y.first : y.last, x.first : x.last] = _weighted(band, x, 1)
    known[y.first : y.last, x.first : x.last] = 1


def _weighted(image: torch.Tensor, along: Taps, axis: int) -> torch.Tensor:
    count = along.last - along.first
    shares = [image.narrow(axis, along.first + along.cell + k, count) * weight for k, weight in along.weights]
    total = shares[0]
    for share in shares[1:]:
        total = total + share
    return total
