"""BDU, the densely connected burst networks of Wieslander et al. 2021 (BDU+T and BDU+UC).

`net.py` holds the network, `build.py` how a card builds it.
"""
