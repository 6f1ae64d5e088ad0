"""The networks a card may name: ``name -> "module:build"``, resolved at first use.

``build(**parameters)`` returns an untrained ``torch.nn.Module`` whose forward maps ``(B, N, Y, X)`` to
``(B, Y, X)`` in model range.
"""

ARCHITECTURES: dict[str, str] = {
    "banet": "napari_emrestore.models.architectures.banet.build:build",
    "burst_naf": "napari_emrestore.models.architectures.burst_naf.build:build",
    "burst_unet": "napari_emrestore.models.architectures.burst_unet.build:build",
    "deblurgan_v2": "napari_emrestore.models.architectures.deblurgan_v2.build:build",
    "deep_deblur": "napari_emrestore.models.architectures.deep_deblur.build:build",
    "dense_burst_unet": "napari_emrestore.models.architectures.dense_burst_unet.build:build",
    "ede_xception": "napari_emrestore.models.architectures.ede_xception.build:build",
    "katsuno_unet": "napari_emrestore.models.architectures.katsuno_unet.build:build",
    "sgpn": "napari_emrestore.models.architectures.sgpn.build:build",
    "srn": "napari_emrestore.models.architectures.srn.build:build",
}
