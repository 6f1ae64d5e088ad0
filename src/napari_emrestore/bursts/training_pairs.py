"""Training pairs from real series: blurry frames matched to a high-quality image of the same place.

The semi-automatic flow of Wieslander, Wahlby & Sintorn 2021, DOI 10.1371/journal.pone.0257031 ("PLOS" below).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.bursts.areas import common_area
from napari_emrestore.bursts.sample_masks import eroded, regular_tiles, sample_mask
from napari_emrestore.core import SILENT, InputError, RegistrationError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_emrestore.core import Burst, Frame, Monitor, Warp, WarpKind

Limits = tuple[float, float]

_SAMPLING_TOLERANCE = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class TrainingPair:
    """Blurry frames and their ground truth on one grid, with the places that may be learnt from.

    Attributes
    ----------
    frames : ndarray, shape (N, Y, X), float32
        Matched to `clean`, scaled to 0 to 1.
    clean : ndarray, shape (Y, X), float32
        The high-quality image, scaled to 0 to 1.
    mask : ndarray, shape (Y, X), bool
        Where there is sample; grid bars are out.
    centres : ndarray, shape (Y, X), bool
        The mask eroded: where crops may be centred.
    tiles : tuple of (int, int)
        First pixels ``(y, x)`` of the regular tiles that touch no bar.
    tile_px : int
        Side of tiles and crops.
    warps : tuple of Warp
        From the (halved) high-quality image to each frame.
    origin_px : tuple of int
        ``(y, x)`` of the first pixel in the (halved) high-quality image.
    clipped : float
        Share of the pixels, frames and clean together, that fell outside the limits and were clipped.
    """

    frames: NDArray[np.float32]
    clean: NDArray[np.float32]
    mask: NDArray[np.bool_]
    centres: NDArray[np.bool_]
    tiles: tuple[tuple[int, int], ...]
    tile_px: int
    warps: tuple[Warp, ...]
    origin_px: tuple[int, int]
    clipped: float


def training_pair(
    burst: Burst,
    clean: Frame,
    *,
    frame_limits: Limits,
    clean_limits: Limits,
    kind: WarpKind = "euclidean",
    halve: bool | None = None,
    tile_px: int = 128,
    erosion_px: float = 256.0,
    device: str = "cpu",
    monitor: Monitor = SILENT,
) -> TrainingPair:
    """Return blurry frames matched to a high-quality image, scaled, masked and tiled.

    Parameters
    ----------
    burst : Burst
        The blurry frames ``(N, Y, X)`` that show the place of `clean`.
    clean : Frame
        The high-quality image.
    frame_limits, clean_limits : (float, float)
        Input intensities that become 0 and 1; values beyond are clipped. Choose them once per data set: the
        upper slightly above the brightest sample, the lower so that grid bars become 0 and sample does not.
    kind : {"translation", "euclidean", "affine", "homography"}
        Family of the warps.
    halve : bool, optional
        Whether `clean` is brought to half its sampling by means of 2 by 2 pixels. ``None`` looks at the pixel
        sizes, or without them at the shapes.
    tile_px : int
        Side of tiles and crops.
    erosion_px : float
        Radius of the disc the mask is eroded with before crops are centred in it; at least half the diagonal
        of a crop, so that no crop touches a bar. PLOS erodes twice by 128, which is one disc of 256.
    device : str
        Where frames are matched.
    monitor : Monitor
        Told after each frame.

    Raises
    ------
    InputError
        If limits are in the wrong order, the erosion is too small for the tile, the samplings differ by
        another factor than 1 or 2, shapes then still differ, or pixels are not finite.
    RegistrationError
        If a frame cannot be matched to `clean`, or the frames share no area with it.
    Cancelled
        When the user has asked to stop.
    """
    _check_sizes(tile_px, erosion_px)
    truth = clean_at_frame_sampling(burst, clean, halve)
    _check_images(burst.frames, truth)
    warps, images = _matched(burst, truth, kind, device, monitor)
    area = common_area(warps, (truth.shape[0], truth.shape[1]))
    frames, clipped_frames = _scaled(np.stack([image[area.slices] for image in images]), frame_limits)
    target, clipped_target = _scaled(truth[area.slices], clean_limits)
    mask = sample_mask(target)
    return TrainingPair(
        frames=frames,
        clean=target,
        mask=mask,
        centres=eroded(mask, erosion_px),
        tiles=regular_tiles(mask, tile_px),
        tile_px=tile_px,
        warps=warps,
        origin_px=(area.y, area.x),
        clipped=(clipped_frames + clipped_target) / (frames.size + target.size),
    )


def crop_positions(pair: TrainingPair, count: int, rng: np.random.Generator) -> tuple[tuple[int, int], ...]:
    """Return the first pixels ``(y, x)`` of `count` random crops of `tile_px` that touch no bar.

    Raises
    ------
    InputError
        If no crop fits: the sample area left after erosion is empty.
    """
    before = pair.tile_px // 2
    height, width = pair.centres.shape
    fits = pair.centres[
        before : height - pair.tile_px + before + 1, before : width - pair.tile_px + before + 1
    ]
    places = np.flatnonzero(fits)
    if places.size == 0:
        raise InputError(
            f"Crops of {pair.tile_px} px need a place free of bars",
            came=f"none is left in an area of {height} by {width} px",
            remedy="Choose smaller tiles or a smaller erosion, or check the lower clean limit.",
        )
    drawn = rng.choice(places, size=count)
    rows, columns = np.divmod(drawn, fits.shape[1])
    return tuple((int(y), int(x)) for y, x in zip(rows, columns, strict=True))


def clean_at_frame_sampling(burst: Burst, clean: Frame, halve: bool | None) -> NDArray[np.float32]:
    """Return the high-quality image at the sampling of the frames; see `training_pair`."""
    image = np.asarray(clean.data, dtype=np.float32)
    if not (_is_finer(burst, clean) if halve is None else halve):
        return image
    height, width = image.shape[0] // 2 * 2, image.shape[1] // 2 * 2
    if not height or not width:
        raise InputError("An image to be halved has at least 2 by 2 pixels", came=f"{image.shape} came")
    quarters = image[:height, :width].reshape(height // 2, 2, width // 2, 2)
    return np.asarray(quarters.mean(axis=(1, 3)))


def _is_finer(burst: Burst, clean: Frame) -> bool:
    """Return whether `clean` is sampled twice as fine as the frames."""
    coarse, fine = burst.acquisition.pixel_size_nm, clean.acquisition.pixel_size_nm
    if coarse is None or fine is None:
        return clean.data.shape == (2 * burst.frames.shape[1], 2 * burst.frames.shape[2])
    ratio = coarse[0] / fine[0]
    for factor in (1, 2):
        if abs(ratio / factor - 1) < _SAMPLING_TOLERANCE:
            return factor == 2
    raise InputError(
        "A training pair needs images of equal sampling, or the clean one twice as fine",
        item="the clean image",
        came=f"has {fine[0]:g} nm/px, the frames {coarse[0]:g} nm/px",
        remedy="Resample one of them first, or set halve.",
    )


def _matched(
    burst: Burst, truth: NDArray[np.float32], kind: WarpKind, device: str, monitor: Monitor
) -> tuple[tuple[Warp, ...], list[NDArray[np.float32]]]:
    """Return each frame's warp from `truth`, and the frame on the grid of `truth`."""
    from napari_emrestore.registration import estimate_warp, resample

    warps, images = [], []
    for index, frame in enumerate(burst.frames):
        try:
            warp = estimate_warp(truth, frame, kind=kind, device=device)
        except RegistrationError as error:
            raise RegistrationError(
                "Every frame of a training pair must match the clean image",
                item=f"frame {index}",
                came=f"does not: {error}",
                remedy="Drop this frame from the burst.",
            ) from error
        warps.append(warp)
        images.append(resample(frame, warp)[0])
        monitor.step(index + 1, len(burst), "matching frames")
    return tuple(warps), images


def _scaled(images: NDArray[Any], limits: Limits) -> tuple[NDArray[np.float32], int]:
    """Return `images` with `limits` at 0 and 1, clipped, and how many pixels that changed."""
    low, high = limits
    if not low < high:
        raise InputError("Intensity limits are (low, high) with low below high", came=f"{limits} came")
    scaled = (np.asarray(images, dtype=np.float32) - np.float32(low)) / np.float32(high - low)
    clipped = int(np.count_nonzero((scaled < 0) | (scaled > 1)))
    return np.clip(scaled, 0, 1), clipped


def _check_sizes(tile_px: int, erosion_px: float) -> None:
    if tile_px < 1:
        raise InputError("Tiles have at least 1 px", came=f"{tile_px} came")
    reach = tile_px / np.sqrt(2)
    if erosion_px < reach:
        raise InputError(
            f"Crops of {tile_px} px stay free of bars with an erosion of at least {reach:.1f} px",
            came=f"{erosion_px} came",
            remedy="Erode further or choose smaller tiles.",
        )


def _check_images(frames: NDArray[Any], truth: NDArray[np.float32]) -> None:
    if frames.shape[1:] != truth.shape:
        raise InputError(
            "A training pair needs images of one shape once sampled alike",
            item="the clean image",
            came=f"is {truth.shape}, the frames {frames.shape[1:]}",
            remedy="Crop the larger one to the common field of view.",
        )
    for item, image in (("the clean image", truth), *((f"frame {i}", f) for i, f in enumerate(frames))):
        if not np.isfinite(image).all():
            raise InputError(
                "A training pair needs finite pixels",
                item=item,
                came="holds pixels that are not finite",
                remedy="Repair dead pixels first.",
            )
