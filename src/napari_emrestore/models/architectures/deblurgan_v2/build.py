"""How a model card builds DeblurGAN-v2's generator."""

from __future__ import annotations

from napari_emrestore.models.architectures.deblurgan_v2.inception import InceptionFeatures
from napari_emrestore.models.architectures.deblurgan_v2.mobilenet import MobileNetFeatures
from napari_emrestore.models.architectures.deblurgan_v2.net import DeblurGANv2, Start

_BACKBONES: dict[str, tuple[type[MobileNetFeatures] | type[InceptionFeatures], int, int]] = {
    "mobilenet": (MobileNetFeatures, 128, 64),
    "inception": (InceptionFeatures, 256, 128),
}


def build(
    backbone: str = "mobilenet",
    frames: int = 3,
    start: Start = "centre",
    pyramid_width: int | None = None,
    head_width: int | None = None,
) -> DeblurGANv2:
    """Return an untrained generator mapping ``(B, frames, Y, X)`` to ``(B, Y, X)`` in model range.

    Parameters
    ----------
    backbone : {"mobilenet", "inception"}
        MobileNet-v2, or Inception-ResNet-v2 of the paper's best results.
    frames : int
        Frames it takes; their order matters.
    start : {"centre", "mean"}
        What the correction is added to.
    pyramid_width, head_width : int, optional
        Channels of pyramid and heads; ``None`` takes the paper's, 128 and 64 for MobileNet, 256 and 128 for
        Inception. ``pyramid_width`` is twice ``head_width``.
    """
    if start not in ("centre", "mean"):
        raise ValueError(f"start is 'centre' or 'mean', {start!r} came")
    kind, pyramid, head = _BACKBONES[backbone]
    return DeblurGANv2(kind(frames), pyramid_width or pyramid, head_width or head, start)
