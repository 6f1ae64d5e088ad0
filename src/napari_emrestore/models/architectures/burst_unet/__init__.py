"""BU, the burst network with a U-Net base that Wieslander et al. 2021 compare with.

`net.py` holds the network, `build.py` how a card builds it.
"""
