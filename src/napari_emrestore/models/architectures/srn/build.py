"""How a model card builds SRN."""

from __future__ import annotations

from napari_emrestore.models.architectures.srn.net import SRN


def build(width: int = 32, remembers: bool = True) -> SRN:
    """Return an untrained SRN mapping ``(B, 1, Y, X)`` to ``(B, Y, X)`` in model range.

    Parameters
    ----------
    width : int
        Channels at the finest level, doubled at each of two below; 32 in the paper.
    remembers : bool
        Carry a convolutional LSTM's state from scale to scale.
    """
    return SRN(width, remembers=remembers)
