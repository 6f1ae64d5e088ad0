"""Commands run in this process: exit code, standard output, standard error."""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import tifffile
from scipy.ndimage import gaussian_filter

from napari_emrestore.cli import main


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def record(self) -> dict[str, Any]:
        return json.loads(self.out)


@pytest.fixture
def command(capsys):
    """Run a command line and return what came of it."""

    def call(*arguments: object) -> Ran:
        capsys.readouterr()
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as error:  # argparse ends a wrong command line itself
            code = int(error.code or 0)
        return Ran(code, *capsys.readouterr())

    return call


@pytest.fixture(scope="session")
def scene() -> np.ndarray:
    """A smooth clean image ``(Y, X)``, 0 to 1."""
    image = gaussian_filter(np.random.default_rng(8).normal(size=(150, 170)), 2.0)
    return ((image - image.min()) / np.ptp(image)).astype(np.float32)


@pytest.fixture
def stream(scene, tmp_path):
    """Five frames that move by a pixel each, and the truth of each, as files."""
    truth = np.stack([scene[8 + k : 88 + k, 10 - k : 106 - k] for k in range(5)]) * 200 + 50
    frames = np.random.default_rng(3).poisson(truth).astype(np.uint16)
    tifffile.imwrite(tmp_path / "stream.tif", frames, photometric="minisblack")
    tifffile.imwrite(tmp_path / "truth.tif", truth.astype(np.float32), photometric="minisblack")
    return tmp_path / "stream.tif"
