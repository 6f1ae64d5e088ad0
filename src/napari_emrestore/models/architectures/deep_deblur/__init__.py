"""DeepDeblur, the multi-scale network of Nah et al. 2017, single frame in, single image out.

`net.py` holds the network, `build.py` how a card builds it.
"""
