"""The networks of the bundled cards, narrow enough for tests and as deep as they are.

Stride, halo, tiling mode and frames are those of the card: narrowing changes none of them.
"""

NARROW = {
    "banet": {"width": 4, "modules": 2},
    "bdu-t": {"growth": 2, "first_width": 4, "head_width": 4, "upsampling": "transposed"},
    "bdu-uc": {"growth": 2, "first_width": 4, "head_width": 4},
    "bdu-uc-small": {"growth": 2, "first_width": 4, "head_width": 4, "levels": 3},
    "bu": {"width": 4},
    "burst-naf": {"width": 4, "noise_input": True},
    "deblurgan-v2": {"pyramid_width": 8, "head_width": 4},
    "deep-deblur": {"width": 3},
    "ede-low": {"width": "tiny"},
    "ede-quarter": {"width": "tiny", "middle_blocks": 4},
    "katsuno-full": {"width": "quarter"},
    "sgpn": {"width": "tiny"},
    "srn": {"width": 2},
}
# cards with weights have the shorter halo measured on them
HALO_PX = {"burst-naf": 400, "bdu-uc-small": 112, "ede-quarter": 576}
