"""How a model card builds the network of Ede & Beanland."""

from __future__ import annotations

from napari_emrestore.models.architectures.ede_xception.net import EdeXception, Widths

_WIDTHS = {
    "full": Widths(64, 128, 256, 728, 256),
    "quarter": Widths(16, 32, 64, 182, 64),
    "tiny": Widths(4, 4, 4, 4, 4),
}


def build(width: str = "full", middle_blocks: int = 12, ends_in_relu6: bool = False) -> EdeXception:
    """Return an untrained network mapping ``(B, 1, Y, X)`` to ``(B, Y, X)`` in model range.

    Parameters
    ----------
    width : {"full", "quarter", "tiny"}
        Channel preset; ``"full"`` is the paper's.
    middle_blocks : int
        Blocks of the middle flow; 12 in the paper.
    ends_in_relu6 : bool
        End in batch normalisation and ReLU6 as the public code does; else the output is linear.
    """
    return EdeXception(_WIDTHS[width], middle_blocks, ends_in_relu6=ends_in_relu6)
