"""From a burst as it came to frames on one grid, judged and cropped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from napari_emrestore.bursts.areas import Area, common_area, joint_area
from napari_emrestore.bursts.collecting import require_count
from napari_emrestore.bursts.measuring import measure_frames, with_alignment
from napari_emrestore.bursts.placing import fill_missing, mask_missing, resample_onto
from napari_emrestore.bursts.references import choose_reference
from napari_emrestore.bursts.triage import TriageSettings, judge
from napari_emrestore.core import SILENT, InputError, RegisteredBurst, RegistrationError, Warp

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from napari_emrestore.bursts.references import Reference
    from napari_emrestore.bursts.triage import FrameFacts
    from napari_emrestore.core import Burst, FrameVerdict, Monitor, WarpKind

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
    filled, missing = fill_missing(burst.frames)
    facts = measure_frames(burst.frames, filled, missing, monitor)
    chosen = choose_reference(facts, reference, triage, decisions)
    warps = _align(filled, facts, chosen, kind, device, monitor)
    aligned, valid = _resample_all(filled, warps, chosen, monitor)
    facts = with_alignment(facts, warps, aligned, valid, chosen, triage.min_correlation)
    verdicts = judge(facts, chosen, triage, decisions)
    accepted = [verdict.index for verdict in verdicts if verdict.accepted]
    area = _kept_area([valid[i] for i in accepted], [warps[i] for i in accepted], burst, crop)
    if crop == "union":
        aligned, valid = resample_onto(area, filled, warps, accepted, chosen, monitor)
    else:
        aligned, valid = _cut(area, aligned, accepted), _cut(area, valid, accepted)
    mask_missing(missing, area, warps, accepted, valid)
    return _registered(burst, warps, verdicts, chosen, aligned, valid, area)


def _checked_overrides(overrides: Mapping[int, bool], count: int) -> Mapping[int, bool]:
    for index in overrides:
        if not 0 <= index < count:
            raise InputError(
                f"An override names a position from 0 to {count - 1}", came=f"position {index} came"
            )
    return overrides


def _align(
    filled: NDArray[Any],
    facts: Sequence[FrameFacts],
    reference: int,
    kind: WarpKind,
    device: str,
    monitor: Monitor,
) -> tuple[Warp, ...]:
    if len(filled) == 1:
        return (Warp.identity(),)
    if facts[reference].blank:
        raise InputError(
            "Frames can only be aligned to a reference that shows something",
            item=f"frame {reference}",
            came="is the reference and blank: all its pixels are equal",
            remedy="Choose another reference, or check the beam and the shutter.",
        )
    from napari_emrestore.registration import align

    warps: tuple[Warp, ...] = align(filled, reference=reference, kind=kind, device=device, monitor=monitor)
    return warps


def _resample_all(
    filled: NDArray[Any], warps: Sequence[Warp], reference: int, monitor: Monitor
) -> tuple[list[NDArray[np.float32]], list[NDArray[np.bool_]]]:
    """Return every frame on the reference grid, and where each holds data; the reference as it is."""
    height, width = filled.shape[1:]
    whole = Area(0, 0, height, width)
    return resample_onto(whole, filled, warps, range(len(filled)), reference, monitor)


def _kept_area(valid: Sequence[NDArray[np.bool_]], warps: Sequence[Warp], burst: Burst, crop: Crop) -> Area:
    if crop == "union":
        return joint_area(warps, (burst.frames.shape[1], burst.frames.shape[2]))
    area = common_area(valid)
    if area is None:
        raise RegistrationError(
            "The accepted frames of a burst need an area they all show",
            item=f"{len(valid)} frames",
            came="share none",
            remedy="Leave out the frames that moved farthest, use a shorter burst or crop='union'.",
        )
    return area


def _cut(area: Area, images: Sequence[NDArray[Any]], chosen: Sequence[int]) -> list[NDArray[Any]]:
    return [images[index][area.slices] for index in chosen]


def _registered(
    burst: Burst,
    warps: tuple[Warp, ...],
    verdicts: tuple[FrameVerdict, ...],
    reference: int,
    aligned: Sequence[NDArray[np.float32]],
    valid: Sequence[NDArray[np.bool_]],
    area: Area,
) -> RegisteredBurst:
    return RegisteredBurst(
        burst=burst,
        warps=warps,
        verdicts=verdicts,
        reference=reference,
        aligned=np.stack(aligned),
        valid=np.stack(valid),
        origin_px=(area.y, area.x),
    )
