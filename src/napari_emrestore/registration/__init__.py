"""Two images, or a burst, in; the warps between them out; and the moving images on the reference's grid.

`estimate_warp` and `align` find a `core.Warp` (reference to moving, ``(y, x, 1)`` in pixels) by maximising
the correlation coefficient: gain, offset, noise and a moderate difference in blur do not matter. The
start is found by `initial_shift`; dead rims and grid bars are left out by `find_mask`. `resample` applies a
warp, `overlap` plans the rectangle all frames share. Pixels come in any real dtype and input units and are
never changed. This package judges nothing beyond the score of a warp: which frames are used is for `bursts`.

With numba the passes are compiled, on a GPU they run in torch, without either in numpy: one algorithm.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_emrestore.registration.alignment import align, estimate_warp, initial_shift
    from napari_emrestore.registration.masks import find_mask
    from napari_emrestore.registration.rectangle import overlap
    from napari_emrestore.registration.resampling import resample

_CALLS = {
    "align": "alignment",
    "estimate_warp": "alignment",
    "find_mask": "masks",
    "initial_shift": "alignment",
    "overlap": "rectangle",
    "resample": "resampling",
}

__all__ = ["align", "estimate_warp", "find_mask", "initial_shift", "overlap", "resample"]


def __getattr__(name: str) -> Any:
    if name in _CALLS:
        return getattr(import_module(f"{__name__}.{_CALLS[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
