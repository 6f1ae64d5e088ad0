"""The one shape all classical restorers have: a named function of registered frames with a tiling rule."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.core import TilingRule

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    Fusion = Callable[[NDArray[np.float32]], NDArray[Any]]
    ToldFilter = Callable[[NDArray[np.float32], tuple[float, float]], NDArray[Any]]
    ImageFilter = Callable[[NDArray[np.float32]], NDArray[Any]]

MOST_FRAMES = 32
WHOLE = TilingRule(mode="whole")


@dataclass(frozen=True, slots=True)
class ClassicalRestorer:
    """A restorer (see `core.Restorer`) around a plain numpy function.

    Attributes
    ----------
    id : str
        Name for tables, reports and `load_restorer`.
    fusion : callable
        Takes frames ``(N, Y, X)``, float32, returns an image ``(Y, X)``.
    parameters : mapping
        What shaped `fusion`, as plain JSON values, for provenance.
    tiling : TilingRule
        ``exact`` for local functions, ``blend`` for nearly local ones, ``whole`` where parameters are
        estimated from the image: those must come from all of it, never from one tile.
    frames : tuple of int
        Smallest and largest number of frames.
    version, device : str
        For reports.
    told : callable, optional
        Takes the place of `fusion` for a single image whose noise is known: an image ``(Y, X)``, and slope
        and height of the line from intensity to noise variance. ``None`` if noise plays no part.
    noise : tuple of float, optional
        That line, in model range; ``None`` lets `fusion` estimate what it needs.
    """

    id: str
    fusion: Fusion
    parameters: Mapping[str, Any] = field(default_factory=dict)
    tiling: TilingRule = WHOLE
    frames: tuple[int, int] = (1, MOST_FRAMES)
    version: str = "1"
    device: str = "cpu"
    told: ToldFilter | None = None
    noise: tuple[float, float] | None = None

    def describe(self) -> dict[str, Any]:
        """Return name, version and parameters as plain JSON; a classical restorer has no weights."""
        return {
            "id": self.id,
            "version": self.version,
            "weights_sha256": "",
            "parameters": dict(self.parameters),
        }

    def restore_window(self, frames: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the restoration ``(Y, X)``, float32, of registered `frames` ``(N, Y, X)``."""
        if self.told is None or self.noise is None or len(frames) > 1:
            made = self.fusion(frames)
        else:
            made = self.told(frames[0], self.noise)
        return np.asarray(made, dtype=np.float32).reshape(frames.shape[1:])


def of_mean(image_filter: ImageFilter) -> Fusion:
    """Return the fusion that averages the frames and then filters that one image."""

    def fuse(frames: NDArray[np.float32]) -> NDArray[Any]:
        return image_filter(frames.mean(axis=0, dtype=np.float32))

    return fuse
