"""Frames of whole numbers to a device: sent as they are, twice as small as float32, and converted there."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.core import InputError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    import torch
    from numpy.typing import NDArray

SENT_AS_THEY_ARE = ("uint8", "uint16")


class Uploads:
    """Two host buffers in turn, so that a frame is copied into one while the other is on its way.

    On a card the buffers are pinned and what goes up runs on a stream of its own.

    Parameters
    ----------
    shape : tuple of int
        ``(Y, X)`` of every frame.
    dtype : dtype
        ``uint8`` or ``uint16``, in any byte order.
    device : str
        Of torch.

    Raises
    ------
    InputError
        If frames are of another type.
    """

    def __init__(self, shape: tuple[int, int], dtype: np.dtype[Any], device: str) -> None:
        import torch

        if dtype.name not in SENT_AS_THEY_ARE:
            raise InputError(
                f"Frames that are sent as they are hold {' or '.join(SENT_AS_THEY_ARE)}",
                came=f"{dtype.name} came",
            )
        self._native = np.dtype(dtype.name)
        # torch computes little with uint16; the same bits are sent as int16
        is_wide = dtype.name == "uint16"
        self._bits: np.dtype[Any] = np.dtype(np.int16 if is_wide else np.uint8)
        kind = torch.int16 if is_wide else torch.uint8
        self._device, self._on_card = device, device.startswith("cuda")
        self._buffers = [torch.empty(shape, dtype=kind, pin_memory=self._on_card) for _ in range(2)]
        self._sent: list[Any] = [None, None]
        self._stream: Any = torch.cuda.Stream(device) if self._on_card else None  # type: ignore[no-untyped-call]
        self._turn = 0

    def send(self, pixels: NDArray[Any], target: torch.Tensor) -> None:
        """Put a frame into a float32 tensor ``(Y, X)`` of the device; on a card it may still be on its way.

        What computes with `target` calls `arrive` first; what was computing with it is waited for.
        """
        import torch

        buffer, turn = self._buffers[self._turn], self._turn
        if self._sent[turn] is not None:
            self._sent[turn].synchronize()  # the host may write into a buffer only when it has been read
        buffer.numpy()[...] = np.ascontiguousarray(pixels, self._native).view(self._bits)
        if self._on_card:
            self._stream.wait_stream(torch.cuda.current_stream(self._device))
        with self._on_its_stream():
            raw = buffer.to(self._device, non_blocking=True)
            target.copy_(raw.to(torch.int32) & 0xFFFF if raw.dtype == torch.int16 else raw)
            if self._on_card:
                self._sent[turn] = torch.cuda.Event()  # type: ignore[no-untyped-call]
                self._sent[turn].record()
        self._turn = 1 - turn

    def arrive(self) -> None:
        """Make what the device computes from now on wait for all frames that were sent."""
        if self._on_card:
            import torch

            torch.cuda.current_stream(self._device).wait_stream(self._stream)

    def _on_its_stream(self) -> AbstractContextManager[Any]:
        if not self._on_card:
            return nullcontext()
        import torch

        return torch.cuda.stream(self._stream)
