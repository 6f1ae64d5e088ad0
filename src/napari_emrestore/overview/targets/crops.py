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
from napari_emrestore.overview.region_geometry import centre
from napari_emrestore.overview.targets.nav_maps import is_bottom_first
from napari_emrestore.restoration.plan import Rect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from napari_emrestore.core import Monitor
    from napari_emrestore.overview.regions import Overview, Region, RegionSet
    from napari_emrestore.overview.targets.nav_maps import MapView, NavMap

_MARGIN_PX = 4
_MOST_PX = 16384


@dataclass(frozen=True, slots=True)
class CropView:
    """How the microscope sees at the target.

    Attributes
    ----------
    shape : tuple of int
        ``(Y, X)`` of its frames.
    linear : tuple of tuple of float
        2×2 matrix from steps ``(y, x)`` in pixels of the crop to steps in pixels of the overview.
    pixel_size_nm : float
        Of the crop's pixels, which are square.
    bottom_first : bool
        Whether the first row of the crop is the lowest on the microscope's screen.

    Raises
    ------
    InputError
        If a side is longer than 16384 pixels, or the matrix has no inverse.
    """

    shape: tuple[int, int]
    linear: tuple[tuple[float, float], tuple[float, float]]
    pixel_size_nm: float
    bottom_first: bool

    def __post_init__(self) -> None:
        sides = len(self.shape) == 2 and 1 <= min(self.shape) and max(self.shape) <= _MOST_PX
        (yy, yx), (xy, xx) = self.linear
        area = yy * xx - yx * xy
        if not sides or not math.isfinite(area) or area == 0 or not 0 < self.pixel_size_nm < math.inf:
            raise InputError(
                f"A crop has sides of 1 to {_MOST_PX} pixels of a positive size in nm",
                came=f"{self.shape} of {self.pixel_size_nm:.4g} nm came",
            )

    @classmethod
    def turned(
        cls,
        overview: Overview,
        shape: tuple[int, int],
        pixel_size_nm: float,
        rotation_deg: float = 0.0,
        is_mirrored: bool = False,
    ) -> CropView:
        """Return a view that is told by its pixel size and turn.

        Parameters
        ----------
        overview : Overview
            Whose pixel size is known.
        shape, pixel_size_nm
            As the attributes.
        rotation_deg : float
            From the overview's x to the crop's x, in degrees towards the overview's y.
        is_mirrored : bool
            Whether its y runs the other way than the overview's, before that turn.

        Raises
        ------
        InputError
            If the pixel size of the overview is unknown, or as the class.
        """
        if overview.pixel_size_nm is None:
            raise InputError("An overview with a pixel size is needed", item=overview.name, came="has none")
        turn = math.radians(rotation_deg)
        rotation = np.array([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]])
        step = pixel_size_nm / np.array(overview.pixel_size_nm)[:, None]
        linear = rotation * (-1.0 if is_mirrored else 1.0, 1.0) * step
        return cls(shape, _rows_of(linear), pixel_size_nm, is_bottom_first(overview.path))

    @classmethod
    def of_map(cls, target: NavMap, view: MapView) -> CropView:
        """Return the view of a map that was taken at the target's magnification, by SerialEM's own matrices.

        Parameters
        ----------
        target : NavMap
            A single frame, taken as the targets will be.
        view : MapView
            The map that the overview is.

        Raises
        ------
        InputError
            If the target's map is a montage, or as the class.
        """
        if target.is_montage:
            raise InputError(
                "The map to imitate is a single frame",
                item=f"map {target.label!r}",
                came="is a montage",
                remedy="Take one frame as the targets will be, and make it a map.",
            )
        across = np.linalg.inv(view.its_map.to_stage) @ target.to_stage
        middle, right, up = view.to_overview(
            np.array(view.its_map.size_px) / 2 + [(0, 0), across[:, 0], across[:, 1]]
        )
        width, height = target.size_px
        linear = np.stack([up - middle, right - middle], -1)
        pixel_nm = 1000 * math.sqrt(abs(np.linalg.det(target.to_stage)))
        return cls((height, width), _rows_of(linear), pixel_nm, bottom_first=True)

    def warp(self, middle_px: tuple[float, float]) -> Warp:
        """Return the map from pixels of a crop around a place of the overview to those of the overview."""
        matrix = np.eye(3)
        matrix[:2, :2] = self.linear
        matrix[:2, 2] = np.array(middle_px) - np.array(self.linear) @ ((np.array(self.shape) - 1) / 2)
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

    def upside_down(self) -> Crop:
        """Return the same piece with its last row first."""
        flip = Warp(np.array([[-1.0, 0, self.image.shape[0] - 1], [0, 1, 0], [0, 0, 1]]), "affine")
        return Crop(self.region_id, self.image[::-1], self.warp.after(flip), self.outside_share)


def crop(region: Region, raw: Any, overview: Overview, view: CropView) -> Crop:
    """Return the raw overview around a region as the microscope would show it.

    Parameters
    ----------
    region : Region
        Its middle becomes the middle of the crop.
    raw : array-like, shape (Y, X)
        The raw overview, numpy or lazy; only what is needed of it is read.
    overview : Overview
        What the region lies on.
    view : CropView
        The microscope's.

    Raises
    ------
    InputError
        If the image is of another shape, or nothing of the crop lies on it.
    """
    if tuple(raw.shape) != overview.shape:
        raise InputError(
            f"The raw image of overview {overview.name!r} has shape {overview.shape}",
            came=f"one of {tuple(raw.shape)} came",
        )
    from napari_emrestore.registration.resampling import resample

    warp = view.warp(centre(region))
    box = _needed(warp, view.shape, overview.shape)
    if 0 in box.shape:
        raise _beyond(region)
    piece = _blurred(np.asarray(raw[box.slices], np.float32), view)
    image, valid = resample(piece, Warp.from_shift((-box.y0, -box.x0)).after(warp), shape=view.shape)
    if not valid.any():
        raise _beyond(region)
    image[~valid] = image[valid].mean()
    return Crop(region.id, image, warp, 1 - float(valid.mean()))


def write_crops(
    regions: RegionSet, raw: Any, view: CropView, folder: str | Path, *, monitor: Monitor = SILENT
) -> list[Path]:
    """Write one MRC file per accepted region into a folder, named by the number of the region.

    The lowest row on the microscope's screen is stored first, as SerialEM and IMOD do.

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
    place = Path(folder).expanduser()
    place.mkdir(parents=True, exist_ok=True)
    return [write_crop(one, view, regions.overview, place) for one in crops(regions, raw, view, monitor)]


def crops(regions: RegionSet, raw: Any, view: CropView, monitor: Monitor = SILENT) -> Iterator[Crop]:
    """Yield the piece around each accepted region; see `crop`."""
    chosen = regions.accepted
    for done, region in enumerate(chosen):
        monitor.step(done, len(chosen), "cutting crops")
        yield crop(region, raw, regions.overview, view)
    monitor.step(len(chosen), len(chosen), "cutting crops")


def write_crop(piece: Crop, view: CropView, overview: Overview, folder: Path) -> Path:
    """Write one piece, as `write_crops` does, and return its file."""
    from napari_emrestore.io import write_image

    stored = piece if view.bottom_first else piece.upside_down()
    facts = {
        "region": stored.region_id,
        "overview": overview.name,
        "to_overview": stored.warp.matrix.tolist(),
        "outside_share": stored.outside_share,
    }
    name, size = f"R{stored.region_id}", (view.pixel_size_nm, view.pixel_size_nm)
    known = Acquisition(name, pixel_size_nm=size, extra=facts)
    return write_image(folder / f"{name}.mrc", stored.image, known)


def _rows_of(linear: NDArray[np.float64]) -> tuple[tuple[float, float], tuple[float, float]]:
    (yy, yx), (xy, xx) = linear.tolist()
    return (yy, yx), (xy, xx)


def _needed(warp: Warp, shape: tuple[int, int], whole: tuple[int, int]) -> Rect:
    """Return the pixels of the overview that a crop is made of."""
    y, x = shape[0] - 1, shape[1] - 1
    corners = warp.apply([(0, 0), (0, x), (y, 0), (y, x)])
    low, high = np.floor(corners.min(axis=0)), np.ceil(corners.max(axis=0))
    box = Rect(int(low[0]), int(high[0]) + 1, int(low[1]), int(high[1]) + 1)
    return box.grown(_MARGIN_PX).clipped(whole)


def _blurred(piece: NDArray[np.float32], view: CropView) -> NDArray[np.float32]:
    """Return an image without detail that coarser pixels would fold into wrong places."""
    coarser = np.linalg.norm(view.linear, axis=1)
    if coarser.max() <= 1:
        return piece
    from scipy.ndimage import gaussian_filter

    widths = [math.sqrt(max(0.0, float(scale) ** 2 - 1)) / 2 for scale in coarser]
    blurred: NDArray[np.float32] = gaussian_filter(piece, widths, mode="nearest")
    return blurred


def _beyond(region: Region) -> InputError:
    return InputError(
        "A crop shows something of its overview",
        item=f"region {region.id}",
        came="lies beyond it",
        remedy="Leave it out.",
    )
