"""A small stream with known shifts and known truth, as files."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
from scipy.ndimage import gaussian_filter

SHAPE = (81, 98)
SHIFTS = [(0, 0), (2, -1), (3, 2), (-2, 1), (1, 3), (0, -2)]


@pytest.fixture(scope="session")
def stream() -> tuple[np.ndarray, np.ndarray]:
    """Frames (N, Y, X) in counts, and the noise-free scene at the pose of each."""
    rng = np.random.default_rng(5)
    scene = gaussian_filter(rng.normal(size=(120, 140)), 2.5)
    scene = 40 + 25 * scene / np.abs(scene).max()
    truths = np.stack([scene[10 + y : 10 + y + SHAPE[0], 12 + x : 12 + x + SHAPE[1]] for y, x in SHIFTS])
    return rng.poisson(truths * 4).astype(np.uint16), (truths * 4).astype(np.float32)


@pytest.fixture(scope="session")
def shifts() -> list[tuple[int, int]]:
    """Where each frame's window lies in the scene, against the first."""
    return SHIFTS


@pytest.fixture
def stream_file(stream, tmp_path: Path) -> Path:
    path = tmp_path / "stream.tif"
    tifffile.imwrite(path, stream[0], photometric="minisblack")
    return path


@pytest.fixture
def truth_file(stream, tmp_path: Path) -> Path:
    path = tmp_path / "truth.tif"
    tifffile.imwrite(path, stream[1], photometric="minisblack")
    return path


class StopAfter:
    """A monitor that asks to stop at a given step."""

    def __init__(self, steps: int) -> None:
        self.left = steps

    def step(self, done: int, total: int, note: str = "") -> None:
        from napari_emrestore.core import Cancelled

        self.left -= 1
        if self.left < 0:
            raise Cancelled(note)


@pytest.fixture
def stop_after():
    return StopAfter
