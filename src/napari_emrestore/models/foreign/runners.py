"""What a foreign model that does not run in torch offers to `restoration`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from napari_emrestore.core import ModelCard

    Noise = tuple[float, float] | None
    Run = Callable[[NDArray[np.float32], Noise], NDArray[np.float32]]


@dataclass(frozen=True, slots=True, eq=False)
class Runner:
    """An opened model.

    Attributes
    ----------
    card : ModelCard
        What is known of it.
    runtime : str
        Library and version that computes.
    device : str
        Where it computes, as the library reports it after opening.
    takes_noise : bool
        Whether it takes the noise line.
    parameters : int
        Numbers in its weights.
    run : callable
        Frames ``(N, Y, X)`` and the noise line, or None, to the image ``(Y, X)``; float32.
    """

    card: ModelCard
    runtime: str
    device: str
    takes_noise: bool
    parameters: int
    run: Run = field(repr=False)
