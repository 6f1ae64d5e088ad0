"""The atrous encoder-decoder of Ede & Beanland for low-dose micrographs, single frame in, single image out.

`net.py` holds the network, `build.py` how a card builds it.
"""
