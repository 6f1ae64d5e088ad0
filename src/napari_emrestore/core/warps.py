"""Geometric maps from a reference image to a moving image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from napari_emrestore.core.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

WarpKind = Literal["translation", "euclidean", "affine", "homography"]
WARP_KINDS: tuple[WarpKind, ...] = get_args(WarpKind)

_SWAP = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])


@dataclass(frozen=True, slots=True, eq=False)
class Warp:
    """Where each reference pixel is found in the moving image.

    Attributes
    ----------
    matrix : ndarray, shape (3, 3), float64
        Acts on column vectors ``(y, x, 1)`` in pixels, reference to moving, scaled so that the last
        element is 1.
    kind : {"translation", "euclidean", "affine", "homography"}
        The family it was sought in.
    score : float
        Correlation of the two images over their valid overlap, corrected for their noise so that it says
        the same at any dose, -1 to 1; NaN if not measured.

    Raises
    ------
    InputError
        If the matrix is not 3 by 3, not finite or not invertible, or the kind is unknown.
    """

    matrix: NDArray[np.float64]
    kind: WarpKind = "affine"
    score: float = float("nan")

    def __post_init__(self) -> None:
        if self.kind not in WARP_KINDS:
            raise InputError(f"A warp is one of {', '.join(WARP_KINDS)}", came=f"{self.kind!r} came")
        matrix = np.array(self.matrix, dtype=np.float64)
        if matrix.shape != (3, 3) or not np.isfinite(matrix).all() or matrix[2, 2] == 0:
            raise InputError("A warp is a finite 3 by 3 matrix on (y, x, 1)", came=f"{matrix.tolist()} came")
        matrix /= matrix[2, 2]
        if abs(np.linalg.det(matrix)) < 1e-12:
            raise InputError("A warp must be invertible", came=f"{matrix.tolist()} came")
        matrix.setflags(write=False)
        object.__setattr__(self, "matrix", matrix)

    @classmethod
    def identity(cls) -> Warp:
        """Return the warp that moves nothing, with score 1."""
        return cls(np.eye(3), "translation", 1.0)

    @classmethod
    def from_shift(cls, shift_px: tuple[float, float], score: float = float("nan")) -> Warp:
        """Return the translation by ``(dy, dx)`` pixels."""
        matrix = np.eye(3)
        matrix[:2, 2] = shift_px
        return cls(matrix, "translation", score)

    @classmethod
    def from_xy(cls, matrix: ArrayLike, kind: WarpKind = "affine", score: float = float("nan")) -> Warp:
        """Return the warp of a 2x3 or 3x3 matrix on ``(x, y, 1)``, as OpenCV and scikit-image use."""
        xy = np.asarray(matrix, dtype=np.float64)
        if xy.shape == (2, 3):
            xy = np.vstack([xy, [0.0, 0.0, 1.0]])
        if xy.shape != (3, 3):
            raise InputError("A warp matrix on (x, y, 1) is 2x3 or 3x3", came=f"shape {xy.shape} came")
        return cls(_SWAP @ xy @ _SWAP, kind, score)

    def to_xy(self) -> NDArray[np.float64]:
        """Return the 3x3 matrix on ``(x, y, 1)``, as OpenCV and scikit-image use."""
        return np.asarray(_SWAP @ self.matrix @ _SWAP)

    def inverse(self) -> Warp:
        """Return the warp from moving to reference."""
        return Warp(np.linalg.inv(self.matrix).astype(np.float64), self.kind, self.score)

    def after(self, first: Warp) -> Warp:
        """Return the warp that applies `first` and then this one; its kind is the wider of the two."""
        kind = max(self.kind, first.kind, key=WARP_KINDS.index)
        return Warp(self.matrix @ first.matrix, kind, min(self.score, first.score))

    def apply(self, points_px: ArrayLike) -> NDArray[np.float64]:
        """Return where reference points land in the moving image.

        Parameters
        ----------
        points_px : array_like, shape (..., 2)
            Points ``(y, x)``.

        Returns
        -------
        ndarray, shape (..., 2)
            Points ``(y, x)`` in the moving image.
        """
        points = np.asarray(points_px, dtype=np.float64)
        mapped = points @ self.matrix[:, :2].T + self.matrix[:, 2]
        return np.asarray(mapped[..., :2] / mapped[..., 2:])

    def shift_px(self, shape: tuple[int, int]) -> tuple[float, float]:
        """Return the ``(dy, dx)`` displacement of the centre of an image of `shape` ``(Y, X)``."""
        centre = (np.asarray(shape) - 1) / 2
        dy, dx = self.apply(centre) - centre
        return float(dy), float(dx)

    def corner_distance_px(self, other: Warp, shape: tuple[int, int]) -> float:
        """Return the mean distance over the four image corners between this warp and another."""
        y, x = shape[0] - 1, shape[1] - 1
        corners = np.array([[0, 0], [0, x], [y, 0], [y, x]], dtype=np.float64)
        return float(np.linalg.norm(self.apply(corners) - other.apply(corners), axis=1).mean())
