"""How a model card builds DeepDeblur."""

from __future__ import annotations

from napari_emrestore.models.architectures.deep_deblur.net import DeepDeblur


def build(width: int = 64, blocks: int = 19) -> DeepDeblur:
    """Return an untrained DeepDeblur mapping ``(B, 1, Y, X)`` to ``(B, Y, X)`` in model range.

    Parameters
    ----------
    width : int
        Channels; 64 in the paper.
    blocks : int
        Residual blocks per scale; 19 in the paper.
    """
    return DeepDeblur(width, blocks)
