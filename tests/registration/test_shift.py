"""The start of registration where the scene itself is ambiguous."""

import numpy as np

from napari_emrestore.registration import initial_shift


def test_a_crystal_that_fits_at_every_period_is_taken_at_the_smallest_shift():
    rng = np.random.default_rng(4)
    y, x = np.mgrid[:256, :256].astype(float)

    def seen(dy, dx):
        lattice = np.cos(2 * np.pi * (y - dy) / 40) + np.cos(
            2 * np.pi * ((x - dx) * 0.9 + (y - dy) * 0.3) / 36
        )
        return rng.poisson(30 + 10 * lattice).astype(np.float32)

    found = initial_shift(seen(0, 0), seen(5, -7))
    assert np.abs(np.subtract(found, (5, -7))).max() < 2
