"""Align two images or a whole burst: the calls of this package."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from napari_emrestore.core import SILENT, WARP_KINDS, InputError, RegistrationError, Warp
from napari_emrestore.registration import joint
from napari_emrestore.registration import masks as find
from napari_emrestore.registration.batches import cores, run_batches
from napari_emrestore.registration.kernels import make_kernels
from napari_emrestore.registration.pyramid import readable
from napari_emrestore.registration.reference import Placed, make_moving, make_reference, place

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_emrestore.core import Monitor, WarpKind
    from napari_emrestore.registration.kernels import Backend

LEAST_SCORE = 0.4
"""A warp whose images' signals correlate less than this is not returned by `estimate_warp`."""
LEAST_SIDE_PX = 24
"""Smaller images hold too few independent pixels to be aligned."""


def estimate_warp(
    reference: NDArray[Any],
    moving: NDArray[Any],
    *,
    kind: WarpKind = "euclidean",
    start: Warp | None = None,
    reference_mask: NDArray[np.bool_] | None = None,
    moving_mask: NDArray[np.bool_] | None = None,
    device: str = "cpu",
    backend: Backend = "auto",
) -> Warp:
    """Return the warp from one image to another that maximises their correlation coefficient.

    Parameters
    ----------
    reference, moving : ndarray, shape (Y, X)
        Images of one size and any real dtype; they may differ in brightness and contrast, noise and blur.
        Pixels that are not finite are left out.
    kind : {"translation", "euclidean", "affine", "homography"}
        The family of warps sought.
    start : Warp, optional
        Where to start; without it the shift is found first, valid up to half a side.
    reference_mask, moving_mask : ndarray, shape (Y, X), bool, optional
        Pixels that show the specimen. Without them they are found by `find_mask`; pass an array of True
        to use every pixel.
    device : str
        ``"cpu"``, or a torch device such as ``"cuda"`` or ``"mps"``.
    backend : {"auto", "numba", "numpy", "torch"}
        Who computes; ``auto`` is the fastest for the device.

    Returns
    -------
    Warp
        Reference to moving, with the correlation coefficient of the two signals as score.

    Raises
    ------
    RegistrationError
        If the images hold no structure, or are not alike enough where the best warp puts them (score
        below 0.4).
    InputError
        If the images are not two real images of one size of at least 24 x 24 pixels, or a mask or the kind
        does not fit.
    DeviceError
        If the device is absent.

    Notes
    -----
    For frames blurred by 3 px or more at 1-60 e-/px the error is within 1.3 times the Cramer-Rao bound of
    two noisy frames; for sharper ones up to twice it. Clean frames (noise below 2 % of the variance) are
    taken to full resolution, to about 0.001 px. Rotations beyond some 10 degrees need a start. The first
    call on a machine compiles for some ten seconds.

    References
    ----------
    Evangelidis & Psarakis 2008, 10.1109/TPAMI.2008.113.
    """
    images = [_checked_image(image, name) for image, name in ((reference, "reference"), (moving, "moving"))]
    if images[0].shape != images[1].shape:
        raise InputError(
            "Two images to be aligned must have one size",
            came=f"{images[0].shape} and {images[1].shape} came",
            remedy="Crop or pad one of them.",
        )
    _check_kind(kind)
    kernels = make_kernels(device, backend)
    ours, theirs = (
        make_moving(image, _shown(mask, image))
        for image, mask in zip(images, (reference_mask, moving_mask), strict=True)
    )
    for frame, name in ((ours, "the reference"), (theirs, "the moving image")):
        if frame.light.gain == 0:
            raise RegistrationError(
                "Images can be aligned by their structure only",
                item=name,
                came="is constant",
                remedy="Leave it out.",
            )
    prepared = make_reference(kernels, ours, theirs.light.noise)
    placed = place(kernels, prepared, [theirs], kind, None if start is None else start.matrix)
    warp = _warps(placed, kind)[0]
    if not warp.score >= LEAST_SCORE:
        raise RegistrationError(
            f"Two images must correlate by at least {LEAST_SCORE} to be used together",
            item="the best alignment found",
            came=f"reaches {warp.score:.2f}",
            remedy="Check that both show the same area, or give a start.",
        )
    return warp


def align(
    frames: NDArray[Any],
    *,
    reference: int = 0,
    kind: WarpKind = "euclidean",
    masks: Literal["auto"] | NDArray[np.bool_] | None = "auto",
    refine: bool = True,
    device: str = "cpu",
    backend: Backend = "auto",
    monitor: Monitor = SILENT,
) -> tuple[Warp, ...]:
    """Return the warps from one frame of a burst to all of them.

    Parameters
    ----------
    frames : ndarray, shape (N, Y, X)
        Any real dtype; pixels that are not finite are left out.
    reference : int
        Position of the reference frame.
    kind : {"translation", "euclidean", "affine", "homography"}
        The family of warps sought.
    masks : "auto", None or ndarray of bool, shape (N, Y, X) or (Y, X)
        Pixels that show the specimen. ``auto`` finds dead rims of every frame and grid bars of the
        reference; None uses every pixel.
    refine : bool
        Align all frames once more, with the mean of the aligned burst, when three or more could be
        aligned. Pays at low dose, where the noise of the reference rules the error.
    device, backend : str
        See `estimate_warp`.
    monitor : Monitor
        Told after each batch of frames.

    Returns
    -------
    tuple of Warp
        One per frame; the reference's is the identity with score 1. A frame that could not be aligned has
        the best warp found and its poor score, 0 if there was nothing to compare; the caller judges.

    Raises
    ------
    InputError
        If `frames` is not a burst of real images, of at least 24 x 24 pixels if there are two or more, or
        an argument does not fit.
    DeviceError
        If the device is absent.
    Cancelled
        When the monitor says so.
    """
    given = _checked_burst(frames)
    _check_kind(kind)
    if not -len(given) <= reference < len(given):
        raise InputError(
            f"The reference is one of {len(given)} frames",
            came=f"frame {reference} was asked for",
        )
    reference %= len(given)
    if len(given) == 1:
        return (Warp.identity(),)
    kernels = make_kernels(device, backend)
    burst = [readable(frame) for frame in given]
    moving = [
        make_moving(frame, mask) for frame, mask in zip(burst, _masks(burst, masks, reference), strict=True)
    ]
    others = [k for k in range(len(given)) if k != reference]
    alive = [k for k in others if moving[k].light.gain > 0]
    warps = [Warp(np.eye(3), kind, 0.0)] * len(given)
    warps[reference] = Warp.identity()
    if moving[reference].light.gain == 0 or not alive:
        monitor.step(1, 1, "aligning frames")
        return tuple(warps)
    noise = float(np.median([moving[k].light.noise for k in alive]))
    prepared = make_reference(kernels, moving[reference], noise, len(alive) if refine else 1)
    refine = refine and joint.pays(prepared)
    size = min(kernels.batch, -(-len(alive) // cores())) if kernels.parallel else kernels.batch
    batches = [alive[k : k + size] for k in range(0, len(alive), size)]
    jobs = [
        partial(place, kernels, prepared, [moving[k] for k in batch], kind, keep=refine) for batch in batches
    ]
    placed = run_batches(jobs, kernels.parallel, [len(batch) for batch in batches], monitor)
    if refine:
        placed = joint.refine(kernels, prepared, placed, kind, LEAST_SCORE, monitor)
    for batch, found in zip(batches, placed, strict=True):
        for k, warp in zip(batch, _warps(found, kind), strict=True):
            warps[k] = warp
    return tuple(warps)


def initial_shift(reference: NDArray[Any], moving: NDArray[Any]) -> tuple[float, float]:
    """Return a first guess of the shift ``(dy, dx)`` in pixels from reference to moving.

    Hann-windowed cross-correlation of both images reduced to about 128 pixels, whitened by |X|^0.75; valid
    up to half a side, good to about a pixel of the reduced images. Parameters and errors as in
    `estimate_warp`.
    """
    from napari_emrestore.registration import pyramid, shift

    images = [_checked_image(image, name) for image, name in ((reference, "reference"), (moving, "moving"))]
    if images[0].shape != images[1].shape:
        raise InputError(
            "Two images to be aligned must have one size",
            came=f"{images[0].shape} and {images[1].shape} came",
        )
    kernels = make_kernels()
    levels = pyramid.plan((images[0].shape[0], images[0].shape[1]))
    small, shown = [], []
    for frame in (make_moving(image, find.frame_mask(image)) for image in images):
        made = kernels.pyramid(
            [frame.pixels], [frame.light.offset], [frame.light.gain], range(levels.search, levels.search + 1)
        )
        small.append(kernels.host(made[levels.search])[0])
        mask = np.ones(images[0].shape, dtype=np.bool_) if frame.mask is None else frame.mask
        for _ in range(levels.search):
            mask = find.halve_mask(mask)
        shown.append(mask)
    prepared = shift.search_reference(small[0], shown[0])
    (dy, dx), *_ = shift.find_shifts(prepared, small[1][None], shown[1][None])[0]
    return float(dy * 2.0**levels.search), float(dx * 2.0**levels.search)


def _warps(placed: Placed, kind: WarpKind) -> list[Warp]:
    return [
        Warp(matrix, kind, float(score)) for matrix, score in zip(placed.warps, placed.scores, strict=True)
    ]


def _masks(
    frames: list[NDArray[Any]], masks: Literal["auto"] | NDArray[np.bool_] | None, reference: int
) -> list[NDArray[np.bool_] | None]:
    if masks is None:
        return [None] * len(frames)
    if isinstance(masks, str):
        if masks != "auto":
            raise InputError("Masks are 'auto', None or an array of bool", came=f"{masks!r} came")
        found = [find.frame_mask(frame) for frame in frames]
        whole = find.find_mask(frames[reference])
        found[reference] = None if whole.all() else whole
        return found
    given, shape = np.asarray(masks), (len(frames), *frames[0].shape)
    if given.dtype != np.bool_ or given.shape not in (shape, shape[1:]):
        raise InputError(
            f"Masks are bool of shape {shape} or {shape[1:]}",
            came=f"{given.dtype} of shape {given.shape} came",
        )
    return list(np.broadcast_to(given, shape))


def _checked_image(image: NDArray[Any], name: str) -> NDArray[Any]:
    data = np.asarray(image)
    if data.ndim != 2 or data.dtype.kind not in "buif" or min(data.shape) < LEAST_SIDE_PX:
        raise InputError(
            f"An image to be aligned is (Y, X), real, at least {LEAST_SIDE_PX} pixels a side",
            item=f"the {name}",
            came=f"is {data.dtype} of shape {data.shape}",
        )
    return readable(data)


def _shown(mask: NDArray[np.bool_] | None, image: NDArray[Any]) -> NDArray[np.bool_] | None:
    """Return the given or found mask, None where it shows everything."""
    shown = find.find_mask(image) if mask is None else np.asarray(mask)
    if shown.dtype != np.bool_ or shown.shape != image.shape:
        raise InputError(
            f"A mask is bool of the image's shape {image.shape}",
            came=f"{shown.dtype} of shape {shown.shape} came",
        )
    return None if shown.all() else shown


def _checked_burst(frames: NDArray[Any]) -> NDArray[Any]:
    data = np.asarray(frames)
    if data.ndim != 3 or data.dtype.kind not in "buif" or 0 in data.shape:
        raise InputError(
            "A burst to be aligned is (N, Y, X) and real",
            came=f"{data.dtype} of shape {data.shape} came",
        )
    if len(data) > 1 and min(data.shape[1:]) < LEAST_SIDE_PX:
        raise InputError(
            f"Frames to be aligned are at least {LEAST_SIDE_PX} pixels a side",
            came=f"frames of {data.shape[1:]} came",
        )
    return data


def _check_kind(kind: str) -> None:
    if kind not in WARP_KINDS:
        raise InputError(f"A warp is one of {', '.join(WARP_KINDS)}", came=f"{kind!r} came")
