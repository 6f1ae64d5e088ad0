"""A scene, two restorations of it with known errors, and the frame they came from."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from napari_emrestore.pipeline.comparison import Candidate

SHAPE = (61, 78)


@pytest.fixture(scope="session")
def scene():
    image = gaussian_filter(np.random.default_rng(0).normal(size=SHAPE), 2)
    return (100 + 50 * image / np.abs(image).max()).astype(np.float32)


@pytest.fixture(scope="session")
def truth(scene):
    return Candidate("truth", scene)


@pytest.fixture(scope="session")
def candidates(scene):
    """A noisy frame, one with less noise, and one with the right structure on a wrong grey scale."""
    noise = np.random.default_rng(1).normal(size=SHAPE)
    return [
        Candidate("noisy", (scene + 20 * noise).astype(np.float32)),
        Candidate("better", (scene + 2 * noise).astype(np.float32), 1.5, {"model": {"id": "m"}}),
        Candidate("bright", 2 * scene + 30),
    ]
