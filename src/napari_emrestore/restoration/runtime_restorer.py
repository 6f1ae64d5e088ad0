"""A model that computes outside of torch, in onnxruntime or by the zoo, behind `core.Restorer`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari_emrestore.core import InputError, ModelCard, TilingRule

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from napari_emrestore.models.foreign.runners import Runner

# A U-Net with 64 channels at full size, in float32, holds about this at its peak; the runtimes do not tell.
_BYTES_PER_PX = 1024.0


@dataclass(frozen=True, slots=True, eq=False)
class RuntimeRestorer:
    """An opened foreign model, ready to restore windows.

    Attributes
    ----------
    runner : Runner
        The opened model.
    noise : tuple of float, optional
        Slope and height of the noise line in model range, for a model that asks for it; see `TorchRestorer`.
    """

    runner: Runner
    noise: tuple[float, float] | None = None

    @classmethod
    def from_card(cls, card: ModelCard, device: str = "auto", precision: str = "auto") -> RuntimeRestorer:
        """Return the restorer of a card; see `load_restorer`."""
        from napari_emrestore.models.foreign.opening import open_runner

        if precision not in ("auto", "fp32"):
            raise InputError(
                "A model that runs outside of torch computes in the precision of its file",
                item=card.id,
                came=f"was asked for in {precision!r}",
                remedy="Choose precision='auto'.",
            )
        return cls(open_runner(card, device))

    @property
    def card(self) -> ModelCard:
        """What is known of the model."""
        return self.runner.card

    @property
    def id(self) -> str:
        """The card's id."""
        return self.card.id

    @property
    def version(self) -> str:
        """The card's version."""
        return self.card.version

    @property
    def device(self) -> str:
        """Where it really runs, as its library reports."""
        return self.runner.device

    @property
    def frames(self) -> tuple[int, int]:
        """Fewest and most frames it takes."""
        return self.card.trained.frames

    @property
    def tiling(self) -> TilingRule:
        """The card's rule."""
        return self.card.tiling

    @property
    def asks_for_noise(self) -> bool:
        """Whether the model takes the noise line."""
        return self.runner.takes_noise

    def describe(self) -> dict[str, Any]:
        """Return what identifies the model, for provenance, as plain JSON."""
        return {
            "id": self.card.id,
            "version": self.card.version,
            "weights_sha256": self.card.sha256,
            "architecture": self.card.architecture,
            "precision": "fp32",
            "runtime": self.runner.runtime,
        }

    def bytes_per_px(self, frames: int) -> float:
        """Return what a window pixel with N `frames` is assumed to take; the runtimes do not tell."""
        return _BYTES_PER_PX + 8.0 * frames

    def restore_window(self, frames: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the restoration ``(Y, X)`` of one window of frames ``(N, Y, X)``, in model range.

        Raises
        ------
        InputError
            If the window's shape does not fit the model.
        ModelError
            If the model fails on it.
        """
        fewest, most = self.frames
        stride = self.tiling.stride
        shape = frames.shape
        if len(shape) != 3 or not fewest <= shape[0] <= most or shape[1] % stride or shape[2] % stride:
            raise InputError(
                f"{self.id} takes windows (N, Y, X) with {fewest} to {most} frames and sides that are "
                f"multiples of {stride} px",
                came=f"shape {shape} came",
                remedy="Call restore(), which cuts and pads images to fit.",
            )
        return self.runner.run(frames, self.noise)
