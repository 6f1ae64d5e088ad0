"""A noisy image as a file, and settings that cut it into many small pieces."""

import numpy as np
import pytest
import tifffile

from napari_emrestore.pipeline import RunSettings

SHAPE = (83, 105)


@pytest.fixture(scope="module")
def image_file(tmp_path_factory):
    """Two frames of different brightness, with a place where nothing was measured."""
    frames = np.random.default_rng(3).normal(100, 20, (2, *SHAPE)).astype(np.float32)
    frames[1] *= 2
    frames[0, 30:34, 40:49] = np.nan
    path = tmp_path_factory.mktemp("input") / "frames.tif"
    tifffile.imwrite(path, frames, photometric="minisblack")
    return path


@pytest.fixture
def settings(image_file, tmp_path):
    """Single frames, by blocks of 30 px with a halo of 1 px: twice 3 x 4 pieces."""
    return RunSettings(
        str(image_file), model="gaussian", output=str(tmp_path / "made.zarr"), frames=1, tile=32
    )
