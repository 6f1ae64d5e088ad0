"""Restorers, how their work may be cut into tiles, and what they return."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from napari_emrestore.core.frames import Acquisition
    from napari_emrestore.core.provenance import Provenance


@dataclass(frozen=True, slots=True)
class TilingRule:
    """How an image may be cut so that the pieces give the whole.

    Attributes
    ----------
    stride : int
        Window origins and sizes are multiples of this, in pixels.
    halo : int
        Context needed around a kept core, in pixels; a multiple of `stride`.
    mode : {"exact", "blend", "whole"}
        ``exact``: with the halo, tiles equal the whole image. ``blend``: the restorer uses image-wide
        statistics, tiles are an approximation that must be blended and reported. ``whole``: must not
        be tiled.
    """

    stride: int = 1
    halo: int = 0
    mode: Literal["exact", "blend", "whole"] = "exact"


class Restorer(Protocol):
    """Anything that turns N registered frames into one image, learned or classical.

    Attributes
    ----------
    id, version : str
        Name and version for reports and provenance.
    device : str
        Where it runs, as reported to the user.
    frames : tuple of int
        Smallest and largest number of frames it takes.
    tiling : TilingRule
        How its work may be cut.
    """

    @property
    def id(self) -> str: ...  # noqa: D102
    @property
    def version(self) -> str: ...  # noqa: D102
    @property
    def device(self) -> str: ...  # noqa: D102
    @property
    def frames(self) -> tuple[int, int]: ...  # noqa: D102
    @property
    def tiling(self) -> TilingRule: ...  # noqa: D102

    def describe(self) -> dict[str, Any]:
        """Return ``id``, ``version``, ``weights_sha256`` and further facts for provenance, as plain JSON."""
        ...

    def restore_window(self, frames: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the restoration of one window, in model range.

        Parameters
        ----------
        frames : ndarray, shape (N, Y, X), float32
            Registered frames in model range (see `IntensityMap`). Y and X are multiples of the
            tiling stride.

        Returns
        -------
        ndarray, shape (Y, X), float32
            In model range, unclamped.
        """
        ...


class ErrorTeller(Restorer, Protocol):
    """A restorer that also tells how far each pixel of its restoration is probably off."""

    def restore_with_error(
        self, frames: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return what `restore_window` does, and the standard deviation expected of its error.

        Both ``(Y, X)``, float32, in model range.
        """
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Restoration:
    """A restored image in input units, with what is needed to judge it.

    Attributes
    ----------
    image : array, shape (Y, X) or (N, Y, X)
        Restored intensities in input units, float32, unclamped; a numpy, dask or zarr array.
    acquisition : Acquisition
        Taken over from the input.
    provenance : Provenance
        What made it.
    origin_px : tuple of int
        ``(y, x)`` of its first pixel in the input frame (a registered burst is cropped).
    expected_error : array, optional
        Standard deviation that the model expects of the error of each pixel, shape and units of `image`;
        ``None`` if nobody asked. It is inferred, not measured: see ``docs/expected-error.md``.
    """

    image: Any
    acquisition: Acquisition
    provenance: Provenance
    origin_px: tuple[int, int] = field(default=(0, 0))
    expected_error: Any | None = None
