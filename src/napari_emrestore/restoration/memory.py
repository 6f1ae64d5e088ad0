"""Memory: what a network needs per pixel, what a run may use, and how the C library hands it out."""

from __future__ import annotations

import ctypes
import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_KEEP_BELOW = (1 << 30, 1 << 25)  # older C libraries refuse more than 32 MB
_NEVER_TRIM = (1 << 31) - 1
_TRIAL_PX = 128


def tune_allocator() -> bool:
    """Make the C library keep large blocks; call it once, at the start of a process, before torch loads.

    glibc gives every large block back to the kernel and gets it anew, zeroed, for the next layer of a
    network: page faults then cost as much as the arithmetic (1.3 to 1.9 times the time). This raises its
    thresholds, and asks torch for huge pages unless it is loaded already. The resident size then stays at
    its peak until `release_memory`. Does nothing but on Linux with glibc.

    Returns
    -------
    bool
        Whether the thresholds took effect.
    """
    library = _glibc()
    if library is None:
        return False
    if "torch" not in sys.modules:
        os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")  # torch reads it once, when it loads
    kept = any(library.mallopt(_M_MMAP_THRESHOLD, size) for size in _KEEP_BELOW)
    return bool(library.mallopt(_M_TRIM_THRESHOLD, _NEVER_TRIM)) and kept


def release_memory() -> None:
    """Give unused memory back to the system; does nothing without glibc.

    For the end of a job in a process that called `tune_allocator`. Not after each image of a stream: the next
    one would pay for its pages again.
    """
    library = _glibc()
    if library is not None:
        library.malloc_trim(0)


def bytes_per_px(network: Callable[[torch.Tensor], object], frames: int, stride: int, device: str) -> float:
    """Return the peak of the network's activations per pixel of its window, in float32.

    The network runs once on a small window while every allocation is counted; torch's ``meta`` device would
    not compute, but takes more than a second to load.

    Parameters
    ----------
    network : callable
        A network, or one of its ways to run; takes ``(B, N, Y, X)``.
    frames : int
        N.
    stride : int
        Y and X of a window are multiples of this.
    device : str
        Where the network stands.
    """
    import torch

    from napari_emrestore.restoration._live_bytes import LiveBytes

    side = -(-_TRIAL_PX // stride) * stride
    given = torch.zeros(1, frames, side, side, device=device)
    with torch.inference_mode(), LiveBytes() as live:
        network(given)
    return 4 * frames + float(live.peak) / side**2


def peak_bytes(work: Callable[[], object]) -> int:
    """Return the most bytes that a call holds at once in Python objects, numpy arrays and CPU tensors.

    An upper bound where arrays and tensors peak at different moments. The call runs slower than usual.

    Parameters
    ----------
    work : callable
        What to measure, called once.
    """
    import tracemalloc

    from napari_emrestore.restoration._live_bytes import LiveBytes

    tracemalloc.start()
    try:
        with LiveBytes() as live:
            work()
        return int(tracemalloc.get_traced_memory()[1] + live.peak)
    finally:
        tracemalloc.stop()


def _glibc() -> Any | None:
    if not sys.platform.startswith("linux"):
        return None
    library = ctypes.CDLL(None)
    return library if hasattr(library, "mallopt") and hasattr(library, "gnu_get_libc_version") else None
