"""Pieces of the raw overview as the microscope would show them at the target, for it to realign to.

They are cut from the raw image, never from the restored one: the microscope compares them with what it sees.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.core import SILENT, Acquisition, InputError, Warp
from napari_emrestore.overview.region_geometry import Box, centre

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from napari_emrestore.core import Monitor
    from napari_emrestore.overview.regions import Overview, Region, RegionSet

_MARGIN_PX = 4
_MOST_PX = 16384


@dataclass(frozen=True, slots=True)
class CropView:
    """How the microscope sees at the target.

    Attributes
    ----------
    shape : tuple of int
        ``(Y, X)`` of its frames.
    pixel_size_nm : float
        Of its pixels, which are square.
    rotation_deg : float
        From the overview's x to its own x, in degrees towards the overview's y.
    is_mirrored : bool
        Whether its y runs the other way than the overview's, before that turn.

    Raises
    ------
    InputError
        If a number is not positive, or a side longer than 16384 pixels.
    """

    shape: tuple[int, int]
    pixel_size_nm: float
    rotation_deg: float = 0.0
    is_mirrored: bool = False

    def __post_init__(self) -> None:
        sides = len(self.shape) == 2 and 1 <= min(self.shape) and max(self.shape) <= _MOST_PX
        if not sides or not 0 < self.pixel_size_nm < math.inf or not math.isfinite(self.rotation_deg):
            raise InputError(
                f"A crop has sides of 1 to {_MOST_PX} pixels of a positive size in nm",
                came=f"{self.shape} of {self.pixel_size_nm} nm, turned by {self.rotation_deg}°, came",
            )

    def warp(self, middle_px: tuple[float, float], overview_nm: tuple[float, float]) -> Warp:
        """Return the map from pixels of the crop to those of the overview."""
        turn = math.radians(self.rotation_deg)
        flip = -1.0 if self.is_mirrored else 1.0
        rotation = np.array([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]])
        linear = rotation * (flip, 1.0) * self.pixel_size_nm / np.array(overview_nm)[:, None]
        matrix = np.eye(3)
        matrix[:2, :2] = linear
        matrix[:2, 2] = np.array(middle_px) - linear @ ((np.array(self.shape) - 1) / 2)
        return Warp(matrix, "affine")


@dataclass(frozen=True, slots=True, eq=False)
class Crop:
    """One piece.

    Attributes
    ----------
    region_id : int
        What lies in its middle.
    image : ndarray, shape (Y, X), float32
        In the overview's units; where it reaches beyond the overview, the mean of the rest.
    warp : Warp
        From its pixels to the overview's.
    outside_share : float
        How much of it lies beyond the overview.
    """

    region_id: int
    image: NDArray[np.float32]
    warp: Warp
    outside_share: float


def crop(region: Region, raw: Any, overview: Overview, view: CropView) -> Crop:
    """Return the raw overview around a region as the microscope would show it.

    Parameters
    ----------
    region : Region
        Its middle becomes the middle of the crop.
    raw : array-like, shape (Y, X)
        The raw overview, numpy or lazy; only what is needed of it is read.
    overview : Overview
        Whose pixel size is known.
    view : CropView
        The microscope's.

    Raises
    ------
    InputError
        If the pixel size of the overview is unknown, the image of another shape, or nothing of the crop lies
        on it.
    """
    if overview.pixel_size_nm is None:
        raise InputError("An overview with a pixel size is needed", item=overview.name, came="has none")
    if tuple(raw.shape) != overview.shape:
        raise InputError(
            f"The raw image of overview {overview.name!r} has shape {overview.shape}",
            came=f"one of {tuple(raw.shape)} came",
        )
    from napari_emrestore.registration.resampling import resample

    warp = view.warp(centre(region), overview.pixel_size_nm)
    box = _needed(warp, view.shape, overview.shape)
    piece = np.asarray(raw[box.slices], np.float32)
    if 0 in piece.shape:
        raise _beyond(region)
    coarser = view.pixel_size_nm / min(overview.pixel_size_nm)
    if coarser > 1:
        piece = _blurred(piece, view.pixel_size_nm, overview.pixel_size_nm)
    image, valid = resample(piece, Warp.from_shift((-box.y0, -box.x0)).after(warp), shape=view.shape)
    if not valid.any():
        raise _beyond(region)
    image[~valid] = image[valid].mean()
    return Crop(region.id, image, warp, 1 - float(valid.mean()))


def write_crops(
    regions: RegionSet, raw: Any, view: CropView, folder: str | Path, *, monitor: Monitor = SILENT
) -> list[Path]:
    """Write one MRC file per accepted region into a folder, named by the number of the region.

    Returns
    -------
    list of Path
        In the order of the regions.

    Raises
    ------
    InputError
        As `crop`.
    WriteError
        If the system refuses to write.
    Cancelled
        If the monitor asks to stop; whole files stay.
    """
    from napari_emrestore.io import write_image

    place = Path(folder).expanduser()
    place.mkdir(parents=True, exist_ok=True)
    paths = []
    for one in _crops(regions, raw, view, monitor):
        facts = {
            "region": one.region_id,
            "overview": regions.overview.name,
            "to_overview": one.warp.matrix.tolist(),
            "outside_share": one.outside_share,
        }
        size = (view.pixel_size_nm, view.pixel_size_nm)
        known = Acquisition(f"R{one.region_id}", pixel_size_nm=size, extra=facts)
        paths.append(write_image(place / f"R{one.region_id}.mrc", one.image, known))
    return paths


def _crops(regions: RegionSet, raw: Any, view: CropView, monitor: Monitor) -> Iterator[Crop]:
    chosen = regions.accepted
    for done, region in enumerate(chosen):
        monitor.step(done, len(chosen), "cutting crops")
        yield crop(region, raw, regions.overview, view)
    monitor.step(len(chosen), len(chosen), "cutting crops")


def _needed(warp: Warp, shape: tuple[int, int], whole: tuple[int, int]) -> Box:
    """Return the pixels of the overview that a crop is made of."""
    y, x = shape[0] - 1, shape[1] - 1
    corners = warp.apply([(0, 0), (0, x), (y, 0), (y, x)])
    low, high = np.floor(corners.min(axis=0)), np.ceil(corners.max(axis=0))
    box = Box(int(low[0]), int(high[0]) + 1, int(low[1]), int(high[1]) + 1)
    return box.grown(_MARGIN_PX).within(whole)


def _blurred(
    piece: NDArray[np.float32], target_nm: float, own_nm: tuple[float, float]
) -> NDArray[np.float32]:
    """Return an image without detail that coarser pixels would fold into wrong places."""
    from scipy.ndimage import gaussian_filter

    widths = [math.sqrt(max(0.0, (target_nm / size) ** 2 - 1)) / 2 for size in own_nm]
    blurred: NDArray[np.float32] = gaussian_filter(piece, widths, mode="nearest")
    return blurred


def _beyond(region: Region) -> InputError:
    return InputError(
        "A crop shows something of its overview",
        item=f"region {region.id}",
        came="lies beyond it",
        remedy="Leave it out.",
    )
