"""The networks a card may name: ``name -> "module:build"``, resolved at first use.

``build(**parameters)`` returns an untrained ``torch.nn.Module`` whose forward maps ``(B, N, Y, X)`` to
``(B, Y, X)`` in model range.
"""

ARCHITECTURES: dict[str, str] = {
    "burst_naf": "napari_emrestore.models.architectures.burst_naf.build:build",
    "katsuno_unet": "napari_emrestore.models.architectures.katsuno_unet.build:build",
}
