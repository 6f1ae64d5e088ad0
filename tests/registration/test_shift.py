"""The start of registration where the scene itself is ambiguous."""

import numpy as np

from napari_emrestore.registration import initial_shift


def test_a_crystal_that_fits_at_every_period_is_taken_at_a_small_shift():
    rng = np.random.default_rng(2)
    y, x = np.mgrid[:512, :512].astype(float)

    def seen(dy, dx):
        lattice = np.cos(2 * np.pi * (y - dy) / 24) + np.cos(2 * np.pi * ((x - dx) + 0.3 * (y - dy)) / 20)
        return rng.poisson(30 + 10 * lattice).astype(np.float32)

    found = initial_shift(seen(0, 0), seen(5, -7))
    assert np.abs(np.subtract(found, (5, -7))).max() < 2
