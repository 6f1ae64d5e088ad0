"""Work that is shared out from the command line, and what goes with it and what does not."""

import json

import numpy as np
import pytest
import tifffile
import zarr
from scipy.ndimage import gaussian_filter

from napari_emrestore.cli.program import main
from napari_emrestore.overview import open_mosaic


@pytest.fixture
def image(tmp_path):
    path = tmp_path / "image.tif"
    pixels = np.random.default_rng(0).normal(100, 9, (40, 70)).astype(np.float32)
    tifffile.imwrite(path, pixels, photometric="minisblack")
    return path


def test_a_shared_run_says_who_made_what(image, tmp_path, capsys):
    output = str(tmp_path / "made.zarr")
    command = ["restore", str(image), "-o", output, "--model", "gaussian", "--frames", "1", "--tile", "34"]
    assert main([*command, "--scheduler", "threads:2", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    (worker,) = record["provenance"]["settings"]["workers"].values()
    assert worker["pieces"] == 2 * 3
    assert zarr.open_array(f"{output}/0").shape == (40, 70)
    assert main([*command, "--scheduler", "threads:2"]) == 0
    assert "cpu" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["-o", "{}/made.tif"], "ends in .zarr"),
        (["-o", "{}/made.zarr", "--picture", "{}/p.png"], "--picture came with --scheduler"),
        (["-o", "{}/folder", "--each"], "--scheduler goes with one input"),
    ],
)
def test_what_is_made_on_one_machine_only_is_refused(image, tmp_path, capsys, options, said):
    given = [option.format(tmp_path) for option in options]
    command = ["restore", str(image), *given, "--model", "gaussian", "--frames", "1"]
    assert main([*command, "--scheduler", "threads"]) == 2
    assert said in capsys.readouterr().err


def test_a_shared_mosaic_is_complete(tmp_path, capsys):
    scene = gaussian_filter(np.random.default_rng(4).normal(size=(64, 64 + 15 * 32)), 2)
    frames = np.stack([scene[:, 32 * k : 32 * k + 64] for k in range(16)]).astype(np.float32)
    scan = tmp_path / "scan.tif"
    tifffile.imwrite(scan, frames, photometric="minisblack")
    command = ["mosaic", str(scan), "-o", str(tmp_path / "mosaic.zarr"), "--match", "none", "--no-maps"]
    assert main([*command, "--model", "gaussian", "--scheduler", "threads:2", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["placed"] == 16
    assert open_mosaic(tmp_path / "mosaic.zarr").complete
