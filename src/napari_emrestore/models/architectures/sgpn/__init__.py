"""SGPN, the network of Cheng et al. 2023 that refocuses scanning electron micrographs.

`net.py` holds the generator, `discriminator.py` what training needs beside it, `build.py` how a card builds
the generator.
"""
