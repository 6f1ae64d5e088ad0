"""How a model card builds the Katsuno U-Net."""

from __future__ import annotations

from typing import Literal

from torch import nn

from napari_emrestore.models.architectures.katsuno_unet.net import WIDTHS, KatsunoUNet


def build(
    width: str = "full",
    padding_mode: Literal["zeros", "replicate"] = "zeros",
    imagenet_statistics: bool = False,
) -> KatsunoUNet:
    """Return an untrained Katsuno U-Net mapping ``(B, 1, Y, X)`` to ``(B, Y, X)`` in model range.

    Parameters
    ----------
    width : {"full", "half", "quarter"}
        Channel preset; ``"full"`` is the paper's ResNet-18.
    padding_mode : {"zeros", "replicate"}
        What convolutions see beyond the image; with ``"replicate"`` a blank image stays blank to its rim.
    imagenet_statistics : bool
        Take ImageNet's grey mean and deviation off the image first; for an encoder that starts from a
        weights file (see `load_backbone`).
    """
    network = KatsunoUNet(*WIDTHS[width], imagenet_statistics=imagenet_statistics)
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            layer.padding_mode = padding_mode
    return network
