"""A module from a TorchScript file in the shape of our networks."""

from __future__ import annotations

import torch

from napari_emrestore.core import ModelError


class ScriptNetwork(torch.nn.Module):
    """A loaded TorchScript module that maps ``(B, N, Y, X)`` to ``(B, Y, X)``."""

    def __init__(self, script: torch.nn.Module, item: str) -> None:
        super().__init__()
        self.script = script
        self.item = item

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        """Return the image; one output channel is taken off.

        Raises
        ------
        ModelError
            If the module returns anything but one image per sample.
        """
        made = self.script(frames)
        if isinstance(made, torch.Tensor) and made.ndim == 4 and made.shape[1] == 1:
            made = made[:, 0]
        if not isinstance(made, torch.Tensor) or made.ndim != 3:
            came = tuple(made.shape) if isinstance(made, torch.Tensor) else type(made).__name__
            raise ModelError(
                "A network returns one image per sample, (B, Y, X) or (B, 1, Y, X)",
                item=self.item,
                came=f"returned {came} for {tuple(frames.shape)}",
            )
        return made.float()
