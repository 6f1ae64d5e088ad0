"""A stream followed frame by frame: where each lies in its leg, and what it says about its brightness."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.core import InputError
from napari_emrestore.overview.links import Comparison, Link, compare_brightness, evidence, overlap_share

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_emrestore.core import Frame

_THUMBNAIL_PX = 64
_MOST_COMPARED = 4000


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """What following a stream tells, before any loop is closed.

    Attributes
    ----------
    frame_shape : tuple of int
        ``(Y, X)``.
    leg : ndarray, shape (N,), int
        Frames of one leg have common coordinates; a new one begins where the view was lost.
    chain_px : ndarray, shape (N, 2)
        ``(y, x)`` of each frame's first pixel, from the first frame of its leg.
    keys : tuple of int
        Frames the others were aligned with; neighbours among them overlap by about three quarters.
    links : tuple of Link
        From each frame's key to the frame.
    comparisons : tuple of Comparison
        Of brightness, for links evenly spread over the stream.
    thumbnails : mapping of int to ndarray
        Key to its reduced image.
    stage_um : ndarray, shape (N, 2), optional
        ``(y, x)`` the stage reported; ``None`` if it did not for every frame.
    """

    frame_shape: tuple[int, int]
    leg: NDArray[np.int64]
    chain_px: NDArray[np.float64]
    keys: tuple[int, ...]
    links: tuple[Link, ...]
    comparisons: tuple[Comparison, ...]
    thumbnails: dict[int, NDArray[np.float32]]
    stage_um: NDArray[np.float64] | None = None

    def __len__(self) -> int:
        return len(self.leg)


@dataclass(slots=True)
class Tracker:
    """Takes the frames of a stream as they come; also from a camera that is still scanning.

    Only two frames are held: the newest, and the one it is compared with.

    Parameters
    ----------
    dark : float
        Value of no signal, input units.
    """

    dark: float = 0.0
    _follower: Any = None
    _legs: list[int] = field(default_factory=list)
    _chain: list[tuple[float, float]] = field(default_factory=list)
    _keys: list[int] = field(default_factory=list)
    _links: list[Link] = field(default_factory=list)
    _comparisons: list[Comparison] = field(default_factory=list)
    _thumbnails: dict[int, NDArray[np.float32]] = field(default_factory=dict)
    _stage: list[tuple[float, float] | None] = field(default_factory=list)
    _shape: tuple[int, int] | None = None
    _key_image: NDArray[Any] | None = None
    _last: NDArray[Any] | None = None
    _every: int = 1

    def __len__(self) -> int:
        return len(self._legs)

    def add(self, frame: Frame) -> None:
        """Follow the next frame.

        Raises
        ------
        InputError
            If it is no real image of at least 24 x 24 pixels, or of another shape than the others.
        """
        image, number = frame.data, len(self._legs)
        self._check(image, number)
        followed = self._following().follow(image, number)
        if followed.anchor != number and followed.anchor not in self._thumbnails:
            # the follower took the frame before this one as its new anchor
            self._take_key(followed.anchor, self._last)
        if followed.anchor == number:
            self._take_key(number, image)
        dy, dx = followed.warp.shift_px(self._frame_shape)
        self._legs.append(followed.leg)
        self._chain.append((-dy, -dx))
        self._stage.append(_stage_of(frame))
        if followed.anchor != number:
            self._link(followed.anchor, number, followed.warp.score, image)
        self._last = image

    @property
    def newest(self) -> tuple[int, tuple[float, float]]:
        """Leg of the newest frame, and its place ``(y, x)`` in the leg, px; there must be one."""
        return self._legs[-1], self._chain[-1]

    def track(self) -> Track:
        """Return what was found so far.

        Raises
        ------
        InputError
            If no frame came.
        """
        if self._shape is None:
            raise InputError("A mosaic is made of at least one frame", came="none came")
        stage = [s for s in self._stage if s is not None]
        return Track(
            self._shape,
            np.array(self._legs),
            np.array(self._chain, dtype=np.float64),
            tuple(self._keys),
            tuple(self._links),
            tuple(self._comparisons),
            dict(self._thumbnails),
            np.array(stage, dtype=np.float64) if len(stage) == len(self._stage) else None,
        )

    @property
    def _frame_shape(self) -> tuple[int, int]:
        if self._shape is None:
            raise InputError("A shape is known once a frame came", came="none came")
        return self._shape

    def _check(self, image: NDArray[Any], number: int) -> None:
        shape = image.shape
        if self._shape is None and len(shape) == 2:
            self._shape = shape[0], shape[1]
        if shape != self._shape:
            raise InputError(
                "The frames of a mosaic have one shape (Y, X)",
                item=f"frame {number}",
                came=f"is {shape}, frame 0 is {self._shape}",
            )

    def _following(self) -> Any:
        if self._follower is None:
            from napari_emrestore.registration.following import Follower

            self._follower = Follower("translation")
        return self._follower

    def _take_key(self, number: int, image: NDArray[Any] | None) -> None:
        if image is None:
            return
        self._keys.append(number)
        self._key_image = np.array(image)
        self._thumbnails[number] = thumbnail(image)

    def _link(self, key: int, number: int, score: float, image: NDArray[Any]) -> None:
        y, x = np.subtract(self._chain[number], self._chain[key])
        offset = float(y), float(x)
        if self._key_image is None:
            return
        both, share = (self._key_image, image), overlap_share(offset, self._frame_shape)
        self._links.append(Link(key, number, offset, score, share, evidence(both, offset), "follow"))
        if len(self._links) % self._every:
            return
        found = compare_brightness(both, (key, number), offset, self.dark)
        if found is not None:
            self._comparisons.append(found)
        if len(self._comparisons) > _MOST_COMPARED:  # a long stream is compared at longer intervals
            self._comparisons = self._comparisons[::2]
            self._every *= 2


def thumbnail_step(shape: tuple[int, int]) -> int:
    """Return how many pixels along a side make one of a thumbnail."""
    return max(1, min(shape) // _THUMBNAIL_PX)


def thumbnail(image: NDArray[Any]) -> NDArray[np.float32]:
    """Return a frame ``(Y, X)`` reduced by means over blocks; what does not fill a block is left out."""
    return blocks_of_means(image, thumbnail_step((image.shape[0], image.shape[1])))


def blocks_of_means(image: NDArray[Any], step: int) -> NDArray[np.float32]:
    """Return the means over square blocks of an image ``(Y, X)``; what does not fill a block is left out."""
    h, w = (n // step for n in image.shape)
    blocks = np.asarray(image[: h * step, : w * step], np.float32).reshape(h, step, w, step)
    return np.asarray(blocks.mean(axis=(1, 3)))


def _stage_of(frame: Frame) -> tuple[float, float] | None:
    """Return the ``(y, x)`` a frame carries for its stage, in micrometres."""
    value = frame.acquisition.extra.get("stage_um")
    if value is None or len(value) < 2:
        return None
    return float(value[0]), float(value[1])
