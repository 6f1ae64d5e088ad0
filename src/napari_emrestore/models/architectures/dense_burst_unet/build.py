"""How a model card builds BDU."""

from __future__ import annotations

from napari_emrestore.models.architectures.dense_burst_unet.net import DenseBurstUNet, Upsampling


def build(
    growth: int = 12,
    first_width: int = 48,
    levels: int = 4,
    upsampling: Upsampling = "nearest",
    head_width: int = 64,
    dropout: float = 0.0,
    adds_frame_mean: bool = False,
) -> DenseBurstUNet:
    """Return an untrained BDU mapping ``(B, N, Y, X)`` to ``(B, Y, X)`` in model range.

    The paper states neither growth, first width nor dropout; the defaults are those of FC-DenseNet56.

    Parameters
    ----------
    growth, first_width : int
        Channels each layer adds, and those of the first convolution.
    levels : int
        Times the image is halved.
    upsampling : {"nearest", "transposed"}
        ``"nearest"`` is BDU+UC, ``"transposed"`` is BDU+T.
    head_width : int
        Channels between the collapse of frames and the output.
    dropout : float
        Share of new features dropped in training; 0.2 in FC-DenseNet. It shifts the variance that batch
        normalisation sees, from which regression to intensities suffers.
    adds_frame_mean : bool
        Let the network predict the difference to the mean of the frames.
    """
    if upsampling not in ("nearest", "transposed"):
        raise ValueError(f"upsampling is 'nearest' or 'transposed', {upsampling!r} came")
    return DenseBurstUNet(
        growth, first_width, levels, upsampling, head_width, dropout, adds_frame_mean=adds_frame_mean
    )
