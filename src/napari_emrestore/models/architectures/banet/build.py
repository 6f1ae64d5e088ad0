"""How a model card builds BANet."""

from __future__ import annotations

from napari_emrestore.models.architectures.banet.net import BANet


def build(width: int = 64, modules: int = 10) -> BANet:
    """Return an untrained BANet mapping ``(B, 1, Y, X)`` to ``(B, Y, X)`` in model range.

    Parameters
    ----------
    width : int
        Channels at full size; 64 in the paper, 96 in its larger BANet+.
    modules : int
        Blur-aware modules; 10 in the paper.
    """
    return BANet(width, modules)
