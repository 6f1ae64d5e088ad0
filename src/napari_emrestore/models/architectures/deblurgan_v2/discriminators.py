"""The two judges of DeblurGAN-v2: one of patches, one of nearly the whole image."""

from __future__ import annotations

from napari_emrestore.models.architectures.patch_discriminator import PatchDiscriminator


def build_discriminators(width: int = 64) -> tuple[PatchDiscriminator, PatchDiscriminator]:
    """Return untrained patch and full discriminators, images ``(B, Y, X)`` to ratings ``(B, y, x)``.

    The adversarial loss is the mean over both. Images run from -1 to 1; both sides are at least 64 px for
    the full one.

    Parameters
    ----------
    width : int
        Channels of the first layer, doubled by each of the next three; 64 in the paper.
    """
    return _judge(3, width), _judge(5, width)


def _judge(halvings: int, width: int) -> PatchDiscriminator:
    widths = tuple(width * 2 ** min(i, 3) for i in range(halvings + 1))
    strides = (*(2,) * halvings, 1)
    return PatchDiscriminator(widths, strides, affine=False, normalise_first=False, padding=2)
