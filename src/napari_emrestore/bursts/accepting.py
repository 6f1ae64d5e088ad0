"""A burst whose frames lie on one grid already: taken as it is, but for what a person leaves out."""

from __future__ import annotations

from math import nan
from typing import TYPE_CHECKING

import numpy as np

from napari_emrestore.bursts.collecting import require_count
from napari_emrestore.core import FrameVerdict, InputError, RegisteredBurst, Warp

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_emrestore.bursts.references import Reference
    from napari_emrestore.core import Burst


def as_aligned(
    burst: Burst, *, reference: Reference = "middle", overrides: Mapping[int, bool] | None = None
) -> RegisteredBurst:
    """Return a burst that needs no registration in the form of one that was registered; nothing is examined.

    Parameters
    ----------
    burst : Burst
        1 to 32 frames on one grid.
    reference : {"sharpest", "middle"} or int
        Frame that stands for the burst; as nothing is measured, both words mean the middle one.
    overrides : mapping of int to bool, optional
        Position in the burst to ``False`` for frames to be left out.

    Raises
    ------
    InputError
        If no frame is left, or the reference does not exist or is left out.
    """
    require_count(len(burst))
    used = [i for i in range(len(burst)) if (overrides or {}).get(i, True)]
    if not used:
        raise InputError(
            "A burst needs at least one frame that is not rejected",
            came=f"all {len(burst)} frames are rejected by hand",
            remedy="Take back one of the rejections.",
        )
    chosen = reference if isinstance(reference, int) else used[len(used) // 2]
    if chosen not in used:
        raise InputError(
            "The reference is a frame of the burst that is used",
            item=f"frame {chosen}",
            came=f"is none of {', '.join(map(str, used))}",
            remedy="Choose another reference, or take back the rejection.",
        )
    aligned = burst.frames[used].astype(np.float32)
    return RegisteredBurst(
        burst=burst,
        warps=(Warp.identity(),) * len(burst),
        verdicts=tuple(_unexamined(i, i in used) for i in range(len(burst))),
        reference=chosen,
        aligned=aligned,
        valid=np.isfinite(aligned),
    )


def _unexamined(index: int, used: bool) -> FrameVerdict:
    return FrameVerdict(index, (0.0, 0.0), nan, nan, nan, False, used, "" if used else "rejected by hand")
