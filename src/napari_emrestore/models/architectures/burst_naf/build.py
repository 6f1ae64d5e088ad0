"""How a model card builds BurstNAF."""

from __future__ import annotations

from napari_emrestore.models.architectures.burst_naf.net import BurstNAF, PaddingMode


def build(
    width: int = 24,
    encoder_blocks: tuple[int, ...] = (1, 1, 2),
    middle_blocks: int = 2,
    decoder_blocks: tuple[int, ...] = (1, 1, 1),
    unshuffle: int = 2,
    noise_input: bool = False,
    padding_mode: PaddingMode = "zeros",
    error_head: bool = False,
) -> BurstNAF:
    """Return an untrained BurstNAF mapping ``(B, N, Y, X)`` to ``(B, Y, X)`` in model range.

    Parameters
    ----------
    width : int
        Channels at the finest level; each level below doubles them.
    encoder_blocks, decoder_blocks : tuple of int
        Blocks per level, finest first for the encoder, coarsest first for the decoder.
    middle_blocks : int
        Blocks at the coarsest level, after the frames have been fused.
    unshuffle : int
        Factor by which pixels are folded into channels at the entrance.
    noise_input : bool
        Take the noise line of the image as a second argument and show the network its noise level.
    padding_mode : {"zeros", "replicate"}
        What 3 x 3 convolutions see beyond the image; with ``"replicate"`` a blank image stays blank to
        its rim.
    error_head : bool
        Have a second head that tells how far the restoration is probably off (`forward_with_error`);
        everything else stays as it is.
    """
    return BurstNAF(
        width,
        tuple(encoder_blocks),
        middle_blocks,
        tuple(decoder_blocks),
        unshuffle,
        noise_input=noise_input,
        padding_mode=padding_mode,
        error_head=error_head,
    )
