"""The judge of SGPN's training."""

from __future__ import annotations

from napari_emrestore.models.architectures.patch_discriminator import PatchDiscriminator


def build_discriminator(width: int = 64) -> PatchDiscriminator:
    """Return an untrained discriminator, images ``(B, Y, X)`` to ratings ``(B, y, x)``; sides from 48 px.

    The paper gives kernels, strides and norms, but no depth; this one has four normalised layers.

    Parameters
    ----------
    width : int
        Channels of the first layer, doubled by each of the next three.
    """
    return PatchDiscriminator(
        (width, 2 * width, 4 * width, 8 * width), (2, 2, 2, 2), affine=True, normalise_first=True, padding=1
    )
