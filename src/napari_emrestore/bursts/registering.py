"""From a burst as it came to frames on one grid, judged and cropped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from napari_emrestore.bursts.areas import Area, common_area, joint_area
from napari_emrestore.bursts.collecting import require_count
from napari_emrestore.bursts.measuring import measure_frames, with_alignment
from napari_emrestore.bursts.placing import place_frames
from napari_emrestore.bursts.references import choose_reference
from napari_emrestore.bursts.triage import TriageSettings, judge
from napari_emrestore.core import SILENT, InputError, RegisteredBurst, Warp

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from napari_emrestore.bursts.references import Reference
    from napari_emrestore.bursts.triage import FrameFacts
    from napari_emrestore.core import Burst, Monitor, WarpKind

Crop = Literal["intersection", "union"]
_DEFAULT_TRIAGE = TriageSettings()


def register(
    burst: Burst,
    *,
    kind: WarpKind = "euclidean",
    reference: Reference = "sharpest",
    crop: Crop = "intersection",
    triage: TriageSettings = _DEFAULT_TRIAGE,
    overrides: Mapping[int, bool] | None = None,
    device: str = "cpu",
    monitor: Monitor = SILENT,
) -> RegisteredBurst:
    """Return the burst aligned to one of its frames, judged frame by frame and cropped.

    Parameters
    ----------
    burst : Burst
        1 to 32 frames. A single frame comes back as it is.
    kind : {"translation", "euclidean", "affine", "homography"}
        Family of the warps.
    reference : {"sharpest", "middle"} or int
        Frame whose grid is kept. ``sharpest``: of the frames that nothing speaks against by themselves.
        ``middle``: the middle one of the frames not rejected by hand. A position is taken as it is. The
        reference always takes part in the fusion; what triage found against it stands in its verdict.
    crop : {"intersection", "union"}
        ``intersection``: the largest rectangle all accepted frames cover. ``union``: the rectangle around all
        of them, with masks; its origin may be negative.
    triage : TriageSettings
        Limits for automatic rejection.
    overrides : mapping of int to bool, optional
        Position in the burst to the user's decision: ``True`` takes the frame, ``False`` leaves it out.
    device : str
        Where frames are aligned.
    monitor : Monitor
        Told after each frame of each stage.

    Returns
    -------
    RegisteredBurst
        With every frame's warp and verdict, and the accepted frames resampled.

    Raises
    ------
    InputError
        If every frame, or the chosen reference, is rejected by hand, a position or choice does not exist, or
        the reference is blank.
    RegistrationError
        If the accepted frames share no area.
    Cancelled
        When the user has asked to stop.
    """
    require_count(len(burst))
    if crop not in ("intersection", "union"):
        raise InputError("A burst is cropped to 'intersection' or 'union'", came=f"{crop!r} came")
    decisions = _checked_overrides(overrides or {}, len(burst))
    shape = burst.frames.shape[1], burst.frames.shape[2]
    facts = measure_frames(burst.frames, monitor)
    chosen = choose_reference(facts, reference, triage, decisions)
    warps = _align(burst.frames, facts, chosen, kind, device, monitor)
    whole, everyone = Area(0, 0, *shape), range(len(burst))
    aligned, valid = place_frames(whole, burst.frames, warps, everyone, chosen, monitor)
    facts = with_alignment(facts, warps, aligned, valid, chosen, triage.min_correlation)
    verdicts = judge(facts, chosen, triage, decisions)
    accepted = [verdict.index for verdict in verdicts if verdict.accepted]
    if crop == "intersection":
        area = common_area([warps[i] for i in accepted], shape)
        aligned = [aligned[i][area.slices] for i in accepted]
        valid = [valid[i][area.slices] for i in accepted]
    else:
        area = joint_area([warps[i] for i in accepted], shape)
        aligned, valid = place_frames(area, burst.frames, warps, accepted, chosen, monitor)
    return RegisteredBurst(
        burst=burst,
        warps=warps,
        verdicts=verdicts,
        reference=chosen,
        aligned=np.stack(aligned),
        valid=np.stack(valid),
        origin_px=(area.y, area.x),
    )


def _checked_overrides(overrides: Mapping[int, bool], count: int) -> Mapping[int, bool]:
    for index in overrides:
        if not 0 <= index < count:
            raise InputError(
                f"An override names a position from 0 to {count - 1}", came=f"position {index} came"
            )
    return overrides


def _align(
    frames: NDArray[Any],
    facts: Sequence[FrameFacts],
    reference: int,
    kind: WarpKind,
    device: str,
    monitor: Monitor,
) -> tuple[Warp, ...]:
    if len(frames) == 1:
        return (Warp.identity(),)
    if facts[reference].blank:
        raise InputError(
            "Frames can only be aligned to a reference that shows something",
            item=f"frame {reference}",
            came="is the reference and blank: all its pixels are equal",
            remedy="Choose another reference, or check the beam and the shutter.",
        )
    from napari_emrestore.registration import align

    return align(frames, reference=reference, kind=kind, device=device, monitor=monitor)
