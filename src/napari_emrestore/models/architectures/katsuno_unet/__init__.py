"""The U-Net with a ResNet-18 encoder of Katsuno et al. 2022, single frame in, single image out.

`net.py` holds the network, `build.py` how a card builds it.
"""
