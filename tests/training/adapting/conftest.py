"""A simulated camera with strange noise: rows share noise, neighbours share electrons, gain is odd."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

GAIN, OFFSET = 37.0, 140.0


def strange_frames(scene, count, rng):
    """Return counts of a camera whose noise is correlated along rows and between neighbours."""
    electrons = rng.poisson(40 * scene, (count, *scene.shape)).astype(np.float32)
    electrons = gaussian_filter(electrons, (0, 0, 0.8))
    rows = rng.normal(0, 4.0, (count, scene.shape[0], 1))
    return np.rint((electrons + rows) * GAIN + OFFSET).astype(np.uint16)


@pytest.fixture(scope="session")
def strange():
    """Frames of blobs under a strange camera, and the noise-free truth in counts."""
    rng = np.random.default_rng(8)
    shape = (96, 224)
    scene = 0.3 + 0.7 * (gaussian_filter(rng.normal(size=shape), 3) > 0.02)
    scene = gaussian_filter(scene, 0.8)
    truth = gaussian_filter(40 * scene, (0, 0.8)) * GAIN + OFFSET
    return SimpleNamespace(frames=strange_frames(scene, 6, rng), truth=truth.astype(np.float32), scene=scene)
