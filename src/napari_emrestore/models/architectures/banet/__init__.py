"""BANet, the blur-aware attention network of Tsai et al. 2022, single frame in, single image out.

`net.py` holds the network, `build.py` how a card builds it.
"""
