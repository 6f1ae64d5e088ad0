"""Follow a moving view: each frame is aligned once, with an anchor that moves on now and then."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.core import WARP_KINDS, InputError, Warp
from napari_emrestore.registration.alignment import LEAST_SCORE, LEAST_SIDE_PX
from napari_emrestore.registration.faint import FAINT_NOISE, FaintView
from napari_emrestore.registration.kernels import make_kernels
from napari_emrestore.registration.masks import frame_mask
from napari_emrestore.registration.pyramid import readable
from napari_emrestore.registration.reference import make_moving, make_reference, place

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_emrestore.core import WarpKind
    from napari_emrestore.registration.kernels import Backend
    from napari_emrestore.registration.reference import Moving, Reference

_FARTHEST = 0.25
"""Share of a side by which a frame may lie off the anchor before it becomes the anchor itself."""
_REACH = 0.12
"""Share of a side within which a faint frame is sought around where the motion leads."""


@dataclass(frozen=True, slots=True, eq=False)
class Followed:
    """Where a frame lies.

    Attributes
    ----------
    warp : Warp
        From the first frame of this leg to the frame; its score is that with the anchor, 1 for the first
        frame of a leg.
    leg : int
        Counts how often the view was lost; frames of different legs have no common coordinates.
    anchor : int
        Number of the frame it was aligned with; its own for the first frame of a leg.
    """

    warp: Warp
    leg: int
    anchor: int


class Follower:
    """Aligns frames as they come; see `follow`.

    Frames that are mostly noise are placed, if they only shift, by the mean of those before instead of the
    anchor alone.

    Parameters
    ----------
    kind : {"translation", "euclidean", "affine", "homography"}
        The family of warps sought.
    device, backend : str
        See `estimate_warp`.
    faint_noise : float
        Share of the noise in a frame's variance from which on it counts as mostly noise; above 1 none does.

    Raises
    ------
    InputError
        If the kind is unknown.
    DeviceError
        If the device is absent.
    """

    def __init__(
        self,
        kind: WarpKind = "translation",
        *,
        device: str = "cpu",
        backend: Backend = "auto",
        faint_noise: float = FAINT_NOISE,
    ) -> None:
        if kind not in WARP_KINDS:
            raise InputError(f"A warp is one of {', '.join(WARP_KINDS)}", came=f"{kind!r} came")
        self._kind: WarpKind = kind
        self._kernels = make_kernels(device, backend)
        self._anchor: Reference | None = None
        self._faint_noise = faint_noise if kind == "translation" else 2.0
        self._faint: FaintView | None = None
        self._anchor_place = np.eye(3)
        self._anchor_index = 0
        self._from_anchor = np.eye(3)
        self._step_px = np.zeros(2)
        self._index = 0
        self._leg = -1
        self._shape: tuple[int, ...] = ()

    def follow(self, frame: NDArray[Any], index: int) -> Followed:
        """Return where the next frame lies; it is searched for where the motion so far would put it.

        A frame that is like nothing before begins a new leg, as does one of another shape.

        Parameters
        ----------
        frame : ndarray, shape (Y, X)
            Any real dtype.
        index : int
            Its number; a gap means that the view moved on for so many frames.

        Raises
        ------
        InputError
            If it is not a real image of at least 24 x 24 pixels.
        """
        moving = _moving(frame)
        gap = index - self._index
        if self._anchor is None or self._shape != frame.shape:
            return self._begin(moving, index)
        matrix, score = self._placed(self._anchor, moving, gap)
        if score < LEAST_SCORE:
            return self._begin(moving, index)
        self._remember(matrix, index, gap)
        place_now = matrix @ self._anchor_place
        followed = Followed(Warp(place_now, self._kind, score), self._leg, self._anchor_index)
        if (np.abs(_centre_shift(matrix, self._shape)) > _FARTHEST * np.array(self._shape)).any():
            self._drop_anchor(moving, place_now, matrix)
        elif self._faint is not None:
            self._faint.add(moving, matrix[:2, 2])
        return followed

    def _placed(self, anchor: Reference, moving: Moving, gap: int) -> tuple[NDArray[np.float64], float]:
        """Return the warp from the anchor, sought where the motion leads or else anywhere, and its score."""
        if moving.light.gain == 0:
            return np.eye(3), 0.0
        start = self._from_anchor.copy()
        start[:2, 2] += gap * self._step_px
        if self._faint is not None:
            start[:2, 2], score = self._faint.place(moving, start[:2, 2], _REACH * max(self._shape))
            return start, score
        placed = place(self._kernels, anchor, [moving], self._kind, start)
        if not placed.scores[0] >= LEAST_SCORE:
            placed = place(self._kernels, anchor, [moving], self._kind)
        return np.asarray(placed.warps[0] / placed.warps[0][2, 2]), float(placed.scores[0])

    def _begin(self, moving: Moving, index: int) -> Followed:
        self._shape = moving.pixels.shape
        self._leg += 1
        self._index = index
        self._step_px = np.zeros(2)
        self._drop_anchor(moving, np.eye(3))
        return Followed(Warp(np.eye(3), self._kind, 1.0), self._leg, index)

    def _drop_anchor(
        self, moving: Moving, where: NDArray[np.float64], matrix: NDArray[np.float64] | None = None
    ) -> None:
        """Make a frame the anchor, to which `matrix` leads from the one before; a blank one cannot be."""
        blank = moving.light.gain == 0
        self._anchor = None if blank else make_reference(self._kernels, moving, moving.light.noise)
        self._anchor_place = where
        self._anchor_index = self._index
        self._from_anchor = np.eye(3)
        if blank or not moving.light.noise > self._faint_noise:
            self._faint = None
        elif self._faint is None or matrix is None:
            self._faint = FaintView(moving)
        else:
            self._faint.move(moving, matrix[:2, 2])

    def _remember(self, matrix: NDArray[np.float64], index: int, gap: int) -> None:
        moved = _centre_shift(matrix, self._shape) - _centre_shift(self._from_anchor, self._shape)
        self._step_px = moved / max(gap, 1)
        self._from_anchor = matrix
        self._index = index


def _centre_shift(matrix: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.float64]:
    centre = np.array([(shape[0] - 1) / 2, (shape[1] - 1) / 2, 1.0])
    moved = matrix @ centre
    return np.asarray(moved[:2] / moved[2] - centre[:2])


def _moving(frame: NDArray[Any]) -> Moving:
    if frame.ndim != 2 or frame.dtype.kind not in "buif" or min(frame.shape) < LEAST_SIDE_PX:
        raise InputError(
            f"A frame to be followed is (Y, X), real, at least {LEAST_SIDE_PX} pixels a side",
            came=f"{frame.dtype} of shape {frame.shape} came",
        )
    pixels = readable(frame)
    return make_moving(pixels, frame_mask(pixels))
