"""The two judges of DeblurGAN-v2: one of patches, one of nearly the whole image."""

from __future__ import annotations

from napari_emrestore.models.architectures.patch_discriminator import PatchDiscriminator


def build_discriminators() -> tuple[PatchDiscriminator, PatchDiscriminator]:
    """Return untrained patch and full discriminators, images ``(B, Y, X)`` to ratings ``(B, y, x)``.

    The adversarial loss is the mean over both. Images run from -1 to 1; both sides are at least 128 px for
    the full one.
    """
    return _judge(3), _judge(5)


def _judge(halvings: int) -> PatchDiscriminator:
    widths = tuple(min(64 * 2**i, 512) for i in range(halvings + 1))
    strides = (*(2,) * halvings, 1)
    return PatchDiscriminator(widths, strides, affine=False, normalise_first=False, padding=2)
