"""DeblurGAN-v2 for three registered frames, as Wieslander et al. 2021 compare with.

`net.py` holds the generator, `mobilenet.py` and `inception.py` its two backbones, `discriminators.py` what
training needs beside it, `build.py` how a card builds the generator.
"""
