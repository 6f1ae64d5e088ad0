"""SRN, the scale-recurrent network of Tao et al. 2018, single frame in, single image out.

`net.py` holds the network, `build.py` how a card builds it.
"""
