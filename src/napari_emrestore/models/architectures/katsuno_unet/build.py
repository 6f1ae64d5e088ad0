"""How a model card builds the Katsuno U-Net."""

from __future__ import annotations

from napari_emrestore.models.architectures.katsuno_unet.net import WIDTHS, KatsunoUNet


def build(width: str = "full") -> KatsunoUNet:
    """Return an untrained Katsuno U-Net mapping ``(B, 1, Y, X)`` to ``(B, Y, X)`` in model range.

    Parameters
    ----------
    width : {"full", "half", "quarter"}
        Channel preset; ``"full"`` is the paper's ResNet-18.
    """
    return KatsunoUNet(*WIDTHS[width])
