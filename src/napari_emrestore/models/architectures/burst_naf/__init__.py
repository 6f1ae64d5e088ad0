"""BurstNAF: N registered frames in, one image out; any N, order of frames irrelevant.

`net.py` holds the network, `build.py` how a card builds it.
"""
