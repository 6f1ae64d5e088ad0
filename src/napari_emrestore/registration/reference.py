"""The reference of an alignment made ready once for all frames, and one batch of frames brought onto it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.registration import _newton, ecc, masks, pyramid, shift
from napari_emrestore.registration.cells import usable_cells

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_emrestore.core.warps import WarpKind
    from napari_emrestore.registration.kernels import Images, Kernels

_FINEST_SHARE = 0.15
"""Where less of the gradient than this is signal, a level costs time and adds little but noise."""
_TRUSTED_SHARE = 0.4
"""A smaller signal share is too uncertain to divide by: noise alone would correlate well."""
_SUPPORT_PX = 3
"""Distance a compared position keeps from masked-out pixels of the moving image: spline and half a cell."""
_COARSE = ecc.Effort(30, 0.05, 0.25, final=False)
_FINAL = ecc.Effort(15, 0.002, 0.08, final=True)


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """The reference image of an alignment.

    Attributes
    ----------
    light : Light
        Its brightness.
    levels : Plan
        Its pyramid.
    finest : int
        The level that decides the result.
    joint : int
        The level on which a burst is aligned with its mean: that has less noise, so a finer one may pay.
    templates : mapping of int to Template
        From the finer of both to the coarsest level.
    searches : mapping of int to SearchReference
        Its small images for the initial shift: of the coarsest level, and of one where more stands out.
    share : float
        Share of the signal in the variance of the finest level.
    """

    light: pyramid.Light
    levels: pyramid.Plan
    finest: int
    joint: int
    templates: dict[int, ecc.Template]
    searches: dict[int, shift.SearchReference]
    share: float


@dataclass(frozen=True, slots=True, eq=False)
class Moving:
    """One frame to be aligned.

    Attributes
    ----------
    pixels : ndarray, shape (Y, X)
        Finite.
    light : Light
        Its brightness over the mask.
    mask : ndarray, shape (Y, X), bool, or None
        Pixels that show the specimen; None for all.
    """

    pixels: NDArray[Any]
    light: pyramid.Light
    mask: NDArray[np.bool_] | None


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """A batch of frames on the reference.

    Attributes
    ----------
    warps : ndarray, shape (B, 3, 3)
        Full-size warps.
    scores : ndarray, shape (B,)
        Correlation of the signals, see `correlation_of_signals`.
    images : array, shape (B, Y, X), or None
        The frames at the reference's joint level, where the kernels run, if they were to be kept.
    usable : ndarray, shape (B, Y, X), bool, or None
        Their usable pixels there.
    """

    warps: NDArray[np.float64]
    scores: NDArray[np.float64]
    images: Images
    usable: NDArray[np.bool_] | None


def make_moving(frame: NDArray[Any], mask: NDArray[np.bool_] | None) -> Moving:
    """Return a frame from `pyramid.readable`; pixels that are not finite are filled and masked."""
    if frame.dtype == np.float32 and not np.isfinite(frame.sum(dtype=np.float64)):
        finite = np.isfinite(frame)
        mask = finite if mask is None else mask & finite
        frame = np.where(finite, frame, frame[mask].mean() if mask.any() else np.float32(0))
    return Moving(frame, pyramid.survey(frame, mask), mask)


def make_reference(kernels: Kernels, frame: Moving, noise: float, averaged: int = 1) -> Reference:
    """Return the reference made of one frame.

    Parameters
    ----------
    kernels : Kernels
        Who carries out the passes.
    frame : Moving
        The reference frame.
    noise : float
        Noise share typical of the frames to come.
    averaged : int
        How many other frames will be averaged for a joint refinement; 1 without.
    """
    levels = pyramid.plan((int(frame.pixels.shape[0]), int(frame.pixels.shape[1])))
    worst = max(noise, frame.light.noise)
    first = levels.first(worst)
    made = kernels.pyramid(
        [frame.pixels],
        [frame.light.offset],
        [frame.light.gain],
        range(min(first, levels.search), levels.coarsest + 1),
    )
    images = {level: kernels.put(kernels.host(kernels.soften(stack[0]))) for level, stack in made.items()}
    shown = None if frame.mask is None else _mask_levels(frame.mask, levels)
    hosted = {k: kernels.host(image) for k, image in images.items()}
    slopes = {k: pyramid.gradient_share(image, worst, k) for k, image in hosted.items()}
    finest = _finest(slopes, range(first, levels.coarsest + 1), 1)
    joint = _finest(slopes, range(first, levels.coarsest + 1), averaged)
    templates = {
        k: ecc.make_template(
            kernels, images[k], usable_cells(levels.shapes[k], None if shown is None else shown[k]), slopes[k]
        )
        for k in images
        if k >= min(finest, joint)
    }
    searches = {
        k: shift.search_reference(kernels.host(made[k][0]), None if shown is None else shown[k])
        for k in {levels.coarsest, levels.search}
    }
    share = pyramid.signal_share(float(hosted[finest].var()), frame.light.noise, finest)
    return Reference(frame.light, levels, finest, joint, templates, searches, share)


def _finest(slopes: dict[int, float], levels: range, averaged: int) -> int:
    """Return the finest level whose gradient is not drowned in noise, were so many frames averaged."""
    for k in levels:
        if slopes[k] * averaged >= _FINEST_SHARE * (1 - slopes[k] + slopes[k] * averaged):
            return k
    return levels[-1]


def place(
    kernels: Kernels,
    reference: Reference,
    frames: Sequence[Moving],
    kind: WarpKind,
    start: NDArray[np.float64] | None = None,
    keep: bool = False,
) -> Placed:
    """Return a batch of frames aligned with the reference, from `start` (3, 3) or the found shifts.

    Their images are returned as well if they are to be kept for a joint refinement.
    """
    levels, finest = reference.levels, reference.finest
    made = kernels.pyramid(
        [f.pixels for f in frames], [f.light.offset for f in frames], [f.light.gain for f in frames],
        range(min(reference.joint, levels.search), levels.coarsest + 1)
    )  # fmt: skip
    shown = _batch_masks(frames, levels)
    if start is None:
        warps = _found_shifts(kernels, reference, made, shown)
    else:
        warps = np.repeat(np.asarray(start, dtype=np.float64)[None], len(frames), axis=0)
    for level in range(levels.coarsest, finest - 1, -1):
        usable = None if shown is None else shown[level]
        worn = None if usable is None else np.stack([masks.wear(m, _SUPPORT_PX) for m in usable])
        for effort in _efforts(level, levels, finest):
            fit = ecc.fit(
                kernels, reference.templates[level], made[level], worn, pyramid.to_level(warps, level),
                _newton.basis(_kind_at(kind, level, finest)), effort,
            )  # fmt: skip
            lost = np.isnan(fit.correlation)
            warps = np.where(lost[:, None, None], warps, pyramid.from_level(fit.warps, level))
    scores = correlation_of_signals(fit, reference, [f.light for f in frames])
    images = made[reference.joint] if keep else None
    return Placed(warps, scores, images, None if shown is None else shown[reference.joint])


def correlation_of_signals(
    fit: ecc.Fit, reference: Reference, lights: Sequence[pyramid.Light]
) -> NDArray[np.float64]:
    """Return the correlation coefficients of the images without their white noise, -1 to 1; 0 for no overlap.

    At 2 e-/px two perfectly aligned images correlate by a few per cent. Divided by the root of both
    signal shares (Spearman 1904, 10.2307/1412159) the coefficient says how well the scenes agree, at any
    dose.
    """
    shares = [
        pyramid.signal_share(v, light.noise, reference.finest)
        for v, light in zip(fit.variance, lights, strict=True)
    ]
    both = np.maximum(np.sqrt(np.array(shares) * reference.share), _TRUSTED_SHARE)
    corrected = np.nan_to_num(fit.correlation) / both
    return np.where(fit.overlap > 0, np.clip(corrected, -1.0, 1.0), 0.0)


def _kind_at(kind: WarpKind, level: int, finest: int) -> WarpKind:
    """Return the family sought at a level: perspective needs the resolution of the last two."""
    return "affine" if kind == "homography" and level > finest + 1 else kind


def _efforts(level: int, levels: pyramid.Plan, finest: int) -> tuple[ecc.Effort, ...]:
    if level > finest:
        return (_COARSE,)
    return (_COARSE, _FINAL) if level == levels.coarsest else (_FINAL,)


def _found_shifts(
    kernels: Kernels, reference: Reference, made: dict[int, Images], shown: list[NDArray[np.bool_]] | None
) -> NDArray[np.float64]:
    """Return the shifts as full-size warps, sought at a finer level where they are not obvious."""
    count = len(made[reference.levels.coarsest])
    warps = np.repeat(np.eye(3)[None], count, axis=0)
    doubtful = np.arange(count)
    for level in sorted(reference.searches, reverse=True):
        images, usable = kernels.host(made[level]), None if shown is None else shown[level][doubtful]
        found, obvious = shift.find_shifts(reference.searches[level], images[doubtful], usable)
        small = np.repeat(np.eye(3)[None], len(doubtful), axis=0)
        small[:, :2, 2] = found
        warps[doubtful] = pyramid.from_level(small, level)
        doubtful = doubtful[~obvious]
        if not doubtful.size:
            break
    return warps


def _mask_levels(mask: NDArray[np.bool_], levels: pyramid.Plan) -> list[NDArray[np.bool_]]:
    made = [mask]
    for _ in levels.shapes[1:]:
        made.append(masks.halve_mask(made[-1]))
    return made


def _batch_masks(frames: Sequence[Moving], levels: pyramid.Plan) -> list[NDArray[np.bool_]] | None:
    if all(f.mask is None for f in frames):
        return None
    whole = np.ones(levels.shapes[0], np.bool_)
    each = [_mask_levels(whole if f.mask is None else f.mask, levels) for f in frames]
    return [np.stack(level) for level in zip(*each, strict=True)]
