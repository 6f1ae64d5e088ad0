"""How a model card builds BU."""

from __future__ import annotations

from napari_emrestore.models.architectures.burst_unet.net import BurstUNet


def build(width: int = 64, pools_in_decoder: bool = True, adds_frame_mean: bool = False) -> BurstUNet:
    """Return an untrained BU mapping ``(B, N, Y, X)`` to ``(B, Y, X)`` in model range.

    Parameters
    ----------
    width : int
        Channels at the finest level, even; 64 is the published network.
    pools_in_decoder : bool
        Tell frames of each other in the decoder too.
    adds_frame_mean : bool
        Let the network predict the difference to the mean of the frames.
    """
    return BurstUNet(width, pools_in_decoder=pools_in_decoder, adds_frame_mean=adds_frame_mean)
